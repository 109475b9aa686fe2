// The overview: one SVG of the server, coloured by the worst that is on in each commune. Touched, it
// becomes the live map, whose parts are fetched only then.

import {element, fill} from "../dom.mjs";
import {SHAPES, SIGNS, svg} from "../marks.mjs";
import {keepMap, lastMap} from "./keep.mjs";

const NS = "http://www.w3.org/2000/svg";
const SIZE = {1: 26, 2: 22, 3: 13, 4: 12}; // of a sign, in units of the drawing
const NUMBER_DOWN = {1: 0.18, 2: 0.32};
const NAMED = 6; // signs with a name: more than that hide each other
const RETRY_MS = 5_000;

export function createOverview(parts, {writer}) {
  let address = null;
  let found = null;

  async function show(state) {
    found = state.communes;
    if (state.map !== address) {
      address = state.map;
      if (address === null) fill(parts.drawing, element("p", "dim", writer.say("brief.map_none")));
      else await load(address);
    }
    paint();
  }

  async function load(asked) {
    try {
      const drawing = new DOMParser().parseFromString(await text(asked), "image/svg+xml").documentElement;
      if (asked === address) parts.drawing.replaceChildren(document.adoptNode(drawing));
    } catch {
      if (asked === address) address = undefined; // asked for again with the next state
      setTimeout(() => address === undefined && found && show({communes: found, map: asked}), RETRY_MS);
    }
  }

  // An address is a version: what is kept under it is as good as new.
  async function text(asked) {
    const kept = await lastMap();
    if (kept?.address === asked) return kept.text;
    const answer = await fetch(asked);
    if (!answer.ok) throw new Error(String(answer.status));
    const found = await answer.text();
    await keepMap({address: asked, text: found});
    return found;
  }

  function paint() {
    const drawing = parts.drawing.querySelector("svg");
    if (!drawing) return;
    for (const area of drawing.querySelectorAll("[data-code]")) {
      const severity = found[area.dataset.code]?.[0];
      area.setAttribute("class", severity ? `commune k${severity}` : "commune");
    }
    const worst = Object.entries(found).sort(([, a], [, b]) => a[0] - b[0] || Number(b[2]) - Number(a[2]));
    const named = new Set(worst.filter(([, [severity]]) => severity <= 2).slice(0, NAMED).map(([code]) => code));
    const places = [...drawing.querySelectorAll("[data-sign]")];
    for (const place of places) place.replaceChildren();
    const byCode = new Map(places.map((place) => [place.dataset.sign, place]));
    for (const [code, [severity,, owed]] of worst.toReversed()) {
      const place = byCode.get(code);
      if (!place) continue;
      place.append(...sign(severity, owed));
      if (named.has(code)) place.append(name(place));
      drawing.append(place); // the worst is drawn last, above the others
    }
  }

  function sign(severity, owed) {
    const size = SIZE[severity];
    const shape = make("path", {d: SHAPES[severity], transform: `scale(${size / 24}) translate(-12 -12)`, class: `mark k${severity}`});
    const nodes = severity === 1 && owed ? [make("circle", {r: size * 0.95, class: "owed"}), shape] : [shape];
    if (severity <= 2) nodes.push(words(String(severity), {y: size * NUMBER_DOWN[severity], class: `digit k${severity}`}));
    return nodes;
  }

  // To the side that has room.
  function name(place) {
    const x = Number(/translate\(([\d.]+)/.exec(place.getAttribute("transform"))[1]);
    const left = x > 230;
    return words(place.dataset.name.replace(/^(Phường|Xã|Thị trấn|Đặc khu) /, ""), {x: left ? -20 : 20, y: 5, class: "name", "text-anchor": left ? "end" : "start"});
  }

  return {show};
}

function make(tag, attributes) {
  const node = document.createElementNS(NS, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function words(text, attributes) {
  const node = make("text", attributes);
  node.textContent = text;
  return node;
}

// Opens the live map into `box`; returns what ends it. Its signs are those of the open alerts, which
// the page's own line carries: the states of a whole province would be the largest part of it.
export async function openLive(box, page, {writer, onThing}) {
  fill(box, element("div", "hold"));
  const store = signsOf(page);
  try {
    const {createMap} = await import("../map.mjs");
    const place = element("div", "canvas");
    box.replaceChildren(place);
    const live = await createMap(place, store, {writer, onThing, unit: () => 1.3});
    return {store, map: live.map, end: () => { store.end(); live.map.remove(); box.replaceChildren(); }};
  } catch (error) {
    store.end();
    console.error(error);
    const why = navigator.onLine ? error.reason ?? "wall.no_map_why" : "brief.map_away";
    fill(box, element("div", "state", svg(SIGNS.warn), element("b", "", writer.say("wall.no_map")), element("p", "", writer.say(why))));
    return {end: () => box.replaceChildren()};
  }
}

// The page's store as a map reads one: a state for each thing with an open alert, its worst.
function signsOf(page) {
  const listeners = new Set();
  const store = {
    states: new Map(),
    get alerts() { return page.alerts; },
    get layers() { return page.layers; },
    subscribe: (listener) => listeners.add(listener),
  };
  function take() {
    const next = new Map();
    for (const {thing, severity, acked, active} of page.alerts.open) {
      const id = String(thing);
      if (active && !next.has(id)) next.set(id, {fresh: "live", severity, acked, down: false, values: {}});
    }
    const touched = [...new Set([...store.states.keys(), ...next.keys()])];
    store.states.clear();
    for (const id of touched) store.states.set(id, next.get(id) ?? {fresh: "live", severity: 0, acked: true, down: false, values: {}});
    return touched;
  }
  take();
  store.end = page.subscribe((changed) => {
    const ids = changed.has("alerts") ? take() : [];
    for (const listener of listeners) listener(ids.length ? new Set([...changed, "states"]) : changed, ids);
  });
  return store;
}
