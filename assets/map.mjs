// The desk's map: waits for Dash to mount the layout, then wires map, tree, search, tools and table.

import {element, fill} from "./modules/dom.mjs";
import {createHeader} from "./modules/header.mjs";
import {connect} from "./modules/live.mjs";
import {createMap} from "./modules/map.mjs";
import {drawBackground} from "./modules/map/background.mjs";
import {createDetail, middle} from "./modules/map/detail.mjs";
import {createOverlays} from "./modules/map/overlays.mjs";
import {createPermalink, readPlace} from "./modules/map/permalink.mjs";
import {createPrint} from "./modules/map/print.mjs";
import {createSearch} from "./modules/map/search.mjs";
import {createTable} from "./modules/map/table.mjs";
import {createTools} from "./modules/map/tools.mjs";
import {createTree} from "./modules/map/tree.mjs";
import {SIGNS, svg} from "./modules/marks.mjs";
import {createStore} from "./modules/store.mjs";
import {createWriter, loadWords} from "./modules/words.mjs";

const PARTS = ["clock", "date", "sim", "trial", "banner", "side", "search", "tree", "key", "tools", "told", "approx", "mapbox", "attribution", "table", "filter", "panel", "feature", "more", "printed"];
const UNIT = 1.1; // px: marks as tablet and desk have them

async function start(root) {
  const parts = {root, ...Object.fromEntries(PARTS.map((name) => [name, root.querySelector(`[data-part=${name}]`) ?? document.createElement("span")]))};
  const writer = createWriter(await loadWords(root.dataset.language), root.dataset.language, root.dataset.zone);
  const book = JSON.parse(root.dataset.book);
  const store = createStore();
  const header = createHeader(parts, store, writer);
  const asked = readPlace(location.hash);
  store.subscribe((changed) => changed.has("loaded") && root.removeAttribute("aria-busy"));
  connect(store);
  setInterval(header.tick, 1_000);
  const page = window.IOC = {store, map: null}; // for the browser's console and the browser tests
  const mapBox = document.getElementById("map");
  try {
    const live = await createMap(mapBox, store, {writer, onThing: (id) => page.detail.pick(id), unit: () => UNIT, clustered: true, place: asked.place});
    drawBackground(live.map, live.style).then((owed) => { if (owed) parts.attribution.append(` · ${owed}`); }, console.error);
    assemble(page, live, {parts, writer, book, store, asked});
    page.map = live.map;
  } catch (error) {
    console.error(error);
    fill(mapBox, element("div", "maperror state", svg(SIGNS.warn), element("b", "", writer.say("wall.no_map")), element("p", "", writer.say(error.reason ?? "wall.no_map_why"))));
  }
}

function assemble(page, live, {parts, writer, book, store, asked}) {
  const {layers} = live;
  const overlays = createOverlays(live, store, {book, unit: () => UNIT});
  const detail = createDetail(parts, live, store, {writer, book, overlays});
  const tree = createTree(parts.tree, parts.key, live, store, {writer, overlays, onKinds: () => narrow()});
  const table = createTable(parts, live, store, {writer, book, overlays, kindName: tree.kindName, onRow: go});
  const tools = createTools(parts, live, writer, {onSelect: selected});
  const link = createPermalink(live.map, {off: () => [...tree.off], on: () => [...overlays.on], picked: () => detail.picked});
  const print = createPrint(parts, live, store, writer);
  const search = createSearch(parts.search, writer, {kindName: tree.kindName, layerName: overlays.title, onFound: found});

  live.onElse = ({point}) => { if (!overlays.open(point)) look(overlays.at(point)); };
  live.isElse = ({point}) => Boolean(overlays.on.size && overlays.has(point));
  const approximate = () => { parts.approx.hidden = layers.listed("communes")?.imported !== false; };
  layers.onList(approximate);
  approximate();
  tree.onChange(link.write);
  detail.onFound = found;
  detail.onPick = (picked) => { link.write(); table.reveal(picked); };
  table.onFilter = () => narrow();

  // What the map draws: kinds that are switched on, and what the table's filter lets through.
  function narrow() {
    const rows = table.layer === "all" ? new Set(table.shown().map((row) => row.thing)) : null;
    for (const name of overlays.on) {
      const codes = table.layer === name && table.isNarrow() ? new Set(table.shown().map((row) => row.code)) : null;
      layers.narrowOver(name, codes && (({properties}) => codes.has(properties.code)));
      overlays.draw(name);
    }
    table.narrow((_, {id, properties}) => tree.isKindOn(properties.kind ?? _) && (!rows || rows.has(Number(id))));
  }

  function selected(ring) {
    const keys = ring && table.within(ring);
    table.select(keys);
    if (keys) table.open(true);
    return keys?.size;
  }

  async function look(place) {
    const hit = place && await overlays.whole(place.layer, place.code, place.id);
    if (hit) detail.show(hit);
  }

  async function go(asked) {
    const hit = asked && (asked.thing ? asked : await overlays.whole(asked.layer, asked.code));
    if (!hit) return;
    const at = hit.thing ? live.layers.points.get(hit.thing) : null;
    const [lon, lat] = hit.thing ? [at?.lon, at?.lat] : middle(hit.feature.geometry);
    if (lon !== undefined) live.view.go(lon, lat);
    if (hit.thing) detail.pick(hit.thing);
    else detail.show(hit);
  }

  async function found(one) {
    side(false);
    live.view.go(one.lon, one.lat, one.kind === "commune" ? 11.5 : 14);
    if (one.kind === "thing") detail.pick(Number(one.key));
    if (one.kind !== "feature") return;
    tree.set(`over:${one.layer}`, true);
    showWhenHere(one.layer, one.key);
  }

  async function showWhenHere(layer, code) {
    wanted = async (name) => {
      const hit = name === layer && layers.data.has(layer) && await overlays.whole(layer, code);
      if (!hit) return;
      wanted = null;
      detail.show(hit);
    };
    wanted(layer);
  }
  let wanted = null;
  overlays.onChange((name) => wanted?.(name));

  for (const name of asked.off) tree.set(name, false);
  for (const name of asked.on) tree.set(`over:${name}`, true);
  if (asked.pick) whenPoints(() => ["things", "bts"].includes(asked.pick.layer) ? detail.pick(Number(asked.pick.key)) : showWhenHere(asked.pick.layer, asked.pick.key));

  function whenPoints(act) {
    let isDone = false;
    const once = (name) => { if (isDone || name !== asked.pick.layer) return; isDone = true; setTimeout(act); };
    if (live.layers.data.has(asked.pick.layer)) once(asked.pick.layer);
    live.layers.onLayer(once);
  }

  const press = (name, act) => {
    const node = element("button", "btn", writer.say(`map.tool.${name}`));
    node.type = "button";
    node.dataset.tool = name;
    node.addEventListener("click", act);
    return node;
  };
  const side = (isOpen) => sideways.setAttribute("aria-expanded", String(parts.root.classList.toggle("sided", isOpen)));
  const sideways = press("layers", () => side(true));
  parts.side.addEventListener("click", (event) => event.target.closest("[data-fold]") && side(false));
  sideways.classList.add("only-narrow");
  const tabled = press("table", () => table.open(parts.table.hidden));
  table.onOpen = (isOpen) => tabled.setAttribute("aria-pressed", String(isOpen));
  const zoom = (name, act) => { const node = press(name, act); node.classList.add("zoom"); node.setAttribute("aria-label", writer.say(`map.tool.${name}`)); node.textContent = name === "in" ? "+" : "\u2212"; return node; };
  parts.tools.prepend(sideways);
  parts.tools.append(element("span", "sp"), tabled, press("print", print.print), zoom("in", () => live.map.zoomIn()), zoom("out", () => live.map.zoomOut()));
  new ResizeObserver(() => live.map.resize()).observe(parts.mapbox);
  Object.assign(page, {live, overlays, detail, tree, table, tools, search, print});
}

function boot() {
  const root = document.querySelector("[data-desk=map]");
  if (!root || root.dataset.started || !document.getElementById("map") || !window.dash_clientside?.set_props) return;
  root.dataset.started = "yes";
  start(root).catch((error) => {
    console.error(error);
    delete root.dataset.started;
    setTimeout(boot, 3_000);
  });
}
new MutationObserver(boot).observe(document.documentElement, {childList: true, subtree: true});
boot();
