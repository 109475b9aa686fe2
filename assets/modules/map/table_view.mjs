// Rows of a layer of tiles: the browser has no document of it, so the server is asked for what lies in
// the view.

import {ask} from "../desk/api.mjs";

const MOST = 1_000; // rows: more is no table to read; the exported file has them all
const PAUSE_MS = 300; // after the last movement of the map

export function createViewRows(map, onRows) {
  let layer = null;
  let found = {features: [], total: 0};
  let due = null;
  let asking = null;

  async function look() {
    due = null;
    asking?.abort();
    const own = asking = new AbortController();
    const [[west, south], [east, north]] = map.getBounds().toArray();
    const query = new URLSearchParams({f: "json", limit: MOST, bbox: [west, south, east, north].map((one) => one.toFixed(5)).join(",")});
    const answer = await ask(`/ogc/collections/${layer}/items?${query}`, {signal: own.signal});
    if (own !== asking || !answer.ok) return;
    found = {features: answer.body.features, total: answer.body.numberMatched};
    onRows();
  }

  map.on("moveend", () => {
    if (layer === null) return;
    clearTimeout(due);
    due = setTimeout(look, PAUSE_MS);
  });
  return {
    get features() { return found.features; },
    get total() { return found.total; },
    // The layer whose rows are wanted; null: none is.
    of(name) {
      if (name === layer) return;
      asking?.abort();
      layer = name;
      found = {features: [], total: 0};
      if (name !== null) look();
    },
  };
}
