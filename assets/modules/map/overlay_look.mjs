// How an imported layer is drawn: a shape of its own, since hue belongs to the four severities. What
// lives is feature-state: `w` the worst state in it (1 to 4 severities, 5 silent), `d` not working.

import {RANKS} from "./ranks.mjs";
import {FONT, is, state, when} from "./style.mjs";

const POINT_SHAPES = [
  "M12 4a8 8 0 1 0 .01 0Z", "M4 4H20V20H4Z", "M12 3L21 12 12 21 3 12Z", "M3 5H21L12 21Z", "M9 3h6v6h6v6h-6v6h-6v-6H3V9h6Z",
  "M12 3L20.6 9.2 17.3 19.3H6.7L3.4 9.2Z", "M7 4h10l5 8-5 8H7l-5-8Z", "M5 3L12 9 19 3 21 5 15 12 21 19 19 21 12 15 5 21 3 19 9 12 3 5Z",
];
const DASHES = [[1], [4, 2], [1, 1.5], [6, 2, 1, 2], [3, 1], [8, 3], [2, 3], [5, 1, 1, 1]];
const many = ["coalesce", ["get", "n"], ["get", "point_count"], 1]; // in one sign

// Shapes and dashes in turn, so that no two layers of a screen look alike.
export function createLooks() {
  const made = new Map();
  return (name) => {
    const turn = made.size % POINT_SHAPES.length;
    if (!made.has(name)) made.set(name, {shape: POINT_SHAPES[turn], dash: DASHES[turn]});
    return made.get(name);
  };
}

const of = (...kinds) => ["in", ["geometry-type"], ["literal", kinds.flatMap((kind) => [kind, `Multi${kind}`])]];

// Lines and areas of a source. `from`: {source} or {source, "source-layer"}.
export function shapeLayers(id, from, style, dash) {
  const ink = ["match", state("w"), ...severities(style), style("--map-outline")];
  return [
    {id: `${id}-area`, type: "fill", ...from, filter: of("Polygon"), paint: {"fill-color": ink, "fill-opacity": when([">", state("w"), 0], 0.3, 0.12)}},
    {id: `${id}-line`, type: "line", ...from, filter: of("LineString", "Polygon"), paint: {"line-color": ink, "line-width": ["interpolate", ["linear"], ["zoom"], 8, when([">", state("w"), 0], 2, 1), 13, when([">", state("w"), 0], 4, 2.5)], "line-dasharray": dash}},
  ];
}

// Points of a source, alone or many in one. `range`: {minzoom, maxzoom}, both may be missing.
export function pointLayers(id, from, style, image, range) {
  const size = ["interpolate", ["linear"], ["zoom"], 7, 0.4, 12, 1];
  const wide = ["interpolate", ["linear"], ["log10", many], 0, 0.55, 0.3, 1.25, 1, 1.5, 2, 1.9, 3, 2.3];
  const grown = range.minzoom ? size : wide;
  const ground = (factor) => ["interpolate", ["linear"], ["log10", many], 0, 11 * factor, 0.3, 17 * factor, 1, 20 * factor, 2, 25 * factor, 3, 30 * factor];
  const seen = ["any", [">", state("w"), 0], is("d", 1)];
  const mark = (rank) => ({
    id: `${id}-mark-${rank}`, type: "symbol", ...from, ...range, filter: of("Point"),
    layout: {"visibility": "none", "icon-image": rank === 5 ? "silent" : `new-${rank}`, "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": 0.8, "icon-offset": ["interpolate", ["linear"], ["log10", many], 0, ["literal", [12, -12]], 0.3, ["literal", [19, -19]], 3, ["literal", [34, -34]]]},
    paint: {"icon-opacity": when(is("w", rank), 1)},
  });
  return [
    {
      id: `${id}-state`, type: "circle", ...from, ...range, filter: of("Point"),
      paint: {
        "circle-radius": ground(1), "circle-color": ["match", state("w"), ...severities(style), "rgba(0,0,0,0)"], "circle-opacity": when(seen, 1),
        "circle-stroke-color": style("--fg1"), "circle-stroke-width": when(is("d", 1), 1.5, when(is("w", 5), 1.5)), "circle-stroke-opacity": when(seen, 1),
      },
    },
    {
      id: `${id}-point`, type: "symbol", ...from, ...range, filter: of("Point"),
      layout: {"icon-image": image, "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": grown},
    },
    {
      id: `${id}-count`, type: "symbol", ...from, ...range, filter: [">", many, 1],
      layout: {"text-field": ["number-format", many, {locale: "vi-VN"}], "text-font": FONT, "text-size": 12, "text-allow-overlap": true, "text-ignore-placement": true},
      paint: {"text-color": style("--fg1"), "text-halo-color": style("--map-out"), "text-halo-width": 2},
    },
    ...[...RANKS].reverse().map(mark),
  ];
}

export function nameLayer(id, from, style) {
  return {
    id: `${id}-name`, type: "symbol", ...from, minzoom: 12, filter: ["==", many, 1],
    layout: {"text-field": ["coalesce", ["get", "name"], ["get", "code"], ""], "text-font": FONT, "text-size": 12, "text-offset": [0, 1.1], "text-anchor": "top", "text-max-width": 9},
    paint: {"text-color": style("--map-label"), "text-halo-color": style("--map-out"), "text-halo-width": 1.5},
  };
}

const severities = (style) => [1, 2, 3, 4].flatMap((severity) => [severity, style(`--s${severity}`)]);

export function drawShape(path, style, u) {
  const side = Math.round(22 * Math.max(1, u));
  const ratio = 3; // groups draw it more than twice as large
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side * ratio;
  const pen = canvas.getContext("2d");
  pen.scale((side * ratio) / 24, (side * ratio) / 24);
  const shape = new Path2D(path);
  pen.lineJoin = "round";
  pen.lineWidth = 2;
  pen.fillStyle = style("--map-out");
  pen.strokeStyle = style("--map-thing");
  pen.fill(shape);
  pen.stroke(shape);
  return [pen.getImageData(0, 0, side * ratio, side * ratio), {pixelRatio: ratio}];
}
