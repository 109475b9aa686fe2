// Imported layers on the map: fetched when somebody switches them on. Below 20,000 features a layer is
// one document, grouped here; above that the server's tiles and clusters.

import {ask} from "../desk/api.mjs";
import {CLUSTERED_BELOW, createGroups} from "./groups.mjs";
import {createSigns, liveDocument, liveTiles} from "./overlay_live.mjs";
import {createLooks, drawShape, nameLayer, pointLayers, shapeLayers} from "./overlay_look.mjs";
import {EMPTY} from "./style.mjs";

const BASE = ["province", "neighbours", "communes", "water", "zones", "things", "bts"];

export const isOverlay = (name) => !BASE.includes(name);

export function createOverlays(live, store, {book, unit}) {
  const {map, layers, style, paint} = live;
  const on = new Set();
  const made = new Map(); // layer -> {kind, ids, live, groups, signs}
  const listeners = new Set();
  const look = createLooks();
  // Base stations of more than a document are no points of the map any more, but a layer of tiles.
  const isOver = (name) => isOverlay(name) || (name === "bts" && Boolean(layers.listed("bts")?.tiles));
  layers.want((name) => !isOverlay(name) || on.has(name));

  // ---------------------------------------------------------------- drawing

  function add(name, data) {
    const kind = data.tiles ? "tiles" : "document";
    const old = made.get(name);
    if (old?.kind === kind) {
      if (data.tiles) map.getSource(`over-${name}`).setTiles([location.origin + data.tiles.tiles]);
      return old;
    }
    if (old) remove(name, old);
    const source = `over-${name}`;
    if (!map.hasImage(source)) map.addImage(source, ...drawShape(look(name).shape, style, unit()));
    const own = data.tiles ? addTiles(name, source, data.tiles) : addDocument(name, source);
    made.set(name, {kind, ...own});
    if (!on.has(name)) show(name, false);
    return made.get(name);
  }

  function addTiles(name, source, told) {
    map.addSource(source, {type: "vector", tiles: [location.origin + told.tiles], minzoom: 0, maxzoom: told.maxzoom});
    const from = {source, "source-layer": told.source_layer};
    const ids = put([...shapeLayers(source, from, style, look(name).dash), ...pointLayers(source, from, style, source, {}), nameLayer(source, from, style)]);
    const own = {ids, sources: [source], groups: null, live: liveTiles(map, {source, paint, onRead: () => own.signs.again()})};
    own.signs = createSigns(map, [source], own.live, paint, () => on.has(name));
    return own;
  }

  function addDocument(name, source) {
    map.addSource(source, {type: "geojson", data: EMPTY});
    const grouped = layers.listed(name)?.geometry === "point";
    const from = {source};
    const ids = put([...shapeLayers(source, from, style, look(name).dash), ...pointLayers(source, from, style, source, grouped ? {minzoom: CLUSTERED_BELOW} : {minzoom: 1}), nameLayer(source, from, style)]);
    const sources = [source];
    let groups = null;
    if (grouped) {
      groups = createGroups(map, `${source}-groups`, () => members(name), paint.drawn);
      sources.push(`${source}-groups`);
      ids.push(...put(pointLayers(`${source}-groups`, {source: `${source}-groups`}, style, source, {maxzoom: CLUSTERED_BELOW})));
    }
    const own = {ids, sources, groups, live: liveDocument(map, {source, groups, paint})};
    own.signs = createSigns(map, sources, own.live, paint, () => on.has(name));
    return own;
  }

  function put(list) {
    const before = map.getLayer("clusters") ? "clusters" : undefined;
    for (const layer of list) map.addLayer(layer, before);
    return list.map(({id}) => id);
  }

  function remove(name, {ids, sources, groups, live: own}) {
    groups?.stop();
    own.stop?.();
    for (const id of ids) map.removeLayer(id);
    for (const source of sources) map.removeSource(source);
    made.delete(name);
  }

  function* members(name) {
    if (!on.has(name)) return;
    for (const {id, geometry, properties} of layers.narrowedOver(name)) {
      const [lon, lat] = geometry.type === "MultiPoint" ? geometry.coordinates[0] : geometry.coordinates;
      yield [id, {lon, lat, code: properties.code}];
    }
  }

  function draw(name) {
    const data = layers.data.get(name);
    if (!data) return;
    const own = add(name, data);
    if (!data.tiles) map.getSource(`over-${name}`).setData({...data, features: layers.narrowedOver(name)});
    own.live.read(data);
    own.signs.again();
  }

  function show(name, isOn) {
    for (const id of made.get(name)?.ids ?? []) if (!/-mark-\d$/.test(id) || !isOn) map.setLayoutProperty(id, "visibility", isOn ? "visible" : "none");
  }

  function toggle(name, isOn) {
    if (isOn) on.add(name);
    else on.delete(name);
    if (isOn && layers.data.has(name) && !made.has(name)) draw(name);
    show(name, isOn);
    if (isOn) {
      made.get(name)?.groups?.again();
      made.get(name)?.signs.again();
      layers.refresh();
    }
    for (const listener of listeners) listener(name);
  }

  layers.onLayer((name) => {
    if (!on.has(name)) return;
    draw(name);
    for (const listener of listeners) listener(name);
  });
  paint.onChange((thing, old, next) => {
    for (const [name, own] of made) if (own.live.change(thing, old, next) && on.has(name)) own.signs.again();
  });

  // ---------------------------------------------------------------- asking

  function seen(point) {
    const reach = 8;
    const box = [[point.x - reach, point.y - reach], [point.x + reach, point.y + reach]];
    for (const part of ["groups-point", "point", "line", "area"]) {
      const ids = [...on].map((name) => `over-${name}-${part}`).filter((id) => map.getLayer(id));
      const found = ids.length ? map.queryRenderedFeatures(box, {layers: ids})[0] : null;
      if (found) return found;
    }
    return null;
  }

  const layerOf = (found) => found.source.slice(5).replace(/-groups$/, "");

  // Opens the group under a click; false where there is none.
  function open(point) {
    const found = seen(point);
    if (!found) return false;
    if (found.properties.point_count) {
      const [lon, lat] = found.geometry.coordinates;
      map.easeTo({center: [lon, lat], zoom: Math.floor(map.getZoom()) + 2, duration: 300});
      return true;
    }
    return found.source.endsWith("-groups") && Boolean(made.get(layerOf(found))?.groups.open(found.id));
  }

  // The imported feature under a click, {layer, code}: points before lines before areas.
  function at(point) {
    const found = seen(point);
    if (!found) return null;
    const layer = layerOf(found);
    if (!found.source.endsWith("-groups")) return {layer, code: found.properties.code, id: found.id};
    const [id, {code}] = made.get(layer).groups.ranks.groups.get(found.id).members[0];
    return {layer, code, id};
  }

  // What the map returns is cut by tiles, and its objects are texts: the document, or the server, has
  // the whole. Returns {layer, feature} or null.
  // `id`: the feature's on the map, where it is known.
  async function whole(layer, code, id = null) {
    const data = layers.data.get(layer);
    if (!data?.tiles) {
      const feature = data?.features.find(({properties}) => String(properties.code) === String(code));
      return feature ? {layer, feature} : null;
    }
    const answer = await ask(`/ogc/collections/${layer}/items/${encodeURIComponent(code)}?f=json`);
    return answer.ok ? {layer, feature: {...answer.body, id}} : null;
  }

  return {
    on, toggle, at, open, whole, look,
    has: (point) => Boolean(seen(point)),
    draw: (name) => on.has(name) && draw(name),
    names: () => Object.keys(store.layers).filter((name) => store.layers[name] !== null && isOver(name)),
    geometry: (name) => book[name]?.geometry ?? layers.listed(name)?.geometry ?? "any",
    title: (name) => book[name]?.title ?? name,
    count: (name) => layers.listed(name)?.count ?? layers.data.get(name)?.features.length ?? null,
    things: (name) => made.get(name)?.live.things() ?? [],
    onChange: (listener) => listeners.add(listener),
  };
}
