// Steps 4 and 5: what the duty officer does about it, and who is told.

import {element} from "../dom.mjs";
import {button, field, heading, text} from "./form.mjs";
import {segment} from "./place.mjs";
import {server} from "./server.mjs";
import {lines, opOf, toRule} from "./draft.mjs";

const RECEIPT_MS = 1_000, PATIENCE = 20; // how often, and how many times, a receipt is asked for

export function createPeople(box, {state, writer, may, change, refresh}) {
  const say = (key, values) => writer.say(`rules.${key}`, values);
  const told = element("div", "told");
  const receipt = element("p", "sm");
  receipt.setAttribute("role", "status");
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
    if (!state.preview || (opOf(draft) !== null && lines(draft).length === 0)) return;
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
    const table = element("table", "nt", element("tbody", "", ...rows.map((row) => element("tr", "", element("td", "", row.who, element("i", "", row.policy)), element("td", "", row.how), element("td", "r", row.unanswered ? say("told_escalated", {n: row.unanswered}) : say("at_once")), element("td", "r", may ? button(say("try"), () => tryOne(row), "link") : null)))));
    told.replaceChildren(choice, rows.length ? table : element("p", "pv", say(shown?.configured === false || !shown ? "told_unset" : "told_nobody")), receipt);
  }

  // A message marked as an exercise; the dispatcher sends it, and its receipt is shown here.
  async function tryOne({target, who}) {
    const tell = (key, values) => { receipt.textContent = say(key, {who, ...values}); };
    tell("try_sent");
    try {
      const {id} = await server.tryTarget(target);
      for (let turn = 0; turn < PATIENCE; turn += 1) {
        await new Promise((done) => setTimeout(done, RECEIPT_MS));
        const fate = await server.receipt(id);
        if (fate.sent_at) return tell("try_done", {receipt: fate.detail});
        if (fate.dead || fate.attempts) return tell("try_failed", {reason: fate.detail});
      }
      tell("try_waits");
    } catch (error) {
      receipt.textContent = error.code === "away" ? say("away") : error.message;
    }
  }

  people();
  return {render};
}
