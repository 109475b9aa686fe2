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
import {createWriter, loadWords} from "./modules/words.mjs";

const IDS = ["root", "clock", "date", "sim", "trial", "banner", "mapbox", "map", "legend", "inset", "pinned", "counts", "list", "empty", "kpi", "feeds", "spoken", "panel"];
const RETRY_MS = 3_000;

async function start(root) {
  const parts = Object.fromEntries(IDS.map((name) => [name, name === "map" ? document.getElementById("map") : root.querySelector(`[data-part=${name}]`) ?? root]));
  const {language, zone, mayAcknowledge} = root.dataset;
  const writer = createWriter(await words(language), language, zone);
  const store = createStore();
  const panel = createPanel(parts);
  // u as the wall sees it; on desk and tablet marks are a little larger than its 1 px.
  const unit = () => Math.max(1.1, parseFloat(getComputedStyle(parts.clock).fontSize) / 34);
  const pick = (thing, alert = store.alerts.open.find((row) => row.thing === thing)) => panel.pick(thing, {alert});

  const header = createHeader(parts, store, writer);
  const tiles = createTiles(parts, store, writer);
  const alerts = createAlerts(parts, store, {writer, mayAcknowledge: mayAcknowledge === "yes", onThing: pick, acknowledge});
  store.subscribe((changed) => changed.has("loaded") && root.removeAttribute("aria-busy"));
  createLegend(parts.legend, writer);
  connect(store);
  let seconds = 0;
  setInterval(() => {
    header.tick();
    tiles.tick();
    if ((seconds += 1) % 10 === 0) alerts.render(); // ages in the list
  }, 1_000);

  const wall = window.IOC = {store, map: null}; // for the browser's console and the browser tests
  try {
    const live = await createMap(parts.map, store, {writer, onThing: pick, unit});
    wall.map = live.map;
    createInset(parts.inset, live.layers, writer);
    findPlaces(root.querySelector("[data-part=search]"), live, writer, pick);
    createCallouts(parts.mapbox, live, store, {writer, unit});
  } catch (error) {
    console.error(error);
    fill(parts.map, element("div", "maperror state", svg(SIGNS.warn), element("b", "", writer.say("wall.no_map")), element("p", "", writer.say(error.reason ?? "wall.no_map_why"))));
  }
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
