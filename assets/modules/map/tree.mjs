// The tree of layers: what is measured by kind, with counts and the worst state; what was imported;
// the base map. And the legend of exactly what is switched on.

import {element, fill} from "../dom.mjs";
import {createLegend} from "../header.mjs";
import {SHAPES, SIGNS, svg} from "../marks.mjs";
import {RANKS, rank} from "./ranks.mjs";

const BASE = {
  communes: ["communes", "commune-labels"],
  neighbours: ["neighbours", "neighbour-lines", "neighbour-labels"],
  water: ["water", "water-lines"],
  zones: ["zones", "zone-labels"],
};
const PAUSE_MS = 1_000; // counts of thousands of things are read at this pace

export function createTree(box, key, live, store, {writer, overlays, onKinds}) {
  const {say} = writer;
  const off = new Set(); // of kinds and base layers
  const {layers, paint, map} = live;

  function kinds() {
    const found = new Map();
    for (const [id, at] of layers.points) {
      const own = found.get(at.kind) ?? {total: 0, ranks: [0, 0, 0, 0, 0, 0]};
      const drawn = paint.drawn.get(String(id));
      own.total += 1;
      own.ranks[rank(drawn)] += 1;
      found.set(at.kind, own);
    }
    return [...found].sort(([a], [b]) => kindName(a).localeCompare(kindName(b), "vi"));
  }

  // Of the things whose places an imported layer has.
  function ranksOf(name) {
    const ranks = [0, 0, 0, 0, 0, 0];
    for (const thing of overlays.things(name)) ranks[rank(paint.drawn.get(String(thing)))] += 1;
    return ranks;
  }

  function kindName(kind) {
    const text = say(`alerts.thing_kind.${kind}`);
    return text.startsWith("alerts.thing_kind.") ? kind : text;
  }

  function draw() {
    due = null;
    const focused = box.contains(document.activeElement) ? document.activeElement.dataset.layer : null;
    fill(box,
      group("map.measured", ...kinds().map(([kind, {total, ranks}]) => row(`kind:${kind}`, kindName(kind), !off.has(`kind:${kind}`), total, worst(ranks)))),
      group("map.imported", ...(overlays.names().length ? overlays.names().map((name) => row(`over:${name}`, overlays.title(name), overlays.on.has(name), overlays.count(name), overlays.on.has(name) ? worst(ranksOf(name)) : null, swatch(name))) : [element("p", "dim", say("map.none_imported"))])),
      group("map.base", ...Object.keys(BASE).map((name) => row(`base:${name}`, say(`layers.page.base.${name}`), !off.has(`base:${name}`), null, null))));
    if (focused) box.querySelector(`[data-layer="${CSS.escape(focused)}"]`)?.focus();
  }

  const group = (title, ...rows) => element("section", "", element("h3", "", say(title)), ...rows);

  function row(name, title, isOn, total, mark, sign = null) {
    const check = element("input");
    check.type = "checkbox";
    check.dataset.layer = name;
    check.toggleAttribute("checked", isOn);
    return element("label", "layer", check, sign, element("span", "", title), mark, total === null ? null : element("b", "", writer.number(total)));
  }

  // The worst state of a group: sign, number of things in it, and its word for who cannot see.
  function worst(ranks) {
    const rank = RANKS.find((one) => ranks[one] > 0);
    if (!rank) return null;
    const node = rank === 5 ? element("i", "worst silent", svg(SIGNS.silent), String(ranks[5])) : element("i", `worst sev s${rank}`, svg(SHAPES[rank]), String(ranks[rank]));
    node.setAttribute("title", `${rank === 5 ? say("wall.silent") : say(`severity.${rank}`)}: ${ranks[rank]}`);
    return node;
  }

  function swatch(name) {
    const {shape, dash} = overlays.look(name);
    const drawing = svg(overlays.geometry(name) === "point" ? shape : "M0 12H24", {class: "swatch"});
    if (overlays.geometry(name) !== "point") drawing.firstChild.setAttribute("stroke-dasharray", dash.map((part) => part * 2.5).join(" "));
    return drawing;
  }

  // fill() keeps the nodes while they read the same; a box that somebody ticked keeps its tick.
  box.addEventListener("change", (event) => {
    const name = event.target.dataset.layer;
    if (name) set(name, event.target.checked);
  });

  function set(name, isOn) {
    const [group, own] = name.split(":");
    if (group === "over") overlays.toggle(own, isOn);
    else if (isOn) off.delete(name);
    else off.add(name);
    if (group === "base") for (const id of BASE[own]) map.setLayoutProperty(id, "visibility", isOn ? "visible" : "none");
    if (group === "kind") onKinds();
    draw();
    for (const listener of listeners) listener();
  }

  const listeners = new Set();
  let due = null;
  const again = () => { due ??= setTimeout(draw, PAUSE_MS); };
  store.subscribe((changed) => (changed.has("states") || changed.has("alerts") || changed.has("layers")) && again());
  layers.onList(again);
  layers.onLayer(() => { clearTimeout(due); due = setTimeout(draw, 50); });
  draw();
  createLegend(key, writer);
  key.append(element("div", "", element("i", "cluster", "9"), element("span", "", say("map.legend_cluster"))));
  key.append(...[1, 2, 3, 4].map((severity) => element("div", "", element("i", `sev s${severity}`, svg(SHAPES[severity]), String(severity)), element("span", "", say(`severity.${severity}`)))));
  return {
    off, set, kindName, draw,
    isKindOn: (kind) => !off.has(`kind:${kind}`),
    onChange: (listener) => listeners.add(listener),
  };
}
