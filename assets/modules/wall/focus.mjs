// Where a new critical alert is, drawn large in a corner: the map itself never moves by itself.

import {element} from "../dom.mjs";
import {SHAPES} from "../marks.mjs";

const NS = "http://www.w3.org/2000/svg";
const HALF = 0.11; // degrees of latitude to each side: about 12 km
const KEPT_MS = 20_000; // it stays at least this long
const WIDE = 170;
const HIGH = 132;

export function createFocus(box, layers, store, writer) {
  let shown = null;
  let since = 0;

  function render() {
    const row = store.alerts.open.find((one) => one.severity === 1 && one.active && !one.acked && !one.mask && layers.points.has(one.thing));
    if (!row && shown && performance.now() - since < KEPT_MS) return;
    if (row?.id === shown && !box.hidden) return;
    shown = row?.id ?? null;
    since = performance.now();
    box.hidden = !row;
    if (row) box.replaceChildren(drawing(row), element("div", "focus-name", element("b", "", row.place), row.commune ?? ""));
  }

  function drawing(row) {
    const at = layers.points.get(row.thing);
    const across = Math.cos((at.lat * Math.PI) / 180);
    const scale = HIGH / (2 * HALF);
    const x = (lon) => WIDE / 2 + (lon - at.lon) * across * scale;
    const y = (lat) => HIGH / 2 - (lat - at.lat) * scale;
    const picture = make("svg", {viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": writer.say("wall.focus", {place: row.place})});
    const near = {west: at.lon - 2 * HALF, east: at.lon + 2 * HALF, south: at.lat - 1.2 * HALF, north: at.lat + 1.2 * HALF};
    for (const feature of layers.data.get("communes")?.features ?? []) picture.append(...areas(feature, near, x, y));
    for (const [, point] of layers.points) {
      if (point.lon > near.west && point.lon < near.east && point.lat > near.south && point.lat < near.north) picture.append(make("circle", {cx: x(point.lon).toFixed(1), cy: y(point.lat).toFixed(1), r: point.layer === "bts" ? 1 : 1.8, class: point.layer}));
    }
    picture.append(make("circle", {cx: WIDE / 2, cy: HIGH / 2, r: 20, class: "ring"}));
    const mark = make("g", {transform: `translate(${WIDE / 2 - 11} ${HIGH / 2 - 11}) scale(.92)`});
    mark.append(make("path", {d: SHAPES[1], class: "mark"}));
    picture.append(mark);
    return picture;
  }

  function areas({geometry}, near, x, y) {
    if (!geometry?.coordinates) return [];
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : [];
    return polygons.filter(([ring]) => ring.some(([lon, lat]) => lon > near.west && lon < near.east && lat > near.south && lat < near.north))
      .map((polygon) => make("path", {d: polygon.map((ring) => `M${ring.map(([lon, lat]) => `${x(lon).toFixed(1)} ${y(lat).toFixed(1)}`).join("L")}Z`).join(""), class: "area"}));
  }

  store.subscribe((changed) => changed.has("alerts") && render());
  layers.onLayer((name) => ["communes", "things", "bts"].includes(name) && (shown = null, render()));
  setInterval(render, 5_000);
  render();
}

function make(tag, attributes) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
