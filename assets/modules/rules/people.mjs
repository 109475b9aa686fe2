// Steps 4 and 5: what the duty officer does about it, and who is told.

import {element} from "../dom.mjs";
import {field, heading, text} from "./form.mjs";
import {segment} from "./place.mjs";
import {server} from "./server.mjs";
import {lines, toRule} from "./draft.mjs";

export function createPeople(box, {state, writer, change, refresh}) {
  const say = (key, values) => writer.say(`rules.${key}`, values);
  const told = element("div", "told");
  let when = "now", shown = null, known = "";

  box.replaceChildren(
    heading(4, say("step4")),
    written("name", "name", {maxLength: 200}, true),
    written("cause", "cause", {rows: 2, maxLength: 500, placeholder: say("cause_example")}, true),
    written("consequence", "consequence", {rows: 2, maxLength: 500, placeholder: say("consequence_example")}, true),
    written("action", "action", {rows: 3, maxLength: 500, placeholder: say("action_example")}, true),
    written("owner", "owner", {maxLength: 200}, false),
    heading(5, say("step5")), told);

  function written(key, words, attributes, required) {
    const control = text(state.draft[key], (value) => { state.draft[key] = value; change({words: true}); mark(control, required); }, {id: `rule-${key}`, ...attributes});
    if (required) control.setAttribute("aria-required", "true");
    mark(control, required);
    const why = key === "action" ? element("p", "er", say("action_required")) : null;
    return field(required ? `${say(words)} *` : say(words), control, why);
  }

  function mark(control, required) {
    control.classList.toggle("need", required && !control.value.trim());
  }

  function render() {
    for (const key of ["name", "cause", "consequence", "action", "owner"]) {
      const control = document.getElementById(`rule-${key}`);
      if (control && document.activeElement !== control && control.value !== state.draft[key]) control.value = state.draft[key];
      if (control) mark(control, key !== "owner");
    }
    tell();
  }

  // Asked again only when what decides about it changed: levels and stations.
  async function tell() {
    const {draft} = state;
    if (!state.preview || lines(draft).length === 0) return;
    const {property, levels, group, kind, feed, things} = draft;
    const key = JSON.stringify([property, levels.map((level) => level.severity), group ? [kind, feed] : things, state.preview, when]);
    if (key === known) return;
    known = key;
    try {
      shown = await server.context({rule: toRule(draft), datastream: state.preview, when});
    } catch {
      shown = null;
      known = "";
    }
    if (key !== known && known) return;
    state.overlaps = shown?.overlaps ?? [];
    people();
    refresh();
  }

  function people() {
    const choice = segment([["now", say("told_now")], ["night", say("told_night")]], when, (value) => { when = value; tell(); });
    const rows = shown?.items ?? [];
    const table = element("table", "nt", element("tbody", "", ...rows.map((row) => element("tr", "", element("td", "", row.who, element("i", "", row.policy)), element("td", "", row.how), element("td", "r", row.unanswered ? say("told_escalated", {n: row.unanswered}) : say("at_once"))))));
    told.replaceChildren(choice, rows.length ? table : element("p", "pv", say(shown?.configured === false || !shown ? "told_unset" : "told_nobody")));
  }

  people();
  return {render};
}
