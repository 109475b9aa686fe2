// Geometry: the list says which layer has what; each is fetched once per version, and again until it
// came. A layer of tiles is fetched by the map itself, tile by tile: here it is an empty collection.

const RETRY_MS = 5_000;
const THINGS = ["things", "bts"];

// Calls `deliver(name, geojson)` whenever a version of `store.layers` is new, or what is shown of it.
export function connectLayers(store, deliver) {
  const have = new Map();
  const data = new Map(); // layer -> its whole GeoJSON; of tiles `tiles` says how they are had
  const points = new Map(); // thing id -> {lon, lat, name, short, kind, layer}
  const listeners = new Set();
  const listListeners = new Set();
  let listed = new Map(); // layer -> how /geo/layers.json describes it
  let asking = null;
  let shown = null; // (layer, feature) -> whether it is drawn; null: everything is
  let wanted = () => true; // which layers are fetched at all

  // The browser keeps the list and its ETag: nothing new is a few hundred bytes.
  function list() {
    asking ??= (async () => {
      try {
        const answer = await fetch("/geo/layers.json");
        if (!answer.ok) throw new Error(`layers: ${answer.status}`);
        listed = new Map((await answer.json()).map((one) => [one.layer, one]));
        for (const listener of listListeners) listener(listed);
      } finally {
        asking = null;
      }
    })();
    return asking;
  }

  // How a layer is had at `version`. A list that was asked for before the notice may not know yet.
  async function told(name, version) {
    for (let turn = 0; turn < 2 && listed.get(name)?.version !== version; turn += 1) await list();
    const one = listed.get(name);
    if (!one) throw new Error(`${name}: not published`);
    return one;
  }

  async function load(name, version) {
    have.set(name, version);
    try {
      const one = await told(name, version);
      const found = one.tiles ? {type: "FeatureCollection", features: [], tiles: one} : await document(one);
      if (have.get(name) !== version) return; // a newer one is on its way
      data.set(name, found);
      remember(name, found);
      tell(name);
    } catch {
      if (have.get(name) === version) have.delete(name);
      setTimeout(refresh, RETRY_MS);
    }
  }

  async function document({layer, url}) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${layer}: ${answer.status}`);
    return await answer.json();
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

  // Of an imported layer: its features that a filter lets through.
  const overs = new Map();
  const narrowedOver = (name) => {
    const found = data.get(name)?.features ?? [];
    return overs.has(name) ? found.filter(overs.get(name)) : found;
  };

  list().catch(() => {}); // beside the first snapshot; each layer asks again where it failed
  return {
    refresh, points, data, narrowed, narrowedOver,
    narrowOver: (name, test) => test ? overs.set(name, test) : overs.delete(name),
    listed: (name) => listed.get(name),
    want: (test) => { wanted = test; refresh(); },
    // Draws only what passes; the geometry that is here stays.
    narrow(test) {
      shown = test;
      for (const name of THINGS) if (data.has(name)) tell(name);
    },
    isShown: (name, feature) => !shown || shown(name, feature),
    onLayer: (listener) => listeners.add(listener),
    onList: (listener) => listListeners.add(listener),
  };
}
