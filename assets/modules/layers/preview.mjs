// The file on the map: what it would add, change and take away, and where other systems put it.

import {ask} from "../desk/api.mjs";
import {element, fill} from "../dom.mjs";
import {boundsOf, createMap} from "../map.mjs";

const EMPTY = {type: "FeatureCollection", features: []};
const KINDS = ["added", "changed", "removed", "unchanged"];

export function createPreview(parts, store, writer) {
  const {say} = writer;
  const preview = {show, map: null, shown: null};
  let making = null;

  async function show(job) {
    if (job === preview.shown) return;
    preview.shown = job;
    parts.map.hidden = parts.key.hidden = job === null;
    if (job === null) return;
    const answer = await ask(`/desk/layers/uploads/${job}/preview.geojson`);
    if (job !== preview.shown) return;
    parts.map.hidden = parts.key.hidden = !answer.ok;
    if (!answer.ok) return;
    try {
      const live = await (making ??= make());
      if (job !== preview.shown) return;
      live.map.resize();
      draw(live.map, answer.body);
    } catch (error) {
      console.error(error);
      parts.map.hidden = true;
      fill(parts.key, say(error.reason ?? "layers.page.no_map"));
    }
  }

  async function make() {
    const live = await createMap(parts.map, store, {writer, onThing: () => {}, unit: () => 1.1, points: []});
    const style = (name) => getComputedStyle(parts.map).getPropertyValue(name).trim();
    live.map.addSource("preview", {type: "geojson", data: EMPTY});
    for (const layer of layers(style)) live.map.addLayer(layer);
    preview.map = window.IOC.map = live.map;
    return live;
  }

  function draw(map, data) {
    const candidates = data.features.filter(({properties}) => properties.change === "candidate");
    const rows = data.features.filter(({properties}) => properties.change !== "candidate");
    // A single system that fits is where the rows are anyway.
    const shown = {type: "FeatureCollection", features: [...(candidates.length > 1 || !rows.length ? candidates.map(numbered) : []), ...rows]};
    map.getSource("preview").setData(shown);
    const box = boundsOf(shown);
    if (box) map.fitBounds(box, {padding: 40, maxZoom: 13, animate: false});
    const counts = Object.fromEntries(KINDS.map((kind) => [kind, rows.filter(({properties}) => properties.change === kind).length]));
    fill(parts.key, ...KINDS.filter((kind) => counts[kind]).map((kind) => element("span", `k-${kind}`, element("i"), `${say(`layers.page.count.${kind}`)} ${writer.number(counts[kind])}`)), ...(candidates.length > 1 ? candidates.map((one, index) => element("span", "k-candidate", element("b", "", String(index + 1)), `${one.properties.epsg === 4326 ? "WGS\u00a084" : "VN-2000"} (EPSG:${one.properties.epsg})${one.properties.axes === "yx" ? `, ${say("layers.page.swapped")}` : ""}`)) : []));
  }
  return preview;
}

const numbered = (feature, index) => ({...feature, properties: {...feature.properties, label: String(index + 1)}});

function layers(style) {
  const change = (kind) => ["==", ["get", "change"], kind];
  const isPoint = ["in", ["geometry-type"], ["literal", ["Point", "MultiPoint"]]];
  const pick = (pairs, other) => ["match", ["get", "change"], ...Object.entries(pairs).flat(), other];
  const light = style("--fg1");
  const circle = {
    "circle-radius": pick({added: 5, changed: 5, removed: 5, candidate: 3}, 2.5),
    "circle-color": pick({added: light, unchanged: style("--map-thing")}, style("--map-out")),
    "circle-stroke-color": light,
    "circle-stroke-width": pick({changed: 2, removed: 1, candidate: 1}, 0),
    "circle-opacity": pick({removed: 0.2, candidate: 0.6}, 1),
  };
  return [
    {id: "preview-areas", type: "line", source: "preview", filter: ["!", isPoint], paint: {"line-color": light, "line-width": pick({unchanged: 1, removed: 1}, 2.5)}},
    {id: "preview-points", type: "circle", source: "preview", filter: isPoint, paint: circle},
    {id: "preview-numbers", type: "symbol", source: "preview", filter: change("candidate"), layout: {"text-field": ["get", "label"], "text-font": ["IOC Sans"], "text-size": 15, "text-offset": [0, -1]}, paint: {"text-color": light, "text-halo-color": style("--map-out"), "text-halo-width": 2}},
  ];
}
