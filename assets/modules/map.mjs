// The live map. Geometry travels once per layer version; everything that lives is feature-state.

import {connectLayers} from "./layers.mjs";
import {drawMarks} from "./marks.mjs";

const FRESH = {live: 0, late: 1, silent: 2, never: 3};
const POLYGONS = ["neighbours", "water", "province", "communes", "zones"];
const POINTS = ["bts", "things"];
const NAMES = "neighbour-names"; // one point each: a polygon's label would repeat on every tile
const LOOKS = ["new", "ack", "rtn"];
const SHOW_AFTER_MS = 50; // one look through all states for a burst of changes
const EMPTY = {type: "FeatureCollection", features: []};
const FONT = ["IOC Sans"]; // no glyphs in the style: labels are drawn with this page's own font

// Returns the live map over `element`. Throws where there is no WebGL, or, with the words' key as
// `reason`, where a part of the map is not installed.
export async function createMap(element, store, {writer, onThing, unit}) {
  const library = await import("../vendor/maplibre-gl.mjs").catch((cause) => {
    throw Object.assign(new Error("assets/vendor/maplibre-gl.mjs could not be loaded", {cause}), {reason: "wall.no_map_part"});
  });
  await Promise.all([400, 600].map((weight) => document.fonts.load(`${weight} 16px "IOC Sans"`, "Đồng Nai 1")));
  const css = getComputedStyle(element);
  const style = (name) => css.getPropertyValue(name).trim();
  const map = new library.Map({
    container: element, center: [107, 11.3], zoom: 7.6, minZoom: 4, maxZoom: 17, dragRotate: false, pitchWithRotate: false,
    touchPitch: false, attributionControl: false, fadeDuration: 0, renderWorldCopies: false,
    style: {version: 8, sources: sources(), layers: baseLayers(style, unit())},
    locale: {"Map.Title": writer.say("wall.map")},
  });
  map.touchZoomRotate.disableRotation();
  await new Promise((done) => map.once("load", done));
  const setMarks = () => {
    for (const [name, {image, pixelRatio}] of Object.entries(drawMarks(unit(), style))) {
      if (map.hasImage(name)) map.removeImage(name);
      map.addImage(name, image, {pixelRatio});
    }
  };
  setMarks();
  for (const layer of markLayers()) map.addLayer(layer);

  const view = keepView(map, unit);
  keepNamesWhole(map, unit);
  const layers = connectLayers(store, (name, data) => {
    map.getSource(name)?.setData(data);
    if (name === "province") view.home(data);
    if (name === "neighbours") map.getSource(NAMES).setData(middles(data));
  });
  const paint = painter(map, store, layers);
  layers.onLayer((name) => POINTS.includes(name) && paint.show());
  store.subscribe((changed, ids) => {
    if (changed.has("layers")) layers.refresh();
    if (changed.has("alerts")) paint.alerts();
    if (changed.has("states")) paint.states(ids);
  });
  layers.refresh();
  paint.alerts();
  paint.states([...store.states.keys()]);

  map.on("click", (event) => {
    const id = nearest(map, event.point);
    if (id !== null) onThing(id);
  });
  map.on("mousemove", (event) => {
    map.getCanvas().style.cursor = nearest(map, event.point) === null ? "" : "pointer";
  });
  let drawnFor = unit();
  map.on("resize", () => {
    if (unit() === drawnFor) return;
    drawnFor = unit();
    setMarks();
    scale(map, drawnFor);
  });
  return {map, layers, view};
}

function sources() {
  return Object.fromEntries([...POLYGONS, NAMES, ...POINTS].map((name) => [name, {type: "geojson", data: EMPTY}]));
}

const state = (name) => ["coalesce", ["feature-state", name], 0];
const when = (condition, value, other = 0) => ["case", condition, value, other];
const is = (name, value) => ["==", state(name), value];

function baseLayers(style, u) {
  const line = (id, source, color, width, more = {}) => ({id, type: "line", source, paint: {"line-color": style(color), "line-width": width, ...more}, layout: {"line-join": "round"}});
  const label = (id, source, size, minzoom, more = {}) => ({
    id, type: "symbol", source, minzoom,
    layout: {"text-field": ["coalesce", ["get", "short"], ["get", "name"], ""], "text-font": FONT, "text-size": size, "text-padding": 8, "text-max-width": 8, ...more},
    paint: {"text-color": style("--map-label"), "text-halo-color": style("--map-out"), "text-halo-width": 1.5},
  });
  return [
    {id: "ground", type: "background", paint: {"background-color": style("--map-out")}},
    {id: "neighbours", type: "fill", source: "neighbours", paint: {"fill-color": style("--map-neigh")}},
    line("neighbour-lines", "neighbours", "--map-commune", 0.8),
    {id: "province", type: "fill", source: "province", paint: {"fill-color": style("--map-prov")}},
    {id: "water", type: "fill", source: "water", filter: ["==", ["geometry-type"], "Polygon"], paint: {"fill-color": style("--map-out")}},
    line("water-lines", "water", "--map-commune", 0.8),
    line("communes", "communes", "--map-commune", Math.max(0.8, u * 0.5)),
    line("outline", "province", "--map-outline", Math.max(1.5, u * 1.1)),
    circles("bts", style, u),
    label("neighbour-labels", NAMES, Math.max(12, u * 13), 4),
    label("commune-labels", "communes", Math.max(12, u * 11), 9.6),
    {id: "zones", type: "circle", source: "zones", paint: {"circle-radius": 2.5, "circle-color": style("--map-label")}},
    {...label("zone-labels", "zones", Math.max(12, u * 11), 4, {"text-offset": [0, 0.9], "text-anchor": "top", "text-max-width": 12}), ...zoneText(style)},
    circles("things", style, u),
  ];
}

// Special zones of Vietnam carry their full name and the province they belong to.
function zoneText(style) {
  return {paint: {"text-color": style("--map-label"), "text-halo-color": style("--map-out"), "text-halo-width": 1.5}};
}

function circles(source, style, u) {
  const down = is("d", 1);
  const wide = source === "things" ? 1.7 : 1;
  const size = Math.max(0.75, u * 0.5);
  const radius = (r) => when(down, r * 1.7 * wide * size, r * wide * size);
  return {
    id: source, type: "circle", source,
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 7, radius(1.2), 9, radius(2), 12, radius(5)],
      // Not working and not (yet) an alert: hollow and light, a shape beside the lightness.
      "circle-color": when(down, style("--map-out"), style(source === "things" ? "--map-thing" : "--map-bts")),
      "circle-stroke-color": style("--fg1"),
      "circle-stroke-width": when(down, Math.max(1, u * 0.7), 0),
      "circle-opacity": when(["any", [">", state("s"), 0], ["==", state("f"), 2]], 0, when(is("f", 3), 0.4, 1)),
      "circle-stroke-opacity": when(["any", [">", state("s"), 0], ["==", state("f"), 2]], 0, 1),
    },
  };
}

function scale(map, u) {
  map.setPaintProperty("outline", "line-width", Math.max(1.5, u * 1.1));
  map.setLayoutProperty("neighbour-labels", "text-size", Math.max(12, u * 13));
  map.setLayoutProperty("commune-labels", "text-size", Math.max(12, u * 11));
}

// One symbol layer per severity: feature-state cannot choose an image, but it can show one.
function markLayers() {
  const mark = (id, source, image, opacity) => ({
    id, type: "symbol", source,
    layout: {"visibility": "none", "icon-image": image, "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-padding": 0},
    paint: {"icon-opacity": opacity},
  });
  const layers = [];
  for (const source of POINTS) {
    layers.push(mark(`${source}-silent`, source, "silent", when(["all", is("f", 2), is("s", 0)], 1)));
  }
  for (const severity of [4, 3, 2, 1]) {
    for (const source of POINTS) {
      const shown = (look) => when(["all", is("s", severity), is("l", look)], 1);
      // Of masts one layer shows them all: acknowledged and returned ones are dimmed.
      const first = source === "bts" ? when(is("s", severity), when(is("l", 0), 1, 0.55)) : shown(0);
      layers.push(mark(`${source}-new-${severity}`, source, `new-${severity}`, first));
      if (source === "bts") continue; // 3,500 more symbols a layer
      layers.push(mark(`${source}-ack-${severity}`, source, `ack-${severity}`, shown(1)));
      layers.push(mark(`${source}-rtn-${severity}`, source, `rtn-${severity}`, shown(2)));
    }
  }
  return layers;
}

// Writes feature-state, and only where something visible changed.
function painter(map, store, layers) {
  const drawn = new Map();
  let asked = null;

  // A layer whose signs are all invisible is drawn all the same: shown only where one is needed.
  function show() {
    asked ??= setTimeout(() => {
      asked = null;
      const needed = new Set();
      for (const [id, {f, s, l}] of drawn) {
        if (!s && f !== FRESH.silent) continue;
        const source = layers.points.get(Number(id))?.kind === "bts" ? "bts" : "things";
        needed.add(s ? `${source}-${source === "bts" ? "new" : LOOKS[l]}-${s}` : `${source}-silent`);
      }
      for (const {id} of markLayers()) {
        const wanted = needed.has(id) ? "visible" : "none";
        if (map.getLayoutProperty(id, "visibility") !== wanted) map.setLayoutProperty(id, "visibility", wanted);
      }
    }, SHOW_AFTER_MS);
  }
  let returned = new Map(); // thing id -> severity of what came back by itself and nobody has seen

  function look(id, state) {
    if (!state.severity && returned.has(Number(id))) return 2;
    return state.acked ? 1 : 0;
  }
  function states(ids) {
    for (const id of ids) {
      const state = store.states.get(id);
      const next = state
        ? {f: FRESH[state.fresh] ?? 3, s: state.severity || returned.get(Number(id)) || 0, l: look(id, state), d: state.down ? 1 : 0}
        : {f: 3, s: 0, l: 0, d: 0};
      const old = drawn.get(id);
      if (old && old.f === next.f && old.s === next.s && old.l === next.l && old.d === next.d) continue;
      drawn.set(id, next);
      if (!old || old.f !== next.f || old.s !== next.s || old.l !== next.l) show();
      for (const source of POINTS) map.setFeatureState({source, id: Number(id)}, next);
    }
  }
  function alerts() {
    const active = new Set(store.alerts.open.filter((row) => row.active).map((row) => row.thing));
    const now = new Map(store.alerts.open.filter((row) => !active.has(row.thing)).map((row) => [row.thing, row.severity]));
    const touched = [...now.keys(), ...returned.keys()].map(String);
    returned = now;
    states(touched);
  }
  return {states, alerts, show};
}

// The view is the user's: it is set once, and follows the window only while nobody has moved it.
function keepView(map, unit) {
  let bounds = null;
  let moved = false;
  const fit = () => {
    if (!bounds || moved) return;
    const box = map.getContainer().getBoundingClientRect();
    const edge = Math.max(10, Math.min(unit() * 10, box.width / 20));
    map.fitBounds(bounds, {padding: {top: edge, right: edge, left: edge, bottom: edge * 2}, animate: false});
  };
  map.on("movestart", (event) => {
    if (event.originalEvent) moved = true;
  });
  map.on("resize", fit);
  return {
    home(data) {
      if (bounds) return;
      bounds = boundsOf(data);
      fit();
    },
  };
}

function boundsOf(data) {
  let box = [180, 90, -180, -90];
  const visit = (coordinates) => {
    if (typeof coordinates[0] !== "number") return coordinates.forEach(visit);
    const [lon, lat] = coordinates;
    box = [Math.min(box[0], lon), Math.min(box[1], lat), Math.max(box[2], lon), Math.max(box[3], lat)];
  };
  for (const feature of data.features) visit(feature.geometry.coordinates);
  return box[0] > box[2] ? null : box;
}

// A name that would be cut by the edge is left out.
function keepNamesWhole(map, unit) {
  map.on("moveend", () => {
    const {clientWidth: width, clientHeight: height} = map.getContainer();
    const edge = Math.max(50, unit() * 45);
    const whole = map.querySourceFeatures(NAMES).filter(({geometry}) => {
      const {x, y} = map.project(geometry.coordinates);
      return x > edge && x < width - edge && y > 20 && y < height - 20;
    });
    map.setFilter("neighbour-labels", ["in", ["get", "code"], ["literal", whole.map(({properties}) => properties.code)]]);
  });
}

// A point in the middle of each feature's largest ring.
function middles(data) {
  const features = data.features.filter((feature) => feature.properties.name).map((feature) => {
    const {type, coordinates} = feature.geometry;
    const rings = (type === "Polygon" ? [coordinates] : coordinates).map((polygon) => polygon[0]);
    return {type: "Feature", properties: feature.properties, geometry: {type: "Point", coordinates: centroid(rings.reduce((a, b) => (b.length > a.length ? b : a)))}};
  });
  return {type: "FeatureCollection", features};
}

function centroid(ring) {
  let [area, lon, lat] = [0, 0, 0];
  for (let i = 0; i + 1 < ring.length; i += 1) {
    const [[x1, y1], [x2, y2]] = [ring[i], ring[i + 1]];
    const cross = x1 * y2 - x2 * y1;
    area += cross;
    lon += (x1 + x2) * cross;
    lat += (y1 + y2) * cross;
  }
  return [lon / (3 * area), lat / (3 * area)];
}

function nearest(map, point) {
  const reach = 12; // px: a finger
  const box = [[point.x - reach, point.y - reach], [point.x + reach, point.y + reach]];
  let best = null;
  let least = Infinity;
  for (const feature of map.queryRenderedFeatures(box, {layers: ["things", "bts"]})) {
    const at = map.project(feature.geometry.coordinates);
    const severity = feature.state?.s ?? 0;
    const distance = Math.hypot(at.x - point.x, at.y - point.y) - (severity ? 1000 * (5 - severity) : 0);
    if (distance < least) [best, least] = [feature.id, distance];
  }
  return best;
}
