// One point for those that would hide each other. MapLibre's own clusters cannot see feature-state;
// these are a grid of each zoom step, whose geometry changes with layers and zoom alone. What lives
// reaches a group as its feature-state `w`.

import {cells} from "./cells.mjs";
import {createRanks, rank} from "./ranks.mjs";
import {EMPTY} from "./style.mjs";

export const CLUSTERED_BELOW = 11; // zoom: from there on a commune fills the screen and masts stand apart
const WAIT_MS = 60;

// `members()` gives [key, {lon, lat, …}]; `drawn` is the painter's, by key as text.
export function createGroups(map, source, members, drawn) {
  const ranks = createRanks((id, w) => map.setFeatureState({source, id}, {w}));
  let serial = 1;
  let step = null;
  let due = null;
  map.addSource(source, {type: "geojson", data: EMPTY});

  function rebuild() {
    due = null;
    if (!map.getSource(source)) return;
    step = Math.floor(map.getZoom());
    ranks.clear();
    map.removeFeatureState({source});
    if (step >= CLUSTERED_BELOW) return map.getSource(source).setData(EMPTY);
    const features = [];
    for (const own of cells(members(), step)) features.push(group(own));
    map.getSource(source).setData({type: "FeatureCollection", features});
    ranks.showAll();
  }

  function group(own) {
    const id = serial += 1;
    let [lon, lat] = [0, 0];
    for (const [key, at] of own) {
      ranks.add(id, key, rank(drawn.get(String(key))));
      lon += at.lon;
      lat += at.lat;
    }
    ranks.groups.get(id).members = own;
    const properties = {n: own.length, key: own.length === 1 ? own[0][0] : null};
    return {type: "Feature", id, properties, geometry: {type: "Point", coordinates: [lon / own.length, lat / own.length]}};
  }

  const again = () => { due ??= setTimeout(rebuild, WAIT_MS); };
  const zoomed = () => Math.floor(map.getZoom()) !== step && again();
  map.on("zoomend", zoomed);
  return {
    stop: () => map.off("zoomend", zoomed),
    ranks, rebuild, again,
    change: (key, old, next) => ranks.change(key, rank(old), rank(next)),
    // Opens a group; false where there is only one in it.
    open(id) {
      const own = ranks.groups.get(id)?.members ?? [];
      if (own.length < 2) return false;
      const lons = own.map(([, at]) => at.lon);
      const lats = own.map(([, at]) => at.lat);
      const camera = map.cameraForBounds([[Math.min(...lons), Math.min(...lats)], [Math.max(...lons), Math.max(...lats)]], {padding: 60, maxZoom: CLUSTERED_BELOW + 2});
      map.easeTo({center: camera.center, zoom: Math.max(camera.zoom, step + 1.01), duration: 300});
      return true;
    },
  };
}
