// Things that would hide each other, drawn as one: coloured by their worst member, with their count.

import {CLUSTERED_BELOW, createGroups} from "./groups.mjs";
import {RANKS} from "./ranks.mjs";
import {FONT, is, state, when} from "./style.mjs";

const LAYERS = ["clusters", "cluster-counts", ...RANKS.map((rank) => `cluster-mark-${rank}`)];

export function createClusters(map, layers, paint, {style, unit}) {
  const groups = createGroups(map, "clusters", members, paint.drawn);
  for (const layer of look(style, unit())) map.addLayer(layer);
  for (const {id} of map.getStyle().layers) {
    if (id === "things" || id === "bts" || /^(things|bts)-/.test(id)) map.setLayerZoomRange(id, CLUSTERED_BELOW, 24);
  }
  paint.onChange(groups.change);
  layers.onLayer((name) => (name === "things" || name === "bts") && groups.again());
  groups.rebuild();

  function members() {
    return [...layers.points].filter(([id, at]) => layers.isShown(at.layer, {id, properties: at}));
  }

  const found = (point) => {
    const reach = 10;
    const box = [[point.x - reach, point.y - reach], [point.x + reach, point.y + reach]];
    return map.queryRenderedFeatures(box, {layers: ["clusters"]})[0];
  };
  return {
    groups: groups.ranks.groups,
    at: found,
    single: (point) => found(point)?.properties.key ?? null,
    // Opens the cluster under a click; false where there is none, or only one thing in it.
    open(point) {
      const feature = found(point);
      return Boolean(feature) && groups.open(feature.id);
    },
    hidden(isHidden) {
      for (const id of LAYERS) map.setLayoutProperty(id, "visibility", isHidden ? "none" : "visible");
    },
  };
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
