// Tiles count what is wrong, so zero is quiet; a feed's bar is its age against its limit.

import {element, fill} from "./dom.mjs";

const KINDS = ["camera", "bts", "network"];
const TICK = 0.72; // where on the bar the limit stands
const MOST_FEEDS = 8;
const OLD_MS = 15_000; // three heartbeats were missed

export function createTiles(parts, store, writer) {
  const {say} = writer;

  function tiles() {
    const {things, kinds} = store.counts;
    const total = ["live", "late", "silent", "never"].reduce((sum, key) => sum + (things[key] ?? 0), 0);
    const nodes = [
      tile(say("wall.silent"), (things.silent ?? 0) + (things.never ?? 0), total, "silent"),
      tile(say("wall.late_things"), things.late ?? 0, null, "late"),
    ];
    for (const kind of KINDS) if (kinds[kind]) nodes.push(tile(say(`wall.bad_${kind}`), kinds[kind].bad, kinds[kind].total, kind));
    if (store.counts.pending) nodes.push(tile(say("wall.pending"), store.counts.pending, null, "pending"));
    fill(parts.kpi, ...nodes.slice(0, 5));
  }

  // A count is as old as the last word of the server; its age stands beside it.
  function tile(label, value, total, name) {
    const heard = store.heardAt === null ? null : element("span", "ka", writer.age(store.now() - store.heardAt));
    const node = element("div", "kt", element("div", "kl", label),
      element("div", value ? "kv" : "kv zero", element("b", "", writer.number(value)), total === null ? null : element("i", "", `/${writer.number(total)}`), heard));
    node.dataset.tile = name;
    return node;
  }

  function feeds() {
    const now = store.now();
    const used = store.feeds.filter((feed) => feed.newest !== null);
    const list = store.feeds.length > MOST_FEEDS ? [...store.feeds].sort((a, b) => overdue(b, now) - overdue(a, now)) : [...used, ...store.feeds.filter((feed) => feed.newest === null)];
    parts.feeds.classList.toggle("many", list.length > 6);
    fill(parts.feeds, ...list.slice(0, MOST_FEEDS).map((feed) => bar(feed, now)));
  }

  function bar(feed, now) {
    const age = feed.newest === null ? null : now - feed.newest;
    const share = age === null ? 0 : Math.min(1, (age / (feed.limit_s * 1000)) * TICK);
    const late = age !== null && age > feed.limit_s * 1000;
    const used = element("u");
    used.style.width = `${(share * 100).toFixed(1)}%`;
    return element("div", late ? "f late" : "f", element("span", "n", feed.title),
      element("span", "g", age === null ? say("wall.never") : writer.age(age)), element("div", "br", used, element("s")));
  }

  store.subscribe((changed) => {
    if (changed.has("counts")) tiles();
    if (changed.has("feeds")) feeds();
  });
  function ages() {
    if (store.heardAt === null) return;
    const age = store.now() - store.heardAt;
    parts.kpi.classList.toggle("old", age > OLD_MS);
    for (const node of parts.kpi.querySelectorAll(".ka")) node.textContent = writer.age(age);
  }

  return {tick() { if (store.loaded) { feeds(); ages(); } }};
}

// A feed that never brought anything is not yet connected: it stands last.
const overdue = (feed, now) => (feed.newest === null ? -1 : (now - feed.newest) / feed.limit_s);
