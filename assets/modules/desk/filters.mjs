// The filters over the list: native controls, so that keyboard, touch and screen readers know them.

import {element} from "../dom.mjs";
import {ask} from "./api.mjs";
import {isNarrowed, widened} from "./query.mjs";

const TYPING_MS = 250;
const HOURS = [1, 8, 24, 168];
const ALL = "*"; // no value of any filter

export function createFilters(box, {say, query, onChange}) {
  const search = element("input", "inp");
  search.type = "search";
  search.maxLength = 200;
  search.placeholder = say("alerts.search");
  search.setAttribute("aria-label", say("alerts.search"));
  const selects = {
    severity: select("severity", [1, 2, 3, 4].map((n) => [String(n), `${n} ${say(`severity.${n}`)}`])),
    state: select("state", ["unacked", "acked", "returned", "stale"].map((name) => [name, say(`alerts.filter.${name}`)])),
    kind: select("kind", []),
    area: select("area", []),
    rule: select("rule", []),
    hours: select("hours", HOURS.map((n) => [String(n), say("alerts.filter.past_hours", {n})])),
  };
  const clear = element("button", "btn", say("alerts.clear_filters"));
  clear.type = "button";
  box.replaceChildren(search, ...Object.values(selects), clear);

  function select(name, options) {
    const node = element("select", "inp");
    node.setAttribute("aria-label", say(`alerts.filter.${name}`));
    node.dataset.filter = name;
    fillOptions(node, name, options);
    return node;
  }

  function fillOptions(node, name, options) {
    const option = (value, text) => {
      const made = element("option", "", text);
      made.value = value;
      return made;
    };
    node.replaceChildren(option(ALL, say(`alerts.filter.${name}`)), ...options.map(([value, text]) => option(value, text)));
  }

  // Shows what the address says; a value that is not offered is offered nevertheless.
  function show() {
    if (document.activeElement !== search) search.value = query.value.q ?? "";
    for (const [name, node] of Object.entries(selects)) {
      const value = name === "severity" ? query.value.severity[0]?.toString() ?? null : query.value[name];
      if (value !== null && ![...node.options].some((option) => option.value === value)) {
        const extra = element("option", "", value || say("alerts.area_unknown"));
        extra.value = value;
        node.append(extra);
      }
      node.value = value ?? ALL;
      node.classList.toggle("on", value !== null);
    }
    clear.hidden = !isNarrowed(query.value);
  }

  async function load() {
    const answer = await ask("/desk/alerts/choices");
    if (!answer.ok) return;
    const {kinds, areas, rules} = answer.body;
    const kindName = (kind) => say(`alerts.thing_kind.${kind}`).replace("alerts.thing_kind.", "");
    fillOptions(selects.kind, "kind", kinds.map((kind) => [kind, kindName(kind)]));
    fillOptions(selects.area, "area", areas);
    fillOptions(selects.rule, "rule", rules);
    show();
  }

  let typing = null;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => onChange({q: search.value.trim() || null, cursor: null}), TYPING_MS);
  });
  box.addEventListener("change", (event) => {
    const name = event.target.dataset.filter;
    if (!name) return;
    const value = event.target.value === ALL ? null : event.target.value;
    onChange({[name]: name === "severity" ? (value ? [Number(value)] : []) : value, cursor: null});
  });
  clear.addEventListener("click", () => {
    search.value = "";
    onChange(widened(query.value));
    search.focus();
  });
  load();
  show();
  return {show, focus: () => { search.focus(); search.select(); }, search};
}
