// Measuring and selecting: every corner is a click or a tap, so a finger can do all of it.

import {element} from "../dom.mjs";
import {EMPTY} from "./style.mjs";
import {area, circle, distance, length, metres, square} from "./measure.mjs";

const SIGNS = {
  measure: "M2 16L16 2l6 6L8 22ZM6 12l2 2M10 8l2 2M14 4l2 2",
  box: "M3 5H21V19H3Z",
  polygon: "M4 8L13 3 21 11 15 21 5 18Z",
  radius: "M12 3a9 9 0 1 0 .01 0ZM12 12H21",
};
const CORNERS = {measure: Infinity, box: 2, polygon: Infinity, radius: 2};

export function createTools(parts, live, writer, {onSelect}) {
  const {map, style} = live;
  const {say} = writer;
  let mode = null;
  let corners = [];
  const presses = {};

  map.addSource("draft", {type: "geojson", data: EMPTY});
  map.addLayer({id: "draft-area", type: "fill", source: "draft", filter: ["==", ["geometry-type"], "Polygon"], paint: {"fill-color": style("--fg1"), "fill-opacity": 0.08}});
  map.addLayer({id: "draft-line", type: "line", source: "draft", filter: ["!=", ["geometry-type"], "Point"], paint: {"line-color": style("--fg1"), "line-width": 2, "line-dasharray": [3, 2]}});
  map.addLayer({id: "draft-corner", type: "circle", source: "draft", filter: ["==", ["geometry-type"], "Point"], paint: {"circle-radius": 5, "circle-color": style("--map-out"), "circle-stroke-color": style("--fg1"), "circle-stroke-width": 2}});

  for (const name of Object.keys(SIGNS)) {
    presses[name] = press(name, SIGNS[name], () => begin(mode === name ? null : name));
    parts.tools.append(presses[name]);
  }
  const done = press("finish", null, finish);
  const clear = press("clear", null, () => { begin(null); wipe(); });
  done.hidden = clear.hidden = true;
  parts.tools.append(done, clear);

  function press(name, path, act) {
    const node = element("button", "btn", path ? sign(path) : null, element("span", "", say(`map.tool.${name}`)));
    node.type = "button";
    node.dataset.tool = name;
    node.addEventListener("click", act);
    return node;
  }

  function begin(name) {
    if (name) wipe();
    mode = name;
    live.busy = name !== null;
    map.getCanvas().style.cursor = name ? "crosshair" : "";
    if (name) map.doubleClickZoom.disable();
    else map.doubleClickZoom.enable();
    for (const [own, node] of Object.entries(presses)) node.setAttribute("aria-pressed", own === name ? "true" : "false");
    done.hidden = name !== "measure" && name !== "polygon";
    clear.hidden = !name;
    if (name) parts.told.textContent = say(`map.how.${name}`);
  }

  function wipe() {
    corners = [];
    parts.told.textContent = "";
    map.getSource("draft").setData(EMPTY);
    onSelect(null);
    clear.hidden = true;
  }

  map.on("click", (event) => {
    if (!mode) return;
    corners.push({lon: event.lngLat.lng, lat: event.lngLat.lat});
    draw();
    if (corners.length >= CORNERS[mode]) finish();
  });
  map.on("dblclick", () => mode && CORNERS[mode] === Infinity && finish());
  addEventListener("keydown", (event) => {
    if (!mode) return;
    if (event.key === "Enter") finish();
    if (event.key === "Escape") { begin(null); wipe(); }
  });

  function ring() {
    const [a, b] = corners;
    if (mode === "polygon") return corners.length > 2 ? corners : null;
    if (!b) return null;
    if (mode === "box") return [a, {lon: b.lon, lat: a.lat}, b, {lon: a.lon, lat: b.lat}];
    return mode === "radius" ? circle(a, distance(a, b)) : null;
  }

  function draw() {
    const place = ({lon, lat}) => [lon, lat];
    const features = corners.map((corner) => ({type: "Feature", properties: {}, geometry: {type: "Point", coordinates: place(corner)}}));
    const around = ring();
    if (around) features.unshift({type: "Feature", properties: {}, geometry: {type: "Polygon", coordinates: [[...around, around[0]].map(place)]}});
    else if (corners.length > 1) features.unshift({type: "Feature", properties: {}, geometry: {type: "LineString", coordinates: corners.map(place)}});
    map.getSource("draft").setData({type: "FeatureCollection", features});
    if (mode === "measure" && corners.length > 1) parts.told.textContent = measured();
  }

  function measured() {
    const long = say("map.length", {length: metres(writer, length(corners))});
    return corners.length > 2 ? `${long} · ${say("map.area", {area: square(writer, area(corners))})}` : long;
  }

  function finish() {
    const around = mode === "measure" ? null : ring();
    if (mode === "polygon" && !around) return;
    const told = around ? select(around) : corners.length > 1 ? measured() : "";
    begin(null);
    clear.hidden = false;
    parts.told.textContent = told;
  }

  function select(around) {
    const rows = onSelect(around);
    return say("map.selected", {n: writer.number(rows), area: square(writer, area(around))});
  }
  return {begin, wipe, get mode() { return mode; }};
}

function sign(path) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  drawing.append(shape);
  return drawing;
}
