// Stations on the live map: geometry is set once, a frame is nothing but feature-state.

import {createMap} from "../map.mjs";

const SOURCE = "index-stations";
const REACH = 12; // px: a finger

export async function createIndexMap(box, store, {writer, onStation}) {
  const {map, view, style} = await createMap(box, store, {writer, onThing: () => {}, unit: () => 1.1, points: []});
  map.addSource(SOURCE, {type: "geojson", data: {type: "FeatureCollection", features: []}});
  const category = ["coalesce", ["feature-state", "c"], -1];
  const none = ["<", category, 0];
  map.addLayer({
    id: SOURCE, type: "circle", source: SOURCE,
    paint: {
      "circle-radius": ["case", none, 5, 8], // a swatch beside its word: at most 16 px
      "circle-color": ["case", none, style("--map-prov"), "#000000"],
      "circle-stroke-color": style("--fg1"),
      "circle-stroke-width": ["case", none, 1, ["==", ["coalesce", ["feature-state", "p"], 0], 1], 3, 1.5],
    },
  });
  const shown = new Map(); // station -> its category on the map
  let picked = null;

  const near = (point) => {
    const area = [[point.x - REACH, point.y - REACH], [point.x + REACH, point.y + REACH]];
    const found = map.queryRenderedFeatures(area, {layers: [SOURCE]});
    const far = (feature) => { const at = map.project(feature.geometry.coordinates); return Math.hypot(at.x - point.x, at.y - point.y); };
    return found.sort((a, b) => far(a) - far(b))[0]?.id ?? null;
  };
  map.on("click", (event) => { const id = near(event.point); if (id !== null) onStation(id); });
  map.on("mousemove", (event) => { map.getCanvas().style.cursor = near(event.point) === null ? "" : "pointer"; });

  return {
    map, view,
    setStations({stations, categories}) {
      const features = stations.filter(({lon}) => lon !== null).map(({id, lon, lat}) => ({type: "Feature", id, properties: {}, geometry: {type: "Point", coordinates: [lon, lat]}}));
      shown.clear();
      map.removeFeatureState({source: SOURCE});
      map.getSource(SOURCE).setData({type: "FeatureCollection", features});
      const colours = categories.flatMap(({colour}, place) => [place, colour]);
      map.setPaintProperty(SOURCE, "circle-color", ["case", none, style("--map-prov"), ["match", category, ...colours, "#000000"]]);
    },
    show(rows) {
      for (const {station, category: own} of rows) {
        if (shown.get(station.id) === own) continue;
        shown.set(station.id, own);
        map.setFeatureState({source: SOURCE, id: station.id}, {c: own});
      }
    },
    pick(id) {
      if (picked !== null) map.setFeatureState({source: SOURCE, id: picked}, {p: 0});
      picked = id;
      if (id !== null) map.setFeatureState({source: SOURCE, id}, {p: 1});
    },
  };
}
