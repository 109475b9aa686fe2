// The list of things: filters in the address, counts by state, ages that grow, the same as a file.

import {element} from "./modules/dom.mjs";
import {SHAPES, SIGNS, svg} from "./modules/marks.mjs";
import {ask, boot, button, feed, kindName, openPage, select, state, table} from "./modules/register/page.mjs";

const NAMES = ["state", "kind", "feed", "area", "q"];
const STATES = ["live", "late", "silent", "never"];
const PAGE = 100;
const MOST = 1_000; // rows of a screen; beyond it filters are the way
const TYPING_MS = 250;

async function start(root) {
  const page = await openPage(root);
  const address = new URLSearchParams(location.search);
  const wanted = Object.fromEntries(NAMES.filter((name) => address.has(name)).map((name) => [name, address.get(name)]));
  let shown = PAGE;
  let skew = 0; // server's clock minus ours: an age is the province's
  const files = ["csv", "xlsx"].map((form) => Object.assign(element("a", "btn", page.say("register.download", {form: form.toUpperCase()})), {form}));
  page.tools.replaceChildren(...files);
  const refresh = feed(page, () => ask(`/desk/things?${query({limit: shown})}`), show);

  function query(more = {}) {
    return new URLSearchParams({...wanted, ...more});
  }

  function change(name, value, any = "") {
    if (value === any) delete wanted[name];
    else wanted[name] = value;
    shown = PAGE;
    remember();
    refresh();
  }

  function remember() {
    const kept = query();
    history.replaceState(history.state, "", `/things${kept.size ? `?${kept}` : ""}`);
    for (const link of files) link.href = `/desk/things/export.${link.form}?${kept}`;
  }

  async function filters() {
    const found = await ask("/desk/things/choices").catch(() => ({kinds: [], areas: [], feeds: []}));
    const kinds = [["", page.say("register.any_kind")], ...found.kinds.map((kind) => [kind, kindName(page, kind)])];
    const feeds = [["", page.say("register.any_feed")], ...found.feeds];
    const areas = [["*", page.say("register.any_area")], ...found.areas.map(([code, name]) => [code, name || page.say("register.no_area")])];
    const words = Object.assign(element("input", "inp"), {type: "search", name: "q", value: wanted.q ?? "", maxLength: 200, placeholder: page.say("register.search_hint"), autocomplete: "off"});
    let typing = 0;
    words.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => change("q", words.value.trim()), TYPING_MS); });
    page.filters.replaceChildren(
      element("label", "reg-field wide", element("span", "", page.say("register.search")), words),
      select("kind", page.say("register.kind"), kinds, wanted.kind ?? "", (event) => change("kind", event.target.value)),
      select("feed", page.say("register.feed"), feeds, wanted.feed ?? "", (event) => change("feed", event.target.value)),
      select("area", page.say("register.area"), areas, wanted.area ?? "*", (event) => change("area", event.target.value, "*")),
    );
  }

  function show({rows, counts, next, now}) {
    skew = now - Date.now();
    const all = STATES.reduce((sum, name) => sum + counts[name], 0);
    const tabs = element("div", "reg-tabs", tab("", all), ...STATES.map((name) => tab(name, counts[name])));
    const total = wanted.state ? counts[wanted.state] ?? 0 : all;
    const count = page.say("register.shown", {n: page.number(rows.length), all: page.number(total)});
    const more = button(page.say("register.more"), () => { shown = Math.min(MOST, shown + PAGE); refresh(); });
    more.hidden = next === null || shown >= MOST;
    const list = rows.length ? table(["name", "kind", "area", "state_head", "age", "alerts"].map((name) => [page.say(`register.${name}`), name === "age" ? "n" : ""]), rows.map(line)) : nothing();
    const foot = element("div", "reg-foot", element("span", "dim", count), more);
    const focused = page.body.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const scrolled = page.body.parentElement.scrollTop;
    page.body.replaceChildren(tabs, list, foot);
    page.body.parentElement.scrollTop = scrolled;
    if (focused) page.body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
    if (page.spoken.textContent !== count) page.spoken.textContent = count;
  }

  function tab(name, n) {
    const made = button(page.say(name ? `register.state.${name}` : "register.all"), () => change("state", name), "reg-tab");
    made.append(element("b", "", page.number(n)));
    made.dataset.key = `tab-${name}`;
    made.setAttribute("aria-pressed", String((wanted.state ?? "") === name));
    return made;
  }

  function nothing() {
    const clear = button(page.say("register.clear"), () => {
      for (const name of NAMES) delete wanted[name];
      remember();
      filters();
      refresh();
    });
    return state(page.say("register.none"), page.say("register.none_hint"), clear);
  }

  function line(row) {
    const link = Object.assign(element("a", "", row.name), {href: `/thing/${row.id}`});
    link.dataset.key = `thing-${row.id}`;
    const under = [row.external_id, row.feed_title, row.simulated ? page.say("register.simulated") : ""].filter(Boolean).join(" · ");
    const quiet = row.quiet > 0 && row.freshness !== "never" && row.freshness !== "silent";
    const channels = quiet ? page.say("register.quiet", {n: row.quiet, all: row.streams}) : page.say("register.streams", {n: row.streams});
    const age = element("td", row.newest === null ? "n blank" : "n", "–");
    if (row.newest !== null) {
      age.dataset.newest = row.newest;
      age.title = page.moment(row.newest);
      age.textContent = page.age(Date.now() + skew - row.newest);
    }
    return element("tr", "", element("td", "reg-first", link, element("small", "", under)), element("td", "", kindName(page, row.kind)), element("td", row.commune ? "" : "blank", row.commune ?? "–"), element("td", "", sign(row.freshness), element("small", "", channels)), age, element("td", row.severity === null ? "blank" : "", ...alerts(row)));
  }

  function sign(freshness) {
    const drawing = {late: SIGNS.clock, silent: SIGNS.silent, never: SIGNS.silent}[freshness];
    return element("span", `reg-state ${freshness}`, drawing ? svg(drawing) : "", page.say(`register.state.${freshness}`));
  }

  function alerts(row) {
    if (row.severity === null) return ["–"];
    const words = page.say("register.one_alert", {severity: page.say(`severity.${row.severity}`), n: row.alerts});
    return [element("span", `reg-severity k${row.severity}`, svg(SHAPES[row.severity]), words)];
  }

  setInterval(() => {
    for (const cell of page.body.querySelectorAll("[data-newest]")) cell.textContent = page.age(Date.now() + skew - Number(cell.dataset.newest));
  }, 1_000);
  remember();
  await Promise.all([filters(), refresh()]);
}

boot("things", start);
