// The page of indicators is whole as the server sends it; only its clock and its banner live on.

import {createHeader} from "./modules/header.mjs";
import {connect} from "./modules/live.mjs";
import {createStore} from "./modules/store.mjs";
import {createWriter, loadWords} from "./modules/words.mjs";

async function start(root) {
  const parts = Object.fromEntries(["root", "clock", "date", "sim", "trial", "banner"].map((name) => [name, root.querySelector(`[data-part=${name}]`) ?? (name === "root" ? root : document.createElement("span"))]));
  const store = createStore();
  const header = createHeader(parts, store, createWriter(await loadWords(root.dataset.language), root.dataset.language, root.dataset.zone));
  connect(store);
  setInterval(header.tick, 1_000);
  window.IOC = {store};
}

function boot() {
  const root = document.querySelector("[data-desk=kpi]");
  if (!root || root.dataset.started) return;
  root.dataset.started = "yes";
  start(root).catch(() => { delete root.dataset.started; setTimeout(boot, 3_000); });
}
new MutationObserver(boot).observe(document.documentElement, {childList: true, subtree: true});
boot();
