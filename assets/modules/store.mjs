// What the screen knows, and how far it may be trusted. One place holds it; everything else draws it.

const KEPT_OFFSETS = 20; // about two seconds of messages: one slow one does not move the clock

export function createStore(clock = Date.now) {
  const listeners = new Set();
  const offsets = [];
  const store = {
    loaded: false,    // a snapshot has arrived
    connected: false,
    seq: 0,
    heardAt: null,    // server time, ms, of the newest message
    states: new Map(),
    alerts: {open: [], counts: {}, total: 0, unacked: 0},
    counts: {things: {}, kinds: {}, pending: 0},
    feeds: [],
    layers: {},
    health: {},
    simulated: false,
    walls: {}, // name -> what a desk sent to it

    // Server time, ms. Of the newest messages the fastest tells the difference best.
    now: () => clock() + (offsets.length ? Math.max(...offsets) : 0),

    // `kind` is snapshot, delta or heartbeat; the shapes are those of ioc/web/__init__.py.
    apply(kind, message) {
      const changed = new Set();
      offsets.push(message.t - clock());
      if (offsets.length > KEPT_OFFSETS) offsets.shift();
      store.heardAt = Math.max(message.t, kind === "snapshot" ? 0 : store.heardAt ?? 0);
      const ids = applyStates(store.states, kind, message.states, changed);
      for (const key of ["alerts", "counts", "feeds", "layers", "health", "simulated", "walls"]) {
        if (message[key] === undefined) continue;
        store[key] = key === "layers" || key === "health"
          ? {...(kind === "snapshot" ? {} : store[key]), ...message[key]} : message[key];
        changed.add(key);
      }
      if (message.seq !== undefined) store.seq = message.seq;
      if (kind === "snapshot") {
        store.loaded = true;
        changed.add("loaded");
      }
      store.setConnected(true, changed);
      if (changed.size) tell(changed, ids);
    },

    setConnected(connected, changed = null) {
      if (store.connected === connected) return;
      store.connected = connected;
      if (changed) changed.add("connected");
      else tell(new Set(["connected"]), []);
    },

    // Time of the newest data, ms or null: what a banner may promise.
    newest() {
      const times = store.feeds.map((feed) => feed.newest).filter((time) => time !== null);
      return times.length ? Math.max(...times) : null;
    },

    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  function tell(changed, ids) {
    for (const listener of listeners) listener(changed, ids);
  }
  return store;
}

// Returns the ids whose state is new or gone.
function applyStates(states, kind, news, changed) {
  if (news === undefined) return [];
  changed.add("states");
  const ids = Object.keys(news);
  if (kind === "snapshot") {
    for (const id of states.keys()) if (!(id in news)) ids.push(id);
    states.clear();
  }
  for (const [id, state] of Object.entries(news)) {
    if (state === null) states.delete(id);
    else states.set(id, mergeValues(states.get(id), state));
  }
  return ids;
}

// A delta may hold only the values that moved.
function mergeValues(old, state) {
  if (!old) return state;
  return {...old, ...state, values: {...old.values, ...state.values}};
}
