// Words on the map for what is critical or high: place and value, where they hide nothing else.

import {element} from "./dom.mjs";

const MOST_MARKS = 200; // a map with more has no room for words anyway
const MOST = 8; // more than that and the list reads better than the map

export function createCallouts(box, live, store, {writer, unit}) {
  const {map, layers} = live;
  let shown = [];

  function rebuild() {
    for (const {node} of shown) node.remove();
    const seen = new Set();
    shown = [];
    for (const row of store.alerts.open) {
      if (row.severity > 2 || !row.active || row.mask || seen.has(row.thing) || !layers.points.has(row.thing)) continue;
      seen.add(row.thing);
      const node = element("div", "call", element("b", "", row.place), element("span", "", detail(row, writer)));
      box.append(node);
      shown.push({node, row, at: layers.points.get(row.thing), size: node.getBoundingClientRect()});
      if (shown.length === MOST) break;
    }
    place();
  }

  function place() {
    const frame = box.getBoundingClientRect();
    const taken = [...marks(map, layers, store, unit()), ...signs(box, frame)];
    for (const {node, row, at, size} of shown) {
      const point = map.project([at.lon, at.lat]);
      const gap = (row.severity === 1 ? 34 : 17) * unit() * (row.acked ? 0.6 : 1);
      const spot = candidates(point, gap, size).find((one) => inside(one, frame) && !taken.some((other) => other.row !== row && overlap(one, other)));
      node.style.visibility = spot ? "visible" : "hidden";
      if (!spot) continue;
      taken.push(spot);
      node.style.transform = `translate(${Math.round(spot.x)}px,${Math.round(spot.y)}px)`;
    }
  }

  map.on("move", place);
  map.on("resize", rebuild);
  layers.onLayer((name) => (name === "things" || name === "bts") && rebuild());
  store.subscribe((changed) => changed.has("alerts") && rebuild());
  rebuild();
}

function detail(row, writer) {
  if (row.stale) return writer.say("wall.stale");
  if (row.kind === "category") return row.name;
  return writer.value(row.result, row.decimals, row.unit);
}

function marks(map, layers, store, u) {
  const taken = [];
  for (const [id, state] of store.states) {
    const at = state.severity ? layers.points.get(Number(id)) : undefined;
    if (!at || taken.length === MOST_MARKS) continue;
    const point = map.project([at.lon, at.lat]);
    taken.push({x: point.x - 8 * u, y: point.y - 8 * u, w: 16 * u, h: 16 * u, row: store.alerts.open.find((row) => row.thing === Number(id))});
  }
  for (const row of store.alerts.open) {
    const at = layers.points.get(row.thing);
    if (!at) continue;
    const point = map.project([at.lon, at.lat]);
    const r = (row.severity < 3 ? 16 : 10) * u;
    taken.push({x: point.x - r, y: point.y - r, w: 2 * r, h: 2 * r, row});
  }
  return taken;
}

// What already stands over the map: legend, inset, attribution.
function signs(box, frame) {
  return [...box.querySelectorAll(".legend div, .inset, .attribution")].filter((sign) => !sign.hidden).map((sign) => {
    const {x, y, width: w, height: h} = sign.getBoundingClientRect();
    return {x: x - frame.x, y: y - frame.y, w, h};
  });
}

function candidates(point, gap, {width: w, height: h}) {
  return [
    {x: point.x + gap, y: point.y - h / 2, w, h},
    {x: point.x - gap - w, y: point.y - h / 2, w, h},
    {x: point.x - w / 2, y: point.y + gap, w, h},
    {x: point.x - w / 2, y: point.y - gap - h, w, h},
    {x: point.x + gap * 0.7, y: point.y + gap * 0.5, w, h},
    {x: point.x + gap * 0.7, y: point.y - gap * 0.5 - h, w, h},
    {x: point.x - gap * 0.7 - w, y: point.y + gap * 0.5, w, h},
    {x: point.x - gap * 0.7 - w, y: point.y - gap * 0.5 - h, w, h},
  ];
}

const inside = (spot, frame) => spot.x > 4 && spot.y > 4 && spot.x + spot.w < frame.width - 4 && spot.y + spot.h < frame.height - 30;
const overlap = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
