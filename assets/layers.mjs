// The layers page: files that wait for a person, what was found in them, and what is published.

import {ask} from "./modules/desk/api.mjs";
import {createHeader} from "./modules/header.mjs";
import {createDrop} from "./modules/layers/drop.mjs";
import {createPreview} from "./modules/layers/preview.mjs";
import {createPublished} from "./modules/layers/published.mjs";
import {createQueue} from "./modules/layers/queue.mjs";
import {createReview} from "./modules/layers/review.mjs";
import {connect} from "./modules/live.mjs";
import {createStore} from "./modules/store.mjs";
import {createWriter, loadWords} from "./modules/words.mjs";

const BUSY_MS = 700; // while a worker has a file of ours
const CALM_MS = 10_000; // others work, too
const PARTS = ["clock", "date", "sim", "trial", "banner", "drop", "queue", "published", "review", "key", "spoken"];

async function start(root) {
  const parts = {root, ...Object.fromEntries(PARTS.map((name) => [name, root.querySelector(`[data-part=${name}]`) ?? document.createElement("span")]))};
  parts.map = root.querySelector("#map");
  const writer = createWriter(await loadWords(root.dataset.language), root.dataset.language, root.dataset.zone);
  const book = JSON.parse(root.dataset.book);
  const store = createStore();
  const header = createHeader(parts, store, writer);
  const page = {current: Number(location.hash.slice(1)) || null, failed: false};

  const say = (text) => { parts.spoken.textContent = text; };
  const preview = createPreview(parts, store, writer);
  const review = createReview(parts.review, {writer, book, onDone: () => read(), onShown: preview.show});
  const open = (id) => {
    page.current = id;
    history.replaceState(history.state, "", id ? `#${id}` : location.pathname);
    review.forget();
    read();
  };
  const drop = createDrop(parts.drop, writer, {onJob: open});
  const queue = createQueue(parts.queue, writer, {onOpen: open});
  const published = createPublished(parts.published, writer, {book, onUndone: (text) => { say(text); read(); }});

  let timer = null;
  let turn = 0;
  async function read() {
    clearTimeout(timer);
    const own = turn += 1;
    const [listing, chosen] = await Promise.all([ask("/desk/layers"), page.current ? ask(`/desk/layers/uploads/${page.current}`) : null]);
    if (own !== turn) return;
    page.failed = !listing.ok;
    root.classList.toggle("unread", page.failed);
    if (listing.ok) {
      root.removeAttribute("aria-busy");
      queue.draw(listing.body.uploads, page.current);
      published.draw(listing.body.layers);
    } else {
      published.away();
    }
    if (chosen?.status === 404) page.current = null;
    review.draw(chosen?.ok ? chosen.body : null);
    const busy = listing.ok && listing.body.uploads.some((one) => ["waiting", "running"].includes(one.state));
    timer = setTimeout(read, busy || published.busy ? BUSY_MS : CALM_MS);
  }
  store.subscribe((changed) => changed.has("layers") && read());
  connect(store);
  setInterval(header.tick, 1_000);
  read();
  window.IOC = {store, read, page, drop, map: null, preview}; // for the browser's console and the browser tests
}

function boot() {
  const root = document.querySelector("[data-desk=layers]");
  if (!root || root.dataset.started) return;
  root.dataset.started = "yes";
  start(root).catch((error) => {
    console.error(error);
    delete root.dataset.started;
    setTimeout(boot, 3_000);
  });
}
new MutationObserver(boot).observe(document.documentElement, {childList: true, subtree: true});
boot();
