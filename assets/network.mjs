// The network page: a question on the map, its answer beside it. Everything comes from the API.

import {element, fill} from "./modules/dom.mjs";
import {createHeader} from "./modules/header.mjs";
import {connect} from "./modules/live.mjs";
import {createNetworkMap} from "./modules/network/map.mjs";
import {createViews} from "./modules/network/views.mjs";
import {createStore} from "./modules/store.mjs";
import {createWriter, loadWords} from "./modules/words.mjs";

const RETRY_MS = 5_000;
const EVERY_MS = 10_000; // suspected cuts are looked at anew
const RADII = [50, 200, 500, 1_000, 2_000]; // m
const TABS = ["impact", "points", "suspects", "coverage"];

async function start(root) {
  const part = (name) => root.querySelector(`[data-part=${name}]`) ?? document.createElement("span");
  const parts = Object.fromEntries(["clock", "date", "sim", "trial", "banner", "tools", "legend", "stale", "tabs", "content", "foot"].map((name) => [name, part(name)]));
  parts.root = root;
  const writer = createWriter(await loadWords(root.dataset.language), root.dataset.language, root.dataset.zone);
  const {say} = writer;
  const store = createStore();
  const header = createHeader(parts, store, writer);
  connect(store);
  setInterval(header.tick, 1_000);
  const views = createViews(writer, {onCut: (codes) => cut({codes})});
  const state = {tab: "impact", mode: "segment", radius: 200, asked: 0, answers: {}};
  const page = window.IOC = {store, state, map: null};

  // ---------------------------------------------------------------- asking

  async function ask(path) {
    const answer = await fetch(`/api/v1/${path}`);
    if (answer.status === 401) location.reload();
    if (!answer.ok) throw Object.assign(new Error(`${path}: ${answer.status}`), {status: answer.status, problem: await answer.json().catch(() => null)});
    return await answer.json();
  }

  async function read(name, path) {
    try {
      state.answers[name] = await ask(path);
      parts.stale.hidden = true;
    } catch (error) {
      console.error(error);
      if (state.answers[name] === undefined) state.answers[name] = null;
      fill(parts.stale, say("network.stale"));
      parts.stale.hidden = state.answers[name] === null;
      setTimeout(() => state.tab === name && read(name, path), RETRY_MS);
    }
    if (name === "coverage" && state.tab === name) page.map?.cover(state.answers.coverage);
    if (state.tab === name) draw();
  }

  // The newest question counts: an answer that comes late is not shown.
  async function cut({codes, at}) {
    const mine = state.asked += 1;
    const query = new URLSearchParams(codes ? codes.map((code) => ["segment", code]) : [["lon", at[0]], ["lat", at[1]], ["radius_km", state.radius / 1000]]);
    try {
      const impact = await ask(`network/impact?${query}`);
      if (mine !== state.asked) return;
      state.answers.impact = {...impact, at: at ?? null, radius: at ? state.radius : null};
      parts.stale.hidden = true;
      page.map?.show(state.answers.impact);
      open("impact");
    } catch (error) {
      console.error(error);
      if (mine !== state.asked) return;
      fill(parts.stale, say("network.stale"));
      parts.stale.hidden = false;
    }
  }

  // ---------------------------------------------------------------- showing

  function open(tab) {
    state.tab = tab;
    page.map?.cover(tab === "coverage" ? state.answers.coverage : null);
    for (const button of parts.tabs.children) button.setAttribute("aria-selected", String(button.dataset.tab === tab));
    if (tab === "points") read("points", "network/single-points?limit=100");
    if (tab === "suspects") read("suspects", "network/suspects");
    if (tab === "coverage") read("coverage", "coverage");
    draw();
  }

  function draw() {
    const {tab, answers} = state;
    parts.content.replaceChildren(...views[tab](answers[tab]));
  }

  for (const tab of TABS) {
    const button = element("button", "", say(`network.tab_${tab}`));
    button.type = "button";
    button.dataset.tab = tab;
    button.setAttribute("role", "tab");
    button.addEventListener("click", () => open(tab));
    parts.tabs.append(button);
  }
  const modes = element("div", "modes", ...["segment", "place"].map((mode) => {
    const button = element("button", "btn", say(`network.by_${mode}`));
    button.type = "button";
    button.dataset.mode = mode;
    button.addEventListener("click", () => setMode(mode));
    return button;
  }));
  const radius = element("select", "inp", ...RADII.map((m) => Object.assign(element("option", "", m < 1_000 ? `${m} m` : `${m / 1_000} km`), {value: m})));
  radius.setAttribute("aria-label", say("network.radius"));
  radius.value = String(state.radius);
  radius.addEventListener("change", () => {
    state.radius = Number(radius.value);
    if (state.answers.impact?.at) cut({at: state.answers.impact.at});
  });
  parts.tools.append(modes, radius);
  function setMode(mode) {
    state.mode = mode;
    for (const button of modes.children) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  }
  setMode("segment");
  open("impact");

  // ---------------------------------------------------------------- the map

  async function load() {
    const [network, segments] = await Promise.all([ask("network"), ask("network/segments")]);
    if (!network.segments) return views.nothing(parts.content, "empty");
    if (!network.cores.length) return views.nothing(parts.content, "no_core");
    fill(parts.foot, say("network.joined", {
      segments: writer.number(network.segments), linked: writer.number(network.sites_linked), sites: writer.number(network.sites),
      by_code: writer.number(network.ends_by_code), by_place: writer.number(network.ends_by_place), m: writer.number(network.tolerance_m),
    }));
    page.map = await createNetworkMap(document.getElementById("netmap"), parts.legend, segments, store, {
      writer,
      onPress: (code, at) => (state.mode === "segment" && code ? cut({codes: [code]}) : cut({at})),
    });
    draw();
  }
  for (;;) {
    try {
      await load();
      break;
    } catch (error) {
      console.error(error);
      views.nothing(parts.content, "failed");
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
  }
  root.removeAttribute("aria-busy");
  setInterval(() => state.tab === "suspects" && read("suspects", "network/suspects"), EVERY_MS);
}

function boot() {
  const root = document.querySelector("[data-desk=network]");
  if (!root || root.dataset.started || !document.getElementById("netmap")) return;
  root.dataset.started = "yes";
  start(root).catch((error) => { console.error(error); delete root.dataset.started; setTimeout(boot, 3_000); });
}
new MutationObserver(boot).observe(document.documentElement, {childList: true, subtree: true});
boot();
