// All rules in one table: what they watch, how loud they were, whose they are, what waits.

import {element} from "../dom.mjs";
import {link} from "./actions.mjs";
import {nameOf} from "./compared.mjs";
import {badge} from "./form.mjs";
import {server} from "./server.mjs";

export async function createList(root, {writer, clock, may}) {
  const say = (key, values) => writer.say(`rules.${key}`, values);
  const {items} = await server.rules();
  const add = may ? element("a", "btn p", say("new")) : null;
  if (add) add.href = "/rules/new";
  let wanted = "";
  const search = element("input", "inp");
  Object.assign(search, {type: "search", id: "rules-search", placeholder: say("search_rules"), ariaLabel: say("search_rules")});
  search.addEventListener("input", () => { wanted = search.value.toLowerCase(); rows(); });
  const waiting = items.filter((one) => one.waiting).length;
  const head = element("div", "rh", element("div", "rh-t", element("h1", "", say("title")), element("p", "sm mut", say("counted", {n: items.length, waiting}))), element("span", "sp"), search, add);
  const body = element("tbody");
  const names = ["name", "property", "limits", "who", "alerts", "version_short", "state"];
  const table = element("table", "rl", element("thead", "", element("tr", "", ...names.map((key) => element("th", key === "alerts" ? "r" : "", say(`col_${key}`))))), body);
  root.replaceChildren(head, element("section", "pn", table));
  rows();

  function rows() {
    const shown = items.filter((one) => `${one.name} ${one.property_name} ${one.owner ?? ""} ${one.id}`.toLowerCase().includes(wanted));
    body.replaceChildren(...shown.map(row), ...(shown.length ? [] : [element("tr", "", Object.assign(element("td", "mut", say(items.length ? "no_match" : "no_rules")), {colSpan: names.length}))]));
  }

  function row(one) {
    const limits = element("div", "lims", ...one.levels.map((level) => element("span", "", badge(level.severity, writer), " ", limit(one, level))));
    const state = one.waiting ? say("list_waiting", {n: one.waiting}) : say(one.enabled ? "list_on" : "list_off");
    const source = one.origin === "ui" ? say("origin_ui") : say("origin_file");
    return element("tr", one.enabled ? "" : "off",
      element("td", "", link(`/rules/${one.id}`, one.name)),
      element("td", "", one.property_name, one.window ? element("i", "", nameOf({input: one.input, window: {fn: one.window.function, length: one.window.length_s}}, say, clock.lasting)) : null),
      element("td", "", limits),
      element("td", "", one.owner ?? one.created_by, element("i", "", source)),
      element("td", "r", writer.number(one.alerts, 0)),
      element("td", "", `${one.version}`, element("i", "", clock.date(new Date(one.since)))),
      element("td", "", one.waiting ? element("b", "chip", state) : state));
  }

  function limit(one, level) {
    if (one.input === "no_data") return say("no_data");
    if (level.states) return level.states.join(", ") || "–";
    const show = (value) => writer.number(value, Math.max(one.decimals, Number.isInteger(value) ? 0 : Math.min(4, String(value).split(".")[1]?.length ?? 0)));
    const unit = one.unit ? `\u00a0${one.unit}` : "";
    const words = level.limit === null ? `${show(level.low)} – ${show(level.high)}` : show(level.limit);
    return `${say(`short_${[">", ">=", "<", "<=", "outside", "inside"].indexOf(one.op)}`)} ${words}${unit}`;
  }
}
