// How the map looks: base map, points, and one symbol layer per severity.

export const POLYGONS = ["neighbours", "water", "province", "communes", "zones"];
export const POINTS = ["bts", "things"];
export const NAMES = "neighbour-names"; // one point each: a polygon's label would repeat on every tile
export const EMPTY = {type: "FeatureCollection", features: []};
export const FONT = ["IOC Sans"]; // no glyphs in the style: labels are drawn with this page's own font

export function sources(points) {
  return Object.fromEntries([...POLYGONS, NAMES, ...points].map((name) => [name, {type: "geojson", data: EMPTY}]));
}

export const state = (name) => ["coalesce", ["feature-state", name], 0];
export const when = (condition, value, other = 0) => ["case", condition, value, other];
export const is = (name, value) => ["==", state(name), value];

export function baseLayers(style, u, points) {
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
    ...(points.includes("bts") ? [circles("bts", style, u)] : []),
    label("neighbour-labels", NAMES, Math.max(12, u * 13), 4),
    label("commune-labels", "communes", Math.max(12, u * 11), 9.6),
    {id: "zones", type: "circle", source: "zones", paint: {"circle-radius": 2.5, "circle-color": style("--map-label")}},
    {...label("zone-labels", "zones", Math.max(12, u * 11), 4, {"text-offset": [0, 0.9], "text-anchor": "top", "text-max-width": 12}), ...zoneText(style)},
    ...(points.includes("things") ? [circles("things", style, u)] : []),
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

export function scale(map, u) {
  map.setPaintProperty("outline", "line-width", Math.max(1.5, u * 1.1));
  map.setLayoutProperty("neighbour-labels", "text-size", Math.max(12, u * 13));
  map.setLayoutProperty("commune-labels", "text-size", Math.max(12, u * 11));
}

// One symbol layer per severity: feature-state cannot choose an image, but it can show one.
export function markLayers(points) {
  const mark = (id, source, image, opacity) => ({
    id, type: "symbol", source,
    layout: {"visibility": "none", "icon-image": image, "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-padding": 0},
    paint: {"icon-opacity": opacity},
  });
  const layers = [];
  for (const source of points) {
    layers.push(mark(`${source}-silent`, source, "silent", when(["all", is("f", 2), is("s", 0)], 1)));
  }
  for (const severity of [4, 3, 2, 1]) {
    for (const source of points) {
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

