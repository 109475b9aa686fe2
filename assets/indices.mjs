// Indices of a week: one answer holds every frame, a step of the slider asks nobody.

import {element, fill} from "./modules/dom.mjs";
import {readFrames} from "./modules/indices/frames.mjs";
import {createList, swatch} from "./modules/indices/list.mjs";
import {createIndexMap} from "./modules/indices/map.mjs";
import {SIGNS, svg} from "./modules/marks.mjs";
import {ask, boot, button, feed, openPage, state} from "./modules/register/page.mjs";

const KINDS = ["vn_aqi_hour", "vn_aqi_day", "vn_wqi"];
const KEEP_MS = 5 * 60_000; // a new hour is not missed for longer
const PLAY_MS = 350; // a step: a week of hours in a minute

async function start(root) {
  const page = await openPage(root);
  const find = (name) => root.querySelector(`[data-part=${name}]`);
  const asked = new URLSearchParams(location.search).get("of");
  const own = {of: KINDS.includes(asked) ? asked : KINDS[0], frames: null, frame: 0, playing: 0, had: 0, raw: null, live: null, began: 0};
  window.IOC = {store: page.store, state: own, map: null, show: step};
  const list = createList(page.body, page, {onPoint: (id) => own.live?.pick(id)});
  const refresh = feed(page, fetchFrames, show);
  const time = controls();

  for (const of of KINDS) {
    const made = button(page.say(`indices.${of}`), () => choose(of), "ix-tab");
    made.dataset.of = of;
    page.tools.append(made);
  }

  async function fetchFrames() {
    if (own.raw?.of === own.of && Date.now() - own.had < KEEP_MS) return own.raw;
    const of = own.of;
    const found = await ask(`/desk/indices?of=${of}`);
    if (of === own.of) own.had = Date.now();
    return found;
  }

  function choose(of) {
    stop();
    own.of = of;
    own.frames = null;
    history.replaceState(history.state, "", `/indices${of === KINDS[0] ? "" : `?of=${of}`}`);
    refresh();
  }

  function show(raw) {
    for (const one of page.tools.children) one.setAttribute("aria-pressed", String(one.dataset.of === own.of));
    if (raw === own.raw && own.frames) return;
    const followed = !own.frames || own.frame === own.frames.newest() ? null : own.frames.time(own.frame);
    own.raw = raw;
    own.frames = readFrames(raw);
    list.forget();
    own.live?.setStations(raw);
    time.slider.max = own.frames.last;
    if (!raw.stations.length) return nothing();
    const kept = followed === null ? -1 : Math.round((followed - raw.first) / raw.step);
    find("time").hidden = false;
    step(kept >= 0 && kept <= own.frames.last ? kept : own.frames.newest());
  }

  function nothing() {
    const water = own.of === "vn_wqi";
    find("time").hidden = true;
    find("legend").replaceChildren();
    fill(find("when"), "");
    page.body.replaceChildren(state(page.say("index_page.empty"), page.say(water ? "index_page.empty_water" : "index_page.empty_air")));
  }

  // One frame: nothing is fetched, only what changed is drawn.
  function step(frame) {
    own.began = performance.now(); // for the bench
    const {frames} = own;
    own.frame = Math.max(0, Math.min(frames.last, frame));
    const found = frames.at(own.frame);
    own.live?.show([...found.known, ...found.unknown]);
    list.show(found, frames.categories);
    legend(found);
    const words = said(own.frame);
    time.slider.value = own.frame;
    time.slider.setAttribute("aria-valuetext", words);
    find("when").textContent = words;
  }

  function said(frame) {
    const end = own.frames.time(frame);
    if (own.of === "vn_aqi_day") return page.say("indices.until_day", {time: page.date(end - 3_600_000)});
    return page.say("indices.until_hour", {time: `${page.time(end).slice(0, 5)} ${page.date(end)}`});
  }

  function legend({known, unknown}) {
    const counts = new Map();
    for (const {category} of known) counts.set(category, (counts.get(category) ?? 0) + 1);
    const rows = own.frames.categories.map(({name, colour, low, high}, place) => element("div", "", swatch(colour), element("span", "", name), element("small", "", `${low}–${high}`), element("b", "", page.number(counts.get(place) ?? 0))));
    rows.push(element("div", "", swatch(""), element("span", "", page.say("station.no_index")), element("small"), element("b", "", page.number(unknown.length))));
    fill(find("legend"), ...rows);
  }

  function controls() {
    const play = button("", () => (own.playing ? stop() : run()), "btn ix-play");
    const slider = Object.assign(element("input"), {type: "range", min: 0, max: 0, value: 0, step: 1});
    slider.setAttribute("aria-label", page.say("index_page.slider"));
    slider.addEventListener("input", () => { stop(); step(Number(slider.value)); });
    const by = (n, key) => button(page.say(key), () => { stop(); step(own.frame + n); });
    find("time").setAttribute("aria-label", page.say("index_page.time"));
    find("time").append(play, by(-1, "index_page.back"), slider, by(1, "index_page.forward"), button(page.say("index_page.newest"), () => { stop(); step(own.frames.newest()); }));
    const named = () => { play.textContent = page.say(own.playing ? "index_page.pause" : "index_page.play"); play.setAttribute("aria-pressed", String(Boolean(own.playing))); };
    named();
    return {slider, named};
  }

  function run() {
    if (own.frame >= own.frames.last) step(0);
    own.playing = setInterval(() => (own.frame >= own.frames.last ? stop() : step(own.frame + 1)), PLAY_MS);
    time.named();
  }

  function stop() {
    clearInterval(own.playing);
    own.playing = 0;
    time.named();
  }

  root.addEventListener("keydown", (event) => {
    if (!own.frames || event.target.closest("a, button, input, select") && event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    if (event.target.matches?.("input[type=range], canvas")) return; // they have arrows of their own
    const move = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (move) { stop(); step(own.frame + move); } else if (event.key === " ") { own.playing ? stop() : run(); } else return;
    event.preventDefault();
  });

  await refresh();
  const box = document.getElementById("ixmap");
  try {
    own.live = await createIndexMap(box, page.store, {writer: page, onStation: (id) => { location.href = `/station/${id}`; }});
    window.IOC.map = own.live.map;
    if (own.raw) own.live.setStations(own.raw);
    if (own.raw?.stations.length) step(own.frame);
  } catch (error) {
    console.error(error);
    fill(box, element("div", "maperror state", svg(SIGNS.warn), element("b", "", page.say("wall.no_map")), element("p", "", page.say(error.reason ?? "wall.no_map_why"))));
  }
}

boot("indices", start);
