// The network over the live map: segments, the cut, who is lost and who is kept by a ring.

import {element} from "../dom.mjs";
import {createMap} from "../map.mjs";

const REACH = 8; // px on either side of a press: a finger
const EMPTY = {type: "FeatureCollection", features: []};

// `onPress(code or null, [lon, lat])`.
export async function createNetworkMap(box, legend, segments, store, {writer, onPress}) {
  const css = getComputedStyle(box);
  const style = (name) => css.getPropertyValue(name).trim();
  const {map, view} = await createMap(box, store, {writer, onThing: () => {}, unit: () => 1.1});
  map.addSource("segments", {type: "geojson", data: segments});
  map.addSource("cut", {type: "geojson", data: EMPTY});
  map.addSource("sites", {type: "geojson", data: EMPTY});
  const heavy = ["interpolate", ["linear"], ["sqrt", ["get", "weight"]], 0, 1, 8, 1.6, 40, 3.2];
  const line = (id, filter, paint) => ({id, type: "line", source: "segments", filter, paint, layout: {"line-join": "round", "line-cap": "round"}});
  map.addLayer(line("net-ring", ["==", ["get", "weight"], 0], {"line-color": style("--fg3"), "line-width": ["interpolate", ["linear"], ["zoom"], 7, 1.2, 12, 3]}), "things");
  map.addLayer(line("net-weak", [">", ["get", "weight"], 0], {"line-color": style("--fg2"), "line-width": heavy, "line-dasharray": [2, 1.4]}), "things");
  const size = (k) => ["interpolate", ["linear"], ["zoom"], 7, ["match", ["get", "kind"], "tslcd_point", 3 * k, 1.8 * k], 11, ["match", ["get", "kind"], "tslcd_point", 6 * k, 4 * k]];
  map.addLayer({id: "net-survivors", type: "circle", source: "sites", filter: ["==", ["get", "lost"], false], paint: {"circle-radius": size(1), "circle-color": style("--map-out"), "circle-stroke-color": style("--fg1"), "circle-stroke-width": 1.5}});
  map.addLayer({id: "net-lost", type: "circle", source: "sites", filter: ["==", ["get", "lost"], true], paint: {"circle-radius": size(1.2), "circle-color": style("--fg1"), "circle-stroke-color": style("--map-out"), "circle-stroke-width": 1}});
  // No hue: a cut that is only asked about is no alert. White over a dark casing stands out.
  map.addLayer({id: "net-cut-casing", type: "line", source: "cut", paint: {"line-color": style("--map-out"), "line-width": 13}, layout: {"line-cap": "round"}});
  map.addLayer({id: "net-cut", type: "line", source: "cut", paint: {"line-color": style("--fg1"), "line-width": 7}, layout: {"line-cap": "round"}});
  // Squares of people out of reach: a suggestion, so they are drawn as a shade and only when asked.
  map.addSource("cells", {type: "geojson", data: EMPTY});
  map.addLayer({id: "net-cells", type: "fill", source: "cells", paint: {"fill-color": style("--fg1"), "fill-opacity": ["interpolate", ["linear"], ["get", "people"], 0, 0.15, 200, 0.7]}}, "net-ring");
  drawLegend(legend, writer, false);

  const found = new Map(segments.features.map((feature) => [feature.properties.code, feature]));
  const near = (point) => {
    const area = [[point.x - REACH, point.y - REACH], [point.x + REACH, point.y + REACH]];
    return map.queryRenderedFeatures(area, {layers: ["net-weak", "net-ring"]})[0]?.properties.code ?? null;
  };
  map.on("click", (event) => onPress(near(event.point), [event.lngLat.lng, event.lngLat.lat]));
  map.on("mousemove", (event) => { map.getCanvas().style.cursor = near(event.point) ? "pointer" : "crosshair"; });

  function show(impact) {
    const features = impact.segments.map((code) => found.get(code)).filter(Boolean);
    map.getSource("cut").setData({...EMPTY, features});
    const dot = (lost) => (site) => ({type: "Feature", properties: {lost, kind: site.kind}, geometry: {type: "Point", coordinates: [site.lon, site.lat]}});
    map.getSource("sites").setData({...EMPTY, features: [...impact.survivors.map(dot(false)), ...impact.lost.map(dot(true))]});
    if (!impact.at) bring(features);
  }

  // A cut that is out of sight is brought into it; otherwise the view is the user's.
  function bring(features) {
    const at = features[0]?.geometry.coordinates[0];
    if (at && !map.getBounds().contains(at)) map.easeTo({center: at, duration: 0});
  }
  function cover(answer) {
    const half = answer ? answer.grid.cell_m / 2 / 111_195 : 0;
    const features = (answer?.grid.cells ?? []).map(([lon, lat, people]) => {
      const side = half / Math.cos((16 * Math.PI) / 180);
      const [w, s, e, n] = [lon - side, lat - half, lon + side, lat + half];
      return {type: "Feature", properties: {people}, geometry: {type: "Polygon", coordinates: [[[w, s], [e, s], [e, n], [w, n], [w, s]]]}};
    });
    map.getSource("cells").setData({...EMPTY, features});
    drawLegend(legend, writer, Boolean(answer));
  }
  return {map, view, show, cover};
}

function drawLegend(legend, {say}, isCover) {
  const svg = (attributes, tag) => {
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    mark.setAttribute("viewBox", "0 0 28 14");
    mark.setAttribute("aria-hidden", "true");
    const part = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
    mark.append(part);
    return mark;
  };
  const stroke = (color, width, dash = "none") => svg({x1: 2, y1: 7, x2: 26, y2: 7, style: `stroke:var(${color});stroke-width:${width};stroke-dasharray:${dash}`}, "line");
  const row = (mark, key) => element("div", "", mark, element("span", "", say(`network.${key}`)));
  const rect = svg({x: 4, y: 1, width: 20, height: 12, style: "fill:var(--fg1);fill-opacity:.5"}, "rect");
  legend.replaceChildren(
    ...(isCover ? [row(rect, "legend_cells")] : []),
    row(stroke("--fg3", 2), "legend_ring"),
    row(stroke("--fg2", 2.5, "5 3"), "legend_weak"),
    row(stroke("--fg1", 6), "legend_cut"),
    row(svg({cx: 14, cy: 7, r: 5, style: "fill:var(--fg1)"}, "circle"), "legend_lost"),
    row(svg({cx: 14, cy: 7, r: 4.5, style: "fill:var(--map-out);stroke:var(--fg1);stroke-width:1.5"}, "circle"), "legend_survivor"),
  );
}
