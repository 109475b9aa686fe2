// Imported layers on the map: fetched when somebody switches them on, each with a shape of its own.
// Shapes, since hue belongs to the four severities.

import {EMPTY, FONT} from "./style.mjs";

const BASE = ["province", "neighbours", "communes", "water", "zones", "things", "bts"];
const POINT_SHAPES = [
  "M12 4a8 8 0 1 0 .01 0Z", "M4 4H20V20H4Z", "M12 3L21 12 12 21 3 12Z", "M3 5H21L12 21Z", "M9 3h6v6h6v6h-6v6h-6v-6H3V9h6Z",
  "M12 3L20.6 9.2 17.3 19.3H6.7L3.4 9.2Z", "M7 4h10l5 8-5 8H7l-5-8Z", "M5 3L12 9 19 3 21 5 15 12 21 19 19 21 12 15 5 21 3 19 9 12 3 5Z",
];
const DASHES = [[1], [4, 2], [1, 1.5], [6, 2, 1, 2], [3, 1], [8, 3], [2, 3], [5, 1, 1, 1]];

export const isOverlay = (name) => !BASE.includes(name);

export function createOverlays(live, store, {book, unit}) {
  const {map, layers, style} = live;
  const on = new Set();
  const made = new Map(); // layer -> how it is drawn
  const listeners = new Set();
  layers.want((name) => !isOverlay(name) || on.has(name));

  function look(name) {
    if (!made.has(name)) {
      const turn = made.size % POINT_SHAPES.length;
      made.set(name, {shape: POINT_SHAPES[turn], dash: DASHES[turn]});
    }
    return made.get(name);
  }

  function add(name) {
    const {shape, dash} = look(name);
    const source = `over-${name}`;
    if (map.getSource(source)) return;
    const ink = style("--map-outline");
    map.addSource(source, {type: "geojson", data: EMPTY});
    if (!map.hasImage(source)) map.addImage(source, ...draw(shape, style, unit()));
    const of = (...kinds) => ["in", ["geometry-type"], ["literal", kinds.flatMap((kind) => [kind, `Multi${kind}`])]];
    const before = map.getLayer("clusters") ? "clusters" : undefined;
    map.addLayer({id: `${source}-area`, type: "fill", source, filter: of("Polygon"), paint: {"fill-color": ink, "fill-opacity": 0.12}}, before);
    map.addLayer({id: `${source}-line`, type: "line", source, filter: of("LineString", "Polygon"), paint: {"line-color": ink, "line-width": ["interpolate", ["linear"], ["zoom"], 8, 1, 13, 2.5], "line-dasharray": dash}}, before);
    map.addLayer({id: `${source}-point`, type: "symbol", source, filter: of("Point"), layout: {"icon-image": source, "icon-allow-overlap": true, "icon-size": ["interpolate", ["linear"], ["zoom"], 7, 0.4, 12, 1]}}, before);
    map.addLayer({id: `${source}-name`, type: "symbol", source, minzoom: 12, layout: {"text-field": ["coalesce", ["get", "name"], ["get", "code"], ""], "text-font": FONT, "text-size": 12, "text-offset": [0, 1.1], "text-anchor": "top", "text-max-width": 9, "symbol-placement": "point"}, paint: {"text-color": style("--map-label"), "text-halo-color": style("--map-out"), "text-halo-width": 1.5}}, before);
  }

  const parts = (name) => ["area", "line", "point", "name"].map((part) => `over-${name}-${part}`);

  function toggle(name, isOn) {
    if (isOn) {
      on.add(name);
      add(name);
      if (layers.data.has(name)) map.getSource(`over-${name}`).setData(layers.data.get(name));
      layers.refresh();
    } else {
      on.delete(name);
    }
    for (const id of parts(name)) if (map.getLayer(id)) map.setLayoutProperty(id, "visibility", isOn ? "visible" : "none");
    for (const listener of listeners) listener(name);
  }

  layers.onLayer((name, data) => {
    if (!on.has(name)) return;
    map.getSource(`over-${name}`)?.setData(data);
    for (const listener of listeners) listener(name);
  });

  // The imported feature under a click: points before lines before areas.
  function at(point) {
    const reach = 8;
    const box = [[point.x - reach, point.y - reach], [point.x + reach, point.y + reach]];
    for (const part of ["point", "line", "area"]) {
      const ids = [...on].map((name) => `over-${name}-${part}`).filter((id) => map.getLayer(id));
      const found = ids.length ? map.queryRenderedFeatures(box, {layers: ids})[0] : null;
      if (found) return whole(found.source.slice(5), found.properties.code);
    }
    return null;
  }

  // What the map returns is cut by tiles, and its objects are texts: the layer has the whole.
  function whole(layer, code) {
    const feature = layers.data.get(layer)?.features.find(({properties}) => String(properties.code) === String(code));
    return feature ? {layer, feature} : null;
  }

  return {
    on, toggle, at, whole, look,
    names: () => Object.keys(store.layers).filter((name) => store.layers[name] !== null && isOverlay(name)),
    geometry: (name) => book[name]?.geometry ?? "any",
    title: (name) => book[name]?.title ?? name,
    onChange: (listener) => listeners.add(listener),
  };
}

function draw(path, style, u) {
  const side = Math.round(22 * Math.max(1, u));
  const ratio = 2;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side * ratio;
  const pen = canvas.getContext("2d");
  pen.scale((side * ratio) / 24, (side * ratio) / 24);
  const shape = new Path2D(path);
  pen.lineJoin = "round";
  pen.lineWidth = 2.4;
  pen.fillStyle = style("--map-out");
  pen.strokeStyle = style("--map-thing");
  pen.fill(shape);
  pen.stroke(shape);
  return [pen.getImageData(0, 0, side * ratio, side * ratio), {pixelRatio: ratio}];
}
