// The one map of wall, tablet and desk. Geometry travels once per layer version; everything that
// lives is feature-state.

import {connectLayers} from "./layers.mjs";
import {createClusters} from "./map/clusters.mjs";
import {createPainter} from "./map/painter.mjs";
import {NAMES, POINTS, baseLayers, markLayers, scale, sources} from "./map/style.mjs";
import {keepNamesWhole, keepView, middles} from "./map/view.mjs";
import {drawMarks} from "./marks.mjs";

export {boundsOf} from "./map/view.mjs";

// Returns the live map over `element`. Throws where there is no WebGL, or, with the words' key as
// `reason`, where a part of the map is not installed. `points`: the layers of things; `clustered`:
// whether those that would hide each other are drawn as one; `place`: where to look at first.
export async function createMap(element, store, {writer, onThing, unit, points = POINTS, clustered = false, place = null}) {
  const library = await import("../vendor/maplibre-gl.mjs").catch((cause) => {
    throw Object.assign(new Error("assets/vendor/maplibre-gl.mjs could not be loaded", {cause}), {reason: "wall.no_map_part"});
  });
  await Promise.all([400, 600].map((weight) => document.fonts.load(`${weight} 16px "IOC Sans"`, "Đồng Nai 1")));
  const css = getComputedStyle(element);
  const style = (name) => css.getPropertyValue(name).trim();
  const map = new library.Map({
    container: element, center: [107, 11.3], zoom: 7.6, minZoom: 4, maxZoom: 17, dragRotate: false, pitchWithRotate: false,
    touchPitch: false, attributionControl: false, fadeDuration: 0, renderWorldCopies: false,
    style: {version: 8, sources: sources(points), layers: baseLayers(style, unit(), points)},
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
  for (const layer of markLayers(points)) map.addLayer(layer);

  const view = keepView(map, unit, place);
  keepNamesWhole(map, unit);
  const layers = connectLayers(store, (name, data) => {
    map.getSource(name)?.setData(layers.narrowed(name, data));
    if (name === "province") view.home(data);
    if (name === "neighbours") map.getSource(NAMES).setData(middles(data));
  });
  const paint = createPainter(map, store, layers, points);
  const clusters = clustered ? createClusters(map, layers, paint, {style, unit}) : null;
  layers.onLayer((name) => points.includes(name) && paint.show());
  store.subscribe((changed, ids) => {
    if (changed.has("layers")) layers.refresh();
    if (changed.has("alerts")) paint.alerts();
    if (changed.has("states")) paint.states(ids);
  });
  layers.refresh();
  paint.alerts();
  paint.states([...store.states.keys()]);

  const live = {map, layers, view, paint, clusters, style, busy: false}; // busy: a tool takes the clicks
  map.on("click", (event) => {
    if (live.busy || clusters?.open(event.point)) return;
    const id = nearest(map, event.point, points) ?? clusters?.single(event.point) ?? null;
    if (id !== null) onThing(id, event);
    else live.onElse?.(event);
  });
  map.on("mousemove", (event) => {
    if (live.busy) return;
    const over = nearest(map, event.point, points) !== null || clusters?.at(event.point) || live.isElse?.(event);
    map.getCanvas().style.cursor = over ? "pointer" : "";
  });
  let drawnFor = unit();
  map.on("resize", () => {
    if (unit() === drawnFor) return;
    drawnFor = unit();
    setMarks();
    scale(map, drawnFor);
  });
  return live;
}

function nearest(map, point, points) {
  if (!points.length) return null;
  const reach = 12; // px: a finger
  const box = [[point.x - reach, point.y - reach], [point.x + reach, point.y + reach]];
  let best = null;
  let least = Infinity;
  for (const feature of map.queryRenderedFeatures(box, {layers: points})) {
    const at = map.project(feature.geometry.coordinates);
    const severity = feature.state?.s ?? 0;
    const distance = Math.hypot(at.x - point.x, at.y - point.y) - (severity ? 1000 * (5 - severity) : 0);
    if (distance < least) [best, least] = [feature.id, distance];
  }
  return best;
}
