// The operators' desk: waits for Dash to mount the layout, then wires list, detail, filters, keys and sound.

import {createActions} from "./modules/desk/actions.mjs";
import {ask} from "./modules/desk/api.mjs";
import {createDescription, isOwed} from "./modules/desk/describe.mjs";
import {createDetail} from "./modules/desk/detail.mjs";
import {createFilters} from "./modules/desk/filters.mjs";
import {createMasks} from "./modules/desk/masks.mjs";
import {createKeys} from "./modules/desk/keys.mjs";
import {createList, message} from "./modules/desk/list.mjs";
import {askedQuery, isNarrowed, readQuery, widened, writeQuery} from "./modules/desk/query.mjs";
import {createSound} from "./modules/desk/sound.mjs";
import {createToolbar} from "./modules/desk/toolbar.mjs";
import {element, fill} from "./modules/dom.mjs";
import {createHeader} from "./modules/header.mjs";
import {connect} from "./modules/live.mjs";
import {createStore} from "./modules/store.mjs";
import {createWriter, loadWords} from "./modules/words.mjs";

const PAGE = 100; // rows at once; the end of the list brings the next ones
const MOST = 1_000; // beyond it nobody reads on: filters and groups are the way
const PAUSE_MS = 500; // between two readings: a storm of changes is read at this pace
const EVERY_MS = 15_000; // read again without any sign, for what the live line does not carry
const RETRY_MS = 3_000;

async function start(root) {
  const part = (name) => root.querySelector(`[data-part=${name}]`) ?? root;
  const parts = Object.fromEntries(["root", "clock", "date", "sim", "trial", "banner", "tabs", "load", "filters", "tools", "muted", "list", "empty", "foot", "detail", "spoken"].map((name) => [name, part(name)]));
  const writer = createWriter(await words(root.dataset.language), root.dataset.language, root.dataset.zone);
  const {say} = writer;
  const may = Object.fromEntries([["act", "mayAcknowledge"], ["mask", "mayMask"], ["handle", "mayHandle"]].map(([name, key]) => [name, root.dataset[key] === "yes"]));
  const mayAct = may.act;
  const store = createStore();
  const told = createDescription(writer, store);
  const query = {value: readQuery(location.search)};
  let limit = PAGE;
  let answer = null; // the newest listing
  let failed = false;

  const actions = createActions(told, {writer, store, may, onDone: (rows, bad) => {
    if (!bad && rows.length) fill(parts.spoken, say("alerts.acknowledged_n", {n: rows.length, place: rows[0].place}));
    if (rows.length) list.clearSelection();
    again();
    detail.refresh();
  }});
  const detail = createDetail(parts.detail, told, writer, {actions});
  const list = createList(parts.list, told, {
    mayAct,
    onCurrent: (row) => { change({id: row?.id ?? null}, {read: false}); detail.show(row); },
    onOpen: () => root.classList.add("opened"),
    onSelect: (ids) => toolbar?.select(ids),
    onGroup: (group) => change({area: group.area, rule: group.rule}),
  });
  const idle = element("section", "idle-masks");
  parts.foot.before(idle);
  const masks = createMasks(idle, told);
  const filters = createFilters(parts.filters, {say, query, onChange: change});
  const toolbar = createToolbar(parts, writer, {
    mayAct, query, onChange: change,
    onBulk: () => actions.acknowledge(list.selected.map((id) => list.rows.find((row) => row.id === id))),
    onSilence: () => sound?.silence(),
    onTest: () => sound?.test(),
  });
  // Somebody who only looks is not called.
  const sound = mayAct ? createSound(() => store.alerts.open, toolbar.sound) : null;
  createKeys(root, {list, detail, filters, actions, toolbar, mayAct, bulk: toolbar.bulk, silence: () => sound?.silence(), close: () => root.classList.remove("opened")});
  parts.detail.addEventListener("click", (event) => event.target.closest("[data-close]") && root.classList.remove("opened"));

  // ---------------------------------------------------------------- reading

  // `cursors` leads back through the pages of a history.
  const cursors = [];
  function change(news, {read = true, back = false} = {}) {
    const before = query.value;
    if (news.cursor && !back) cursors.push(before.cursor);
    query.value = {...before, ...news};
    const target = location.pathname + writeQuery(query.value);
    if (target !== location.pathname + location.search) history.replaceState(history.state, "", target);
    if (!read) return;
    if (!("cursor" in news)) query.value.cursor = null;
    limit = PAGE;
    filters.show();
    toolbar.draw(answer);
    parts.list.scrollTop = 0;
    again({now: true});
  }

  let reading = null;
  let due = null;
  let readAt = -Infinity;
  function again({now = false} = {}) {
    if (now) reading?.abort();
    if (due !== null && !now) return;
    clearTimeout(due);
    due = setTimeout(read, now ? 0 : Math.max(0, readAt + PAUSE_MS - performance.now()));
  }

  async function read() {
    readAt = performance.now();
    const own = reading = new AbortController();
    const found = await ask(`/desk/alerts?${askedQuery(query.value, limit)}`, {signal: own.signal});
    due = null;
    if (found.aborted || own !== reading) return;
    failed = !found.ok;
    if (found.ok) answer = found.body;
    draw();
    if (failed) setTimeout(again, RETRY_MS);
  }

  function draw() {
    root.classList.toggle("unread", failed);
    if (answer) {
      root.removeAttribute("aria-busy");
      const wanted = query.value.id;
      list.render(answer);
      if (first && answer.rows.length) begin(wanted);
      toolbar.draw(answer);
      masks.render(answer.masks);
    }
    const isEmpty = !answer || !answer.rows.length;
    parts.list.hidden = isEmpty;
    parts.empty.hidden = !isEmpty;
    if (isEmpty) fill(parts.empty, ...nothing());
  }

  let first = true;
  function begin(wanted) {
    first = false;
    if (wanted) list.show(wanted);
    if (document.activeElement === document.body) list.focus();
  }

  function nothing() {
    if (failed && !answer) return [message("warn", say("alerts.unread_list"), say("alerts.unread_why"))];
    if (!answer) return [element("div", "hold"), element("div", "hold"), element("div", "hold")];
    if (isNarrowed(query.value)) {
      const press = element("button", "btn", say("alerts.clear_filters"));
      press.type = "button";
      press.dataset.clear = "yes";
      return [message("tray", say("alerts.none_match"), say("alerts.none_match_why"), press)];
    }
    const at = store.health.evaluator;
    return [message("tray", say(`alerts.none.${query.value.tab}`), at ? say("wall.checked", {time: writer.time(at)}) : say("wall.never_checked"))];
  }
  parts.empty.addEventListener("click", (event) => event.target.closest("[data-clear]") && change(widened(query.value)));

  parts.list.addEventListener("scroll", () => {
    const {scrollTop, clientHeight, scrollHeight} = parts.list;
    if (!answer || scrollTop + clientHeight < scrollHeight - 200) return;
    if (answer.rows.length < answer.total && answer.rows.length >= limit && limit < MOST && !answer.next && !answer.groups.length) {
      limit = Math.min(MOST, limit + PAGE);
      again();
    }
  });
  toolbar.onPage = (forward) => forward ? change({cursor: answer.next}) : change({cursor: cursors.pop() ?? null}, {back: true});

  // ---------------------------------------------------------------- life

  const header = createHeader(parts, store, writer);
  store.subscribe((changed) => {
    if (changed.has("alerts") || changed.has("loaded")) { again(); sound?.turn(); }
    if (changed.has("health") && answer && !answer.rows.length) draw();
  });
  connect(store);
  setInterval(() => { header.tick(); list.tick(); detail.tick(); }, 1_000);
  setInterval(() => { again(); detail.refresh(); }, EVERY_MS);
  again({now: true});
  detail.show(null);
  window.IOC = {store, list, query, sound, isOwed}; // for the browser's console and the browser tests
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

function boot() {
  const root = document.querySelector("[data-desk=alerts]");
  if (!root || root.dataset.started) return;
  root.dataset.started = "yes";
  start(root);
}
new MutationObserver(boot).observe(document.documentElement, {childList: true, subtree: true});
boot();
