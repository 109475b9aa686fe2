// The wall page: waits for Dash to mount the layout, then wires the live line to what is on screen.

import {createAlerts} from "./modules/alerts.mjs";
import {createCallouts} from "./modules/callouts.mjs";
import {element, fill} from "./modules/dom.mjs";
import {createHeader, createLegend} from "./modules/header.mjs";
import {createInset} from "./modules/inset.mjs";
import {connect} from "./modules/live.mjs";
import {createMap} from "./modules/map.mjs";
import {createSearch} from "./modules/map/search.mjs";
import {SIGNS, svg} from "./modules/marks.mjs";
import {createPanel} from "./modules/panel.mjs";
import {createStore} from "./modules/store.mjs";
import {createTiles} from "./modules/tiles.mjs";
import {createSound} from "./modules/desk/sound.mjs";
import {createAlertPage, createStrip} from "./modules/wall/alerts.mjs";
import {createCameras} from "./modules/wall/cameras.mjs";
import {createEnvironment} from "./modules/wall/environment.mjs";
import {createFocus} from "./modules/wall/focus.mjs";
import {createNetwork} from "./modules/wall/network.mjs";
import {createScreen, rememberedRoom} from "./modules/wall/screen.mjs";
import {createWriter, loadWords} from "./modules/words.mjs";

const IDS = ["root", "clock", "date", "sim", "trial", "banner", "mapbox", "map", "legend", "inset", "pinned", "counts", "list", "empty", "kpi", "feeds", "spoken", "panel", "strip", "note", "focus", "title"];
const RETRY_MS = 3_000;

async function start(root) {
  const parts = Object.fromEntries(IDS.map((name) => [name, name === "map" ? document.getElementById("map") : root.querySelector(`[data-part=${name}]`) ?? root]));
  const {language, zone, mayAcknowledge} = root.dataset;
  document.documentElement.dataset.room = rememberedRoom(root.dataset.screen);
  const writer = createWriter(await words(language), language, zone);
  const store = createStore();
  const panel = createPanel(parts);
  // u as the wall sees it; on desk and tablet marks are a little larger than its 1 px.
  const unit = () => Math.max(1.1, parseFloat(getComputedStyle(parts.clock).fontSize) / 34);
  const pick = (thing, alert = store.alerts.open.find((row) => row.thing === thing)) => panel.pick(thing, {alert});

  const header = createHeader(parts, store, writer);
  const tiles = createTiles(parts, store, writer);
  const answering = {writer, mayAcknowledge: mayAcknowledge === "yes", onThing: pick, acknowledge};
  const alerts = createAlerts(parts, store, answering);
  const views = createViews(root, parts, store, answering);
  const strip = createStrip(parts.strip, store, writer);
  const title = parts.title.textContent;
  const screen = createScreen(root, store, {zone, onShow(layout) {
    for (const [name, view] of Object.entries(views)) {
      root.querySelector(`[data-view=${name}]`).hidden = name !== layout;
      view.show(name === layout);
    }
    parts.title.textContent = layout === "overview" ? title : writer.say(layout === "cameras" ? "wallview.cameras_title" : `wallview.${layout}`);
    parts.mapbox.inert = !["overview", "network"].includes(layout);
    root.querySelector(".side").inert = layout !== "overview";
    strip.render(layout);
  }});
  let blocked = false;
  const note = () => {
    const words = blocked ? writer.say("wall.sound_blocked") : screen.paused() ? writer.say("wall.paused") : "";
    parts.note.hidden = !words;
    if (parts.note.textContent !== words) parts.note.textContent = words;
  };
  createSound(() => (store.loaded && store.connected ? store.alerts.open : []), (state) => { blocked = state.blocked; note(); });
  store.subscribe((changed) => {
    if (changed.has("alerts") || changed.has("loaded")) strip.render(screen.layout());
    if (changed.has("counts")) views[screen.layout()]?.render();
    if (changed.has("walls")) note();
  });
  store.subscribe((changed) => changed.has("loaded") && root.removeAttribute("aria-busy"));
  createLegend(parts.legend, writer);
  connect(store);
  let seconds = 0;
  setInterval(() => {
    header.tick();
    tiles.tick();
    screen.tick();
    views[screen.layout()]?.tick();
    if ((seconds += 1) % 10 !== 0) return;
    alerts.render(); // ages in the list
    strip.render(screen.layout());
    views.alerts.every();
  }, 1_000);

  const wall = window.IOC = {store, map: null}; // for the browser's console and the browser tests
  try {
    const live = await createMap(parts.map, store, {writer, onThing: pick, unit});
    wall.map = live.map;
    createInset(parts.inset, live.layers, writer);
    createFocus(parts.focus, live.layers, store, writer);
    findPlaces(root.querySelector("[data-part=search]"), live, writer, pick);
    createCallouts(parts.mapbox, live, store, {writer, unit});
  } catch (error) {
    console.error(error);
    fill(parts.map, element("div", "maperror state", svg(SIGNS.warn), element("b", "", writer.say("wall.no_map")), element("p", "", writer.say(error.reason ?? "wall.no_map_why"))));
  }
}

function createViews(root, parts, store, answering) {
  const {writer} = answering;
  const box = (name) => root.querySelector(`[data-view=${name}]`);
  return {
    environment: createEnvironment(box("environment"), {writer, store}),
    network: createNetwork(box("network"), {writer, store}),
    cameras: createCameras(box("cameras"), {writer}),
    alerts: createAlertPage(box("alerts"), store, parts, answering),
  };
}

// Absent on a kiosk, where nobody types.
function findPlaces(box, live, writer, pick) {
  if (!box) return;
  const named = (kind) => {
    const text = writer.say(`alerts.thing_kind.${kind}`);
    return text.startsWith("alerts.thing_kind.") ? kind : text;
  };
  createSearch(box, writer, {kindName: named, layerName: named, onFound: (one) => {
    live.view.go(one.lon, one.lat, 11.5);
    if (one.kind === "thing") pick(Number(one.key));
  }});
}

// The words are needed before anything can be said: asked for until they come.
async function words(language) {
  for (;;) {
    try {
      return await loadWords(language);
    } catch {
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
}

// POST once per press; the key makes a repeated press or a retry harmless.
async function acknowledge(id) {
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const answer = await fetch(`/api/v1/alerts/${id}/acknowledge`, {method: "POST", headers: {"Idempotency-Key": key}});
    if (answer.status === 401) location.reload();
    return answer.ok;
  } catch {
    return false;
  }
}

// set_props before the layout is mounted throws, so nothing starts earlier.
function boot() {
  const root = document.querySelector("[data-wall]");
  if (!root || root.dataset.started || !document.getElementById("map") || !window.dash_clientside?.set_props) return;
  root.dataset.started = "yes";
  start(root);
}
new MutationObserver(boot).observe(document.documentElement, {childList: true, subtree: true});
boot();
