// The head of the editor: what rule this is, what is missing, and the one button that saves it.

import {element} from "../dom.mjs";
import {missing, toRule} from "./draft.mjs";
import {button} from "./form.mjs";
import {server} from "./server.mjs";

export function createActions(box, {state, writer, clock, may}) {
  const say = (key, values) => writer.say(`rules.${key}`, values);
  let busy = false, said = null;

  function render() {
    const {draft, loaded} = state;
    // What was saved is whole; its reason, say, is not asked for again.
    const same = may && unchanged();
    const lacking = same ? [[0, "change"]] : may ? [...missing(draft, state.stations), ...reason()] : [];
    const step = lacking[0]?.[0];
    const simulated = state.stations.some((one) => one.simulated && one.datastream === state.preview);
    const what = same ? element("span", "lack mut", said ?? say("missing_change")) : lacking.length ? element("span", "lack", element("b", "", say("lacking", {n: lacking.length})), ` – ${say(`missing_${lacking[0][1]}`)} (${say("step", {n: step})})`) : element("span", "lack", said ?? "");
    what.id = "rule-lack";
    what.setAttribute("role", "status");
    const critical = draft.levels.some((level) => level.severity === "critical") || (loaded?.definition.levels ?? []).some((level) => level.severity === "critical");
    const save = button(say(busy ? "saving" : critical ? "send" : "save"), send, "btn p");
    save.id = "rule-save";
    save.disabled = busy || lacking.length > 0;
    save.setAttribute("aria-describedby", "rule-lack");
    if (lacking.length && !same) save.title = lacking.map(([n, key]) => `${say("step", {n})}: ${say(`missing_${key}`)}`).join("\n");
    const where = loaded ? say("in_force", {version: loaded.version, date: clock.date(new Date(loaded.since))}) : say("not_saved");
    const focused = document.activeElement?.id === "rule-save";
    box.replaceChildren(
      element("div", "rh-t", element("p", "xs mut", link("/rules", say("title")), ` / ${where}`), element("h1", "", draft.name.trim() || say("unnamed"))),
      simulated ? element("span", "sim sm", writer.say("wall.simulated")) : "", element("span", "sp"), what, may ? save : element("span", "chip", say("read_only")));
    if (focused) save.focus();
  }

  // A rule that is louder than an operator can answer needs a typed reason (in the findings).
  function reason() {
    return state.found?.needs_reason && !state.draft.reason.trim() ? [[2, "reason"]] : [];
  }

  // The version in force, saved once more, would be a version that says nothing.
  function unchanged() {
    return Boolean(state.saved) && state.saved === JSON.stringify(toRule(state.draft));
  }

  async function send() {
    const {draft} = state;
    busy = true;
    said = null;
    render();
    try {
      const rule = toRule(draft);
      if (!draft.id) delete rule.id;
      const done = await server.save({rule, unit: draft.unit, base: draft.base, datastream: state.preview, reason: draft.reason.trim() || null});
      location.assign(`/rules/${done.id}?saved=${done.state}`);
    } catch (error) {
      busy = false;
      said = error.code === "away" ? say("away") : [error.message, ...(error.reasons ?? [])].join(" ");
      render();
    }
  }

  if (new URLSearchParams(location.search).has("saved")) {
    said = say(`saved_${new URLSearchParams(location.search).get("saved") === "waiting" ? "waiting" : "approved"}`);
    history.replaceState(null, "", location.pathname);
  }
  return {render};
}

export function link(href, words) {
  const node = element("a", "", words);
  node.href = href;
  return node;
}
