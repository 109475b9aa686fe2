// What lives of an imported layer: features that are the places of things, and groups of them.

import {cellOf} from "./cells.mjs";
import {RANKS, createRanks, rank} from "./ranks.mjs";

// A document's features are coloured by their own ids, and grouped by `groups` (null for none).
export function liveDocument(map, {source, groups, paint}) {
  let things = new Map(); // thing id -> {lon, lat}
  const target = (id) => ({source, id});
  return {
    read(data) {
      things = new Map(data.features.filter(({id, geometry}) => Number.isInteger(id) && geometry).map(({id}) => [id, true]));
      for (const id of things.keys()) show(map, target(id), paint.drawn.get(String(id)));
      groups?.again();
    },
    change(thing, old, next) {
      if (!things.has(thing)) return false;
      show(map, target(thing), next, old);
      groups?.change(thing, old, next);
      return true;
    },
    has: (thing) => things.has(thing),
    things: () => things.keys(),
  };
}

// Tiles hold clusters that the server made; which things are in one is told by its cell.
export function liveTiles(map, {source, paint, onRead}) {
  let things = new Map(); // thing id -> [lon, lat]
  let told = null;
  let step = null;
  const target = (id) => ({source, sourceLayer: told.source_layer, id});
  const ranks = createRanks((id, w) => map.setFeatureState(target(id), {w}));

  function rebuild() {
    if (!told || !map.getSource(source)) return;
    step = Math.floor(map.getZoom());
    ranks.clear();
    map.removeFeatureState({source, sourceLayer: told.source_layer});
    for (const [id, [lon, lat]] of things) {
      const drawn = paint.drawn.get(String(id));
      show(map, target(id), drawn);
      if (step >= told.clustered_below) continue;
      const [x, y] = cellOf(lon, lat, step);
      ranks.add(told.clusters.first + y * told.clusters.cells * 2 ** step + x, id, rank(drawn));
    }
    ranks.showAll();
  }

  const zoomed = () => told && Math.floor(map.getZoom()) !== step && rebuild();
  map.on("zoom", zoomed);
  return {
    stop: () => map.off("zoom", zoomed),
    async read(data) {
      told = data.tiles;
      const answer = await fetch(told.places).catch(() => null);
      if (!answer?.ok || told !== data.tiles) return;
      things = new Map((await answer.json()).map(([id, lon, lat]) => [id, [lon, lat]]));
      rebuild();
      onRead();
    },
    change(thing, old, next) {
      if (!things.has(thing)) return false;
      show(map, target(thing), next, old);
      ranks.change(thing, rank(old), rank(next));
      return true;
    },
    has: (thing) => things.has(thing),
    things: () => things.keys(),
  };
}

function show(map, target, next, old = null) {
  const [w, d] = [rank(next), next?.d ? 1 : 0];
  if (old ? rank(old) === w && (old.d ? 1 : 0) === d : !w && !d) return;
  map.setFeatureState(target, {w, d});
}

// Signs that no feature needs are not laid out at all.
export function createSigns(map, ids, live, paint, isOn) {
  let due = null;
  function look() {
    due = null;
    if (!isOn()) return;
    const needed = new Set();
    for (const thing of live.things()) needed.add(rank(paint.drawn.get(String(thing))));
    for (const id of ids) {
      for (const one of RANKS) {
        const layer = `${id}-mark-${one}`;
        const wanted = needed.has(one) ? "visible" : "none";
        if (map.getLayer(layer) && map.getLayoutProperty(layer, "visibility") !== wanted) map.setLayoutProperty(layer, "visibility", wanted);
      }
    }
  }
  return {look, again: () => { due ??= setTimeout(look, 50); }};
}
