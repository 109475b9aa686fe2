// The leaders' tablet: state from the server, the live line that says when it changed, and what is
// kept for the time without a line.

import {createHeader} from "../header.mjs";
import {connect} from "../live.mjs";
import {createStore} from "../store.mjs";
import {createWriter} from "../words.mjs";
import {createChart} from "./chart.mjs";
import {createDrawing} from "./draw.mjs";
import {forgetAll, keepState, lastState} from "./keep.mjs";
import {createOverview, openLive} from "./map.mjs";
import {createOrders} from "./orders.mjs";
import {createPush} from "./push.mjs";

const PAUSE_MS = 700; // between a sign that alerts changed and asking: a burst is asked for once
const EVERY_MS = 60_000; // trends and deadlines move without any sign
const SHARED_MS = 1_100; // an answer that tablets share is a second old at most
const RETRY_MS = 3_000;
const FRESH_MS = 150_000; // two askings missed: the screen says how old it is

const root = document.body;
const parts = Object.fromEntries([...document.querySelectorAll("[data-part]")].map((node) => [node.dataset.part, node]));
parts.root = root;
const dialogs = Object.fromEntries([...document.querySelectorAll("[data-dialog]")].map((node) => [node.dataset.dialog, node]));
const writer = createWriter(JSON.parse(document.getElementById("words").textContent), root.dataset.language, root.dataset.zone);
const store = createStore();
const mayDirect = root.dataset.mayDirect === "yes";

// The header writes seconds; a leader's clock has none.
const header = createHeader({...parts, clock: document.createElement("b"), date: document.createElement("b"), banner: document.createElement("b")}, store, writer);
const drawing = createDrawing(parts, {writer, store, mayDirect});
const overview = createOverview(parts, {writer});
const chart = createChart(parts, dialogs.chart, {writer});
const orders = mayDirect ? createOrders(parts, {writer, store, user: root.dataset.user, onSent: () => setTimeout(() => again(0), SHARED_MS)}) : null;
const push = createPush(parts, document.querySelector("[data-push]"), {writer});
if (root.dataset.mayReport !== "yes") document.querySelector("[data-open=reports]").hidden = true;

let newest = null; // the state that is shown
let failed = false; // the last asking brought nothing
let due = null;

function again(after = PAUSE_MS) {
  if (due !== null && after >= PAUSE_MS) return;
  clearTimeout(due);
  due = setTimeout(read, after);
}

async function read() {
  try {
    const answer = await fetch("/brief/state");
    due = null;
    if (answer.status === 401) return await leave();
    if (answer.status === 403) return drawing.trouble("brief.forbidden", "brief.forbidden_why");
    if (!answer.ok) throw new Error(String(answer.status));
    failed = false;
    const state = await answer.json();
    show(state);
    await keepState(state);
  } catch (error) {
    due = null;
    failed = true;
    if (newest === null) drawing.trouble("brief.failed", "brief.failed_why");
    again(RETRY_MS);
    if (!(error instanceof TypeError) && !/^\d+$/.test(error.message)) throw error;
  } finally {
    root.removeAttribute("aria-busy");
    tick();
  }
}

function show(state) {
  newest = state;
  drawing.show(state);
  overview.show(state);
  if (!state.worst.some((row) => row.id === orders?.about?.id)) orders?.choose(state.worst[0] ?? null);
  parts.sim.hidden = !state.simulated;
}

// The session is over: nothing of it stays on the tablet but what waits to be sent.
async function leave() {
  await keepState(null);
  location.assign("/login?next=%2Fbrief");
}

function tick() {
  const now = store.now();
  parts.clock.textContent = writer.time(now).slice(0, 5);
  parts.date.textContent = `, ${writer.weekday(now)} ${writer.date(now)}`;
  header.tick();
  parts.sim.hidden = !(newest?.simulated ?? false);
  drawing.ages();
  const words = trouble(now);
  parts.banner.hidden = words === null;
  if (words !== null && parts.banner.textContent !== words) parts.banner.textContent = words;
  root.classList.toggle("old", words !== null);
}

function trouble(now) {
  if (newest === null) return null;
  const at = {time: moment(newest.t, now)};
  if (!navigator.onLine || (failed && !store.connected) || (store.loaded && !store.connected)) return writer.say("brief.offline", at);
  if (store.health.database === false) return writer.say("wall.database_away", at);
  if (failed || now - newest.t > FRESH_MS) return writer.say("brief.behind", at);
  return null;
}

// Of another day with its date: a tablet may lie in a drawer for a week.
function moment(ms, now) {
  const time = writer.time(ms);
  return writer.date(ms) === writer.date(now) ? time : `${time.slice(0, 5)} ${writer.date(ms)}`;
}

// ---------------------------------------------------------------- hands

let live = null;
async function openMap() {
  dialogs.live.showModal();
  live = await openLive(parts.live, store, {writer, onThing: (thing) => location.assign(`/thing/${thing}`)});
  window.IOC.live = live;
  if (!dialogs.live.open) closeMap();
}
function closeMap() {
  live?.end();
  live = null;
}

document.addEventListener("click", (event) => {
  const opens = event.target.closest("[data-open]")?.dataset.open;
  if (opens === "live") openMap();
  else if (opens) {
    dialogs[opens].showModal();
    if (opens === "account") push.show();
  }
  event.target.closest("[data-close]")?.closest("dialog").close();
  const act = event.target.closest("[data-act]")?.dataset.act;
  if (act === "retry") again(0);
  const row = newest?.worst.find((one) => one.id === event.target.closest("[data-alert]")?.dataset.alert);
  if (row && act === "chart") chart.show(row);
  if (row && act === "direct") orders.choose(row, {focus: true});
});
dialogs.live.addEventListener("close", closeMap);
parts.logout.addEventListener("submit", async (event) => {
  event.preventDefault();
  await forgetAll();
  event.target.submit();
});

// ---------------------------------------------------------------- life

if ("serviceWorker" in navigator) {
  const before = navigator.serviceWorker.controller;
  navigator.serviceWorker.register("/brief/sw.js", {scope: "/brief"}).catch((error) => console.warn("no service worker", error));
  // A new version has taken over: the page of the old one is left, unless somebody is writing.
  navigator.serviceWorker.addEventListener("controllerchange", () => {
    if (before && !parts.order.querySelector("[name=note]").value) location.reload();
  });
}
const kept = await lastState();
if (kept && newest === null) show(kept);
store.subscribe((changed) => {
  if (changed.has("alerts") || changed.has("loaded") || changed.has("layers")) again();
  if (changed.has("connected") && store.connected) again(0);
  tick();
});
addEventListener("online", () => again(0));
addEventListener("offline", tick);
connect(store, {url: "/live?states=none"});
setInterval(tick, 1_000);
setInterval(() => again(), EVERY_MS);
again(0);
window.IOC = {store, orders, get state() { return newest; }, live: null}; // for the browser tests
