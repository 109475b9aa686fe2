// The clock, what the data are, and the one bar that says what is wrong with the picture itself.

import {element, fill} from "./dom.mjs";

const SIGN_OF_LIFE_MS = 30_000; // a process writes its own every few seconds

export function createHeader(parts, store, writer) {
  const {say} = writer;

  function trouble(now) {
    const {health} = store;
    const until = (time) => (time ? writer.time(time) : say("wall.unknown_time"));
    if (!store.connected && store.loaded) return say("wall.lost", {time: until(store.heardAt)});
    if (!store.loaded) return null;
    if (health.database === false) return say("wall.database_away", {time: until(store.newest())});
    if (health.redis === false) return say("wall.redis_away", {time: until(store.newest())});
    if (silent(health.ingest, now)) return say("wall.ingest_away", {time: until(health.ingest)});
    if (health.broker === null) return say("wall.broker_away", {time: until(store.newest())});
    if (silent(health.evaluator, now)) return say("wall.evaluator_away", {time: until(health.evaluator)});
    if (silent(health.dispatcher, now)) return say("wall.dispatcher_away", {time: until(health.dispatcher)});
    return null;
  }

  function tick() {
    const now = store.now();
    if (store.loaded) {
      parts.clock.textContent = writer.time(now);
      fill(parts.date, `${writer.weekday(now)}\n${writer.date(now)}`);
    }
    const text = trouble(now);
    parts.banner.hidden = text === null;
    if (text !== null && parts.banner.textContent !== text) parts.banner.textContent = text;
    parts.root.classList.toggle("lost", store.loaded && !store.connected);
    parts.sim.hidden = !store.simulated;
    parts.trial.hidden = !store.health.trial;
  }

  store.subscribe((changed) => {
    if (["connected", "health", "simulated", "loaded"].some((key) => changed.has(key))) tick();
  });
  return {tick};
}

const silent = (time, now) => time === null || time === undefined || now - time > SIGN_OF_LIFE_MS;

export function createLegend(box, writer) {
  const row = (drawing, text) => {
    const mark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    mark.setAttribute("viewBox", "0 0 24 24");
    mark.setAttribute("aria-hidden", "true");
    for (const [tag, attributes] of drawing) {
      const part = document.createElementNS("http://www.w3.org/2000/svg", tag);
      for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
      mark.append(part);
    }
    return element("div", "", mark, element("span", "", text));
  };
  const dot = (cx, cy, r, fill) => ["circle", {cx, cy, r, style: `fill:var(${fill})`}];
  fill(box,
    row([dot(12, 12, 5, "--map-thing")], writer.say("wall.legend_thing")),
    row([dot(5, 9, 2.4, "--map-bts"), dot(13, 15, 2.4, "--map-bts"), dot(19, 7, 2.4, "--map-bts")], writer.say("wall.legend_bts")),
    row([["circle", {cx: 12, cy: 12, r: 5.5, style: "fill:var(--map-out);stroke:var(--fg1);stroke-width:2.4"}]], writer.say("wall.legend_down")),
    row([["path", {d: "M12 3.5a8.5 8.5 0 1 0 .01 0ZM6.2 17.8L17.8 6.2", style: "fill:none;stroke:var(--fg1);stroke-width:2.6"}]], writer.say("wall.legend_silent")));
}
