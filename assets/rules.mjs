// The rule pages: waits for Dash to mount the layout, then fills the list or the editor.

import {element} from "./modules/dom.mjs";
import {createHeader} from "./modules/header.mjs";
import {connect} from "./modules/live.mjs";
import {createClock} from "./modules/rules/clock.mjs";
import {createEditor} from "./modules/rules/editor.mjs";
import {createList} from "./modules/rules/list.mjs";
import {createStore} from "./modules/store.mjs";
import {createWriter, loadWords} from "./modules/words.mjs";

// The bar of every desk page: clock, date, and what is wrong with the picture.
function head(root, writer) {
  const find = (name) => root.querySelector(`[data-part=${name}]`) ?? document.createElement("span");
  const parts = Object.fromEntries(["clock", "date", "sim", "trial", "banner"].map((name) => [name, find(name)]));
  const store = createStore();
  const header = createHeader({...parts, root}, store, writer);
  connect(store);
  setInterval(header.tick, 1_000);
}

async function start(root) {
  const {language, zone, rule, mayEdit, actor} = root.dataset;
  const body = root.querySelector("[data-part=body]");
  const writer = createWriter(await loadWords(language), language, zone);
  head(root, writer);
  const tools = {writer, clock: createClock(writer, zone), may: mayEdit === "yes", actor};
  try {
    if (rule === undefined) await createList(body, tools);
    else await createEditor(body, rule === "new" ? null : rule, tools);
    root.removeAttribute("aria-busy");
  } catch (error) {
    const words = error.status === 404 ? writer.say("rules.unknown") : error.code === "away" ? writer.say("rules.away") : error.message;
    body.replaceChildren(element("div", "state", element("b", "", words)));
    root.removeAttribute("aria-busy");
    if (!error.status && error.code !== "away") throw error;
  }
}

function boot() {
  const root = document.querySelector("[data-rules]");
  if (!root || root.dataset.started) return;
  root.dataset.started = "yes";
  start(root);
}
new MutationObserver(boot).observe(document.documentElement, {childList: true, subtree: true});
boot();
