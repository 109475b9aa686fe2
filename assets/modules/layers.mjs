// Geometry: each layer is fetched once per version, and again until it came.

const RETRY_MS = 5_000;

// Calls `deliver(name, geojson)` whenever a version of `store.layers` is new.
export function connectLayers(store, deliver) {
  const have = new Map();
  const points = new Map(); // thing id -> {lon, lat, name, short, kind}
  const listeners = new Set();

  async function load(name, version) {
    have.set(name, version);
    try {
      const answer = await fetch(`/geo/${name}/${version}.geojson`);
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      const data = await answer.json();
      if (have.get(name) !== version) return; // a newer one is on its way
      remember(name, data);
      deliver(name, data);
      for (const listener of listeners) listener(name, data);
    } catch {
      if (have.get(name) === version) have.delete(name);
      setTimeout(refresh, RETRY_MS);
    }
  }

  function remember(name, data) {
    if (name !== "things" && name !== "bts") return;
    for (const feature of data.features) {
      const [lon, lat] = feature.geometry.coordinates;
      points.set(Number(feature.id), {lon, lat, ...feature.properties});
    }
  }

  function refresh() {
    for (const [name, version] of Object.entries(store.layers)) {
      if (version !== null && have.get(name) !== version) load(name, version);
    }
  }

  return {refresh, points, onLayer: (listener) => listeners.add(listener)};
}
