// Geometry: each layer is fetched once per version, and again until it came.

const RETRY_MS = 5_000;
const THINGS = ["things", "bts"];

// Calls `deliver(name, geojson)` whenever a version of `store.layers` is new, or what is shown of it.
export function connectLayers(store, deliver) {
  const have = new Map();
  const data = new Map(); // layer -> its whole GeoJSON
  const points = new Map(); // thing id -> {lon, lat, name, short, kind, layer}
  const listeners = new Set();
  let shown = null; // (layer, feature) -> whether it is drawn; null: everything is
  let wanted = () => true; // which layers are fetched at all

  async function load(name, version) {
    have.set(name, version);
    try {
      const answer = await fetch(`/geo/${name}/${version}.geojson`);
      if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
      const found = await answer.json();
      if (have.get(name) !== version) return; // a newer one is on its way
      data.set(name, found);
      remember(name, found);
      tell(name);
    } catch {
      if (have.get(name) === version) have.delete(name);
      setTimeout(refresh, RETRY_MS);
    }
  }

  function tell(name) {
    deliver(name, data.get(name));
    for (const listener of listeners) listener(name, data.get(name));
  }

  function remember(name, {features}) {
    if (!THINGS.includes(name)) return;
    for (const [id, {layer}] of points) if (layer === name) points.delete(id);
    for (const feature of features) {
      if (feature.geometry?.type !== "Point") continue;
      const [lon, lat] = feature.geometry.coordinates;
      // An imported layer has fields of its own in place of kind and short name.
      points.set(Number(feature.id), {lon, lat, kind: name, short: feature.properties.name, ...feature.properties, layer: name});
    }
  }

  function refresh() {
    for (const [name, version] of Object.entries(store.layers)) {
      if (version !== null && have.get(name) !== version && wanted(name)) load(name, version);
    }
  }

  const narrowed = (name, found) => shown && THINGS.includes(name)
    ? {...found, features: found.features.filter((feature) => shown(name, feature))} : found;

  return {
    refresh, points, data, narrowed,
    want: (test) => { wanted = test; refresh(); },
    // Draws only what passes; the geometry that is here stays.
    narrow(test) {
      shown = test;
      for (const name of THINGS) if (data.has(name)) tell(name);
    },
    isShown: (name, feature) => !shown || shown(name, feature),
    onLayer: (listener) => listeners.add(listener),
  };
}
