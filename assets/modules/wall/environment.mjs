// Air and water: the index by the worst station, values against the limit of their own window.

import {element} from "../dom.mjs";
import {createView, figure, head, nothing} from "./data.mjs";

const MOST_ROWS = 4; // of each index
const MOST_WORST = 5;
const TICK = 0.6; // where on the bar the limit stands
const OTHERS = ["camera", "bts", "network", "fibre"]; // pages of their own

export function createEnvironment(box, {writer, store}) {
  const {say} = writer;

  function draw(found) {
    const left = element("div", "vcol", ...index(found, "air"), ...index(found, "water"));
    const right = element("div", "vcol", head(say("environment.worst"), say("environment.worst_hint")), ...worst(found), head(say("environment.stations")), stations());
    return [left, right];
  }

  function index(found, kind) {
    const {total, known, words, categories, worst: rows} = found.indices[kind];
    const title = head(say(`environment.${kind}`), total ? say("environment.known", {n: writer.number(known), all: writer.number(total)}) : "");
    if (!rows.length) return [title, nothing(say(total ? "environment.no_index" : `environment.no_${kind}`))];
    const bar = element("div", "cats", ...Object.entries(categories).map(([name, n]) => element("span", "", swatch(kind, name), `${words[name]} `, element("b", "", writer.number(n)))));
    return [title, bar, ...rows.slice(0, MOST_ROWS).map((row) => element("div", "vrow", element("b", "vindex", writer.number(row.index)), element("div", "vname", element("b", "", row.name), element("span", "", swatch(kind, row.category), row.words)), element("div", "vend", writer.time(row.time).slice(0, 5))))];
  }

  // The law's colours, no larger than it takes to be recognised: hue is for alerts.
  const swatch = (kind, category) => element("i", `swatch index-${kind}-${category}`);

  function worst(found) {
    if (!found.worst.length) return [element("p", "quiet", say("environment.no_limits"))];
    return found.worst.slice(0, MOST_WORST).map((one) => {
      const used = element("u");
      used.style.width = `${Math.min(100, one.ratio * TICK * 100).toFixed(1)}%`;
      const tick = element("s");
      tick.style.left = `${TICK * 100}%`;
      const value = writer.value(one.value, one.decimals, one.unit);
      return element("div", one.ratio > 1 ? "lim over" : "lim",
        element("div", "vname", element("b", "", one.name), element("span", "", `${one.parameter}, ${say("environment.window", {h: writer.number(one.window_s / 3600, one.window_s % 3600 ? 1 : 0)})}`)),
        element("div", "vend", element("b", "", value), element("span", "", say("environment.limit", {limit: writer.value(one.limit, Number.isInteger(one.limit) ? 0 : one.decimals, ""), basis: one.basis}))),
        element("div", "br", used, tick));
    });
  }

  function stations() {
    const kinds = Object.entries(store.counts.kinds).filter(([kind]) => !OTHERS.includes(kind)).slice(0, 5);
    if (!kinds.length) return element("p", "quiet", say("environment.no_stations"));
    return element("div", "kpi", ...kinds.map(([kind, n]) => figure(writer, name(kind), n.silent, n.total)));
  }

  function name(kind) {
    const words = say(`alerts.thing_kind.${kind}`);
    return words.startsWith("alerts.") ? kind : words;
  }

  return createView(box, "/wall-data/environment", writer, draw);
}
