// What the registers of the desk share: header, words, fetching, what stands in place of a list.

import {element} from "../dom.mjs";
import {createHeader} from "../header.mjs";
import {connect} from "../live.mjs";
import {createStore} from "../store.mjs";
import {createWriter, loadWords} from "../words.mjs";

const AGAIN_MS = 5_000;
export const REFRESH_MS = 15_000; // an age of minutes moves in minutes; a screen full of rows is not free

export async function openPage(root) {
  const find = (name) => root.querySelector(`[data-part=${name}]`) ?? document.createElement("span");
  const {language, zone} = root.dataset;
  const writer = createWriter(await loadWords(language), language, zone);
  const store = createStore();
  const header = createHeader(Object.fromEntries(["clock", "date", "sim", "trial", "banner"].map((name) => [name, find(name)]).concat([["root", root]])), store, writer);
  connect(store);
  setInterval(header.tick, 1_000);
  return {root, store, ...writer, moment: (ms) => `${writer.time(ms)} ${writer.date(ms)}`, tools: find("tools"), filters: find("filters"), body: find("body"), spoken: find("spoken")};
}

export function boot(name, start) {
  const begin = () => {
    const root = document.querySelector(`[data-desk=${name}]`);
    if (!root || root.dataset.started) return;
    root.dataset.started = "yes";
    start(root).catch(() => { delete root.dataset.started; setTimeout(begin, 3_000); });
  };
  new MutationObserver(begin).observe(document.documentElement, {childList: true, subtree: true});
  begin();
}

// Raises an Error with the server's words; `away` where nobody answered or the database is gone.
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, {cache: "no-store", ...options});
  } catch (error) {
    throw Object.assign(new Error("away"), {cause: error, away: true});
  }
  if (answer.status === 401) location.reload(); // the session ended: the gate sends to the login
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(found.detail ?? String(answer.status)), {status: answer.status, away: answer.status >= 502});
  return found;
}

// Keeps `show(found)` fed from `fetch()`: a list that was had stays, marked as old, while nobody answers.
export function feed(page, fetch, show) {
  let had = null;
  let turn = 0;
  let timer = 0;
  async function refresh() {
    clearTimeout(timer);
    const mine = ++turn;
    let pause = REFRESH_MS;
    try {
      const found = await fetch();
      if (mine !== turn) return;
      had = Date.now();
      show(found);
      note(page, "");
    } catch (error) {
      if (mine !== turn) return;
      pause = AGAIN_MS;
      const reason = error.away ? page.say("register.away") : error.message;
      if (had !== null && error.away) note(page, page.say("register.old", {time: page.moment(had)}));
      else page.body.replaceChildren(state(page.say("register.failed", {reason})));
    }
    page.root.removeAttribute("aria-busy");
    timer = setTimeout(refresh, pause);
  }
  return refresh;
}

function note(page, words) {
  let bar = page.root.querySelector(".reg-old");
  if (!words) { bar?.remove(); return; }
  if (!bar) {
    bar = element("p", "reg-old");
    bar.setAttribute("role", "status");
    page.body.before(bar);
  }
  bar.textContent = words;
}

export function state(words, hint = "", ...ways) {
  return element("div", "state", element("b", "", words), hint ? element("p", "", hint) : "", ...ways);
}

export function button(words, press, className = "btn") {
  const made = element("button", className, words);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

export function select(name, words, choices, chosen, change) {
  const made = Object.assign(element("select", "inp"), {name});
  for (const [value, text] of choices) made.append(Object.assign(element("option", "", text), {value, selected: value === chosen}));
  made.addEventListener("change", change);
  return element("label", "reg-field", element("span", "", words), made);
}

export function table(heads, rows) {
  const row = element("tr", "", ...heads.map(([words, className = ""]) => Object.assign(element("th", className, words), {scope: "col"})));
  return element("div", "reg-table", element("table", "", element("thead", "", row), element("tbody", "", ...rows)));
}

// What the alert desk calls a kind of things; one it does not know keeps its own name.
export function kindName(page, kind) {
  return page.say(`alerts.thing_kind.${kind}`).replace("alerts.thing_kind.", "");
}
