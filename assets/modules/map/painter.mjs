// Writes feature-state, and only where something visible changed.

import {markLayers} from "./style.mjs";

const FRESH = {live: 0, late: 1, silent: 2, never: 3};
const LOOKS = ["new", "ack", "rtn"];
const SHOW_AFTER_MS = 50; // one look through all states for a burst of changes

export function createPainter(map, store, layers, points) {
  const drawn = new Map(); // thing id -> what its sign says
  const listeners = new Set();
  let asked = null;

  // A layer whose signs are all invisible is drawn all the same: shown only where one is needed.
  function show() {
    asked ??= setTimeout(() => {
      asked = null;
      const needed = new Set();
      for (const [id, {f, s, l}] of drawn) {
        if (!s && f !== FRESH.silent) continue;
        const source = layers.points.get(Number(id))?.kind === "bts" ? "bts" : "things";
        needed.add(s ? `${source}-${source === "bts" ? "new" : LOOKS[l]}-${s}` : `${source}-silent`);
      }
      for (const {id} of markLayers(points)) {
        const wanted = needed.has(id) ? "visible" : "none";
        if (map.getLayoutProperty(id, "visibility") !== wanted) map.setLayoutProperty(id, "visibility", wanted);
      }
    }, SHOW_AFTER_MS);
  }
  let returned = new Map(); // thing id -> severity of what came back by itself and nobody has seen

  function look(id, state) {
    if (!state.severity && returned.has(Number(id))) return 2;
    return state.acked ? 1 : 0;
  }
  function states(ids) {
    for (const id of ids) {
      const state = store.states.get(id);
      const next = state
        ? {f: FRESH[state.fresh] ?? 3, s: state.severity || returned.get(Number(id)) || 0, l: look(id, state), d: state.down ? 1 : 0}
        : {f: 3, s: 0, l: 0, d: 0};
      const old = drawn.get(id);
      if (old && old.f === next.f && old.s === next.s && old.l === next.l && old.d === next.d) continue;
      drawn.set(id, next);
      if (!old || old.f !== next.f || old.s !== next.s || old.l !== next.l) show();
      for (const source of points) map.setFeatureState({source, id: Number(id)}, next);
      for (const listener of listeners) listener(Number(id), old, next);
    }
  }
  function alerts() {
    const active = new Set(store.alerts.open.filter((row) => row.active).map((row) => row.thing));
    const now = new Map(store.alerts.open.filter((row) => !active.has(row.thing)).map((row) => [row.thing, row.severity]));
    const touched = [...now.keys(), ...returned.keys()].map(String);
    returned = now;
    states(touched);
  }
  return {states, alerts, show, drawn, onChange: (listener) => listeners.add(listener)};
}
