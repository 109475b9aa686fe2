// Points that would hide each other, drawn as one: coloured by their worst member, with their count.
// MapLibre's own clusters cannot see feature-state; these are a grid of each zoom step, whose
// geometry changes with layers and zoom alone. What lives reaches a cluster as its feature-state.

import {EMPTY, FONT, is, state, when} from "./style.mjs";

export const CLUSTERED_BELOW = 11; // zoom: from there on a commune fills the screen and masts stand apart
const CELL = 64; // px of a cell's side: the widest sign and its number fit
const TILE = 512;
const RANKS = [1, 2, 3, 4, 5]; // severities, then silent; 0 is nothing to see
const WAIT_MS = 60;
const LAYERS = ["clusters", "cluster-counts", ...RANKS.map((rank) => `cluster-mark-${rank}`)];

export function createClusters(map, layers, paint, {style, unit}) {
  const groups = new Map(); // cluster id -> {members, ranks, worst}
  const home = new Map(); // thing id -> cluster id
  let serial = 1;
  let step = null;
  let due = null;

  map.addSource("clusters", {type: "geojson", data: EMPTY});
  for (const layer of look(style, unit())) map.addLayer(layer);
  for (const {id} of map.getStyle().layers) {
    if (id === "things" || id === "bts" || /^(things|bts)-/.test(id)) map.setLayerZoomRange(id, CLUSTERED_BELOW, 24);
  }

  function rebuild() {
    due = null;
    step = Math.floor(map.getZoom());
    groups.clear();
    home.clear();
    map.removeFeatureState({source: "clusters"});
    if (step >= CLUSTERED_BELOW) return map.getSource("clusters").setData(EMPTY);
    const features = [];
    for (const members of cells(layers, step)) features.push(group(members));
    map.getSource("clusters").setData({type: "FeatureCollection", features});
    for (const [id, {worst}] of groups) if (worst) map.setFeatureState({source: "clusters", id}, {w: worst});
  }

  function group(members) {
    const id = serial += 1;
    const ranks = [0, 0, 0, 0, 0, 0];
    let [lon, lat] = [0, 0];
    for (const [thing, at] of members) {
      ranks[rank(paint.drawn.get(String(thing)))] += 1;
      home.set(thing, id);
      lon += at.lon;
      lat += at.lat;
    }
    groups.set(id, {members, ranks, worst: worst(ranks)});
    const properties = {n: members.length, thing: members.length === 1 ? members[0][0] : null};
    return {type: "Feature", id, properties, geometry: {type: "Point", coordinates: [lon / members.length, lat / members.length]}};
  }

  paint.onChange((thing, old, next) => {
    const id = home.get(thing);
    if (id === undefined) return;
    const own = groups.get(id);
    own.ranks[rank(old)] -= 1;
    own.ranks[rank(next)] += 1;
    const now = worst(own.ranks);
    if (now === own.worst) return;
    own.worst = now;
    map.setFeatureState({source: "clusters", id}, {w: now});
  });
  const again = () => { due ??= setTimeout(rebuild, WAIT_MS); };
  layers.onLayer((name) => (name === "things" || name === "bts") && again());
  map.on("zoomend", () => Math.floor(map.getZoom()) !== step && again());
  rebuild();

  const found = (point) => {
    const reach = 10;
    const box = [[point.x - reach, point.y - reach], [point.x + reach, point.y + reach]];
    return map.queryRenderedFeatures(box, {layers: ["clusters"]})[0];
  };
  return {
    groups,
    at: found,
    single: (point) => found(point)?.properties.thing ?? null,
    // Opens the cluster under a click; false where there is none, or only one thing in it.
    open(point) {
      const feature = found(point);
      const own = feature && groups.get(feature.id);
      if (!own || own.members.length === 1) return false;
      const lons = own.members.map(([, at]) => at.lon);
      const lats = own.members.map(([, at]) => at.lat);
      const box = [[Math.min(...lons), Math.min(...lats)], [Math.max(...lons), Math.max(...lats)]];
      const camera = map.cameraForBounds(box, {padding: 60, maxZoom: CLUSTERED_BELOW + 2});
      map.easeTo({center: camera.center, zoom: Math.max(camera.zoom, step + 1.01), duration: 300});
      return true;
    },
    hidden(isHidden) {
      for (const id of LAYERS) map.setLayoutProperty(id, "visibility", isHidden ? "none" : "visible");
    },
  };
}

const rank = (drawn) => drawn?.s ? drawn.s : drawn?.f === 2 ? 5 : 0;
const worst = (ranks) => RANKS.find((one) => ranks[one] > 0) ?? 0;

// Members by the cell of a square grid in the projection of the map.
function cells(layers, step) {
  const side = CELL / (TILE * 2 ** step);
  const found = new Map();
  for (const [id, at] of layers.points) {
    if (!layers.isShown(at.layer, {id, properties: at})) continue;
    const x = (at.lon + 180) / 360;
    const y = 0.5 - Math.log(Math.tan(Math.PI / 4 + (at.lat * Math.PI) / 360)) / (2 * Math.PI);
    const key = Math.floor(x / side) * 4_194_304 + Math.floor(y / side);
    const members = found.get(key);
    if (members) members.push([id, at]);
    else found.set(key, [[id, at]]);
  }
  return found.values();
}

function look(style, u) {
  const size = Math.max(1, u * 0.8);
  const one = ["==", ["get", "n"], 1];
  const fill = ["match", state("w"), 1, style("--s1"), 2, style("--s2"), 3, style("--s3"), 4, style("--s4"), style("--bg3")];
  const text = ["match", state("w"), 1, style("--s1t"), 2, style("--s2t"), 3, style("--s3t"), 4, style("--s4t"), style("--fg1")];
  const radius = ["interpolate", ["linear"], ["log10", ["get", "n"]], 0, 4 * size, 0.3, 11 * size, 1, 14 * size, 2, 18 * size, 3, 23 * size];
  const mark = (rank) => ({
    id: `cluster-mark-${rank}`, type: "symbol", source: "clusters", maxzoom: CLUSTERED_BELOW,
    layout: {"icon-image": rank === 5 ? "silent" : `new-${rank}`, "icon-allow-overlap": true, "icon-ignore-placement": true, "icon-size": ["case", one, 1, 0.8], "icon-offset": ["case", one, ["literal", [0, 0]], ["interpolate", ["linear"], ["log10", ["get", "n"]], 0.3, ["literal", [17, -17]], 3, ["literal", [30, -30]]]]},
    paint: {"icon-opacity": when(is("w", rank), 1)},
  });
  return [
    {
      id: "clusters", type: "circle", source: "clusters", maxzoom: CLUSTERED_BELOW,
      paint: {"circle-radius": radius, "circle-color": ["case", one, style("--map-thing"), fill], "circle-stroke-width": ["case", one, 0, 1.5], "circle-stroke-color": when(["all", [">", state("w"), 0], ["<", state("w"), 5]], style("--fg1"), style("--ctl"))},
    },
    {
      id: "cluster-counts", type: "symbol", source: "clusters", filter: [">", ["get", "n"], 1], maxzoom: CLUSTERED_BELOW,
      layout: {"text-field": ["number-format", ["get", "n"], {locale: "vi-VN"}], "text-font": FONT, "text-size": 12.5 * size, "text-allow-overlap": true, "text-ignore-placement": true},
      paint: {"text-color": text},
    },
    ...[...RANKS].reverse().map(mark),
  ];
}
