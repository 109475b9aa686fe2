// Feeds: what each brings today, and the messages that were not taken in, with their retry.

import {element} from "./modules/dom.mjs";
import {SIGNS, svg} from "./modules/marks.mjs";
import {letters} from "./modules/feeds/letters.mjs";
import {ask, boot, button, feed, openPage, state, table} from "./modules/register/page.mjs";

const SHARES = ["right", "complete", "clean", "alive"];
const LOW = 0.9; // below it a share is written bold: one value of ten is missing or bad
const SILENT_MS = 60_000;
const MOST = 10_000;

async function start(root) {
  const page = await openPage(root);
  let skew = 0;
  const refresh = feed(page, () => ask("/desk/feeds"), show);
  const list = letters(page, back);

  function files() {
    return ["csv", "xlsx"].map((form) => Object.assign(element("a", "btn", page.say("register.download", {form: form.toUpperCase()})), {href: `/desk/feeds/export.${form}`}));
  }

  function back() {
    history.pushState(null, "", "/feeds");
    open();
  }

  function open() {
    const name = new URLSearchParams(location.search).get("letters");
    page.filters.replaceChildren();
    if (name === null) {
      list.close();
      page.root.querySelector("h1").textContent = page.say("feeds.title");
      page.tools.replaceChildren(...files());
      refresh();
    } else {
      list.open(name);
    }
  }

  function show(found) {
    if (list.shown) return;
    skew = found.now - Date.now();
    const rows = found.feeds.map((row) => line(row, found));
    if (found.strays && (found.strays.waiting || sum(found.strays.refused))) rows.push(stray(found.strays, found));
    const heads = ["source", "last", ...SHARES, "messages", "lag", "refused"].map((name) => [page.say(`feeds.${name}`), SHARES.includes(name) || name === "messages" ? "n" : ""]);
    const made = table(heads, rows);
    for (const [index, name] of ["", "", ...SHARES, "messages", "lag"].entries()) {
      if (name) made.querySelectorAll("th")[index].title = page.say(`feeds.${name}_hint`);
    }
    const body = rows.length ? made : state(page.say("feeds.none"), page.say("feeds.none_hint"));
    const focused = document.activeElement?.dataset?.key;
    page.body.replaceChildren(session(found), body);
    if (focused) page.body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
  }

  function session({session: {connected_since, heartbeat, reporting, kept, waiting}, now}) {
    const words = [];
    const silent = heartbeat === null || now - heartbeat > SILENT_MS;
    if (heartbeat === null) words.push(page.say("feeds.session_never"));
    else if (silent) words.push(page.say("feeds.session_silent", {time: page.moment(heartbeat)}));
    else if (connected_since === null) words.push(page.say("feeds.session_off"));
    else words.push(page.say("feeds.session_on", {time: page.moment(connected_since)}));
    if (!silent && reporting && kept) words.push(page.say("feeds.session_kept"));
    if (!silent && waiting > 0) words.push(page.say("feeds.session_waiting", {n: page.number(waiting)}));
    const wrong = silent || connected_since === null;
    return element("p", wrong ? "feed-session wrong" : "feed-session", wrong ? svg(SIGNS.warn) : "", element("span", "", words.join(" ")));
  }

  function line(row, found) {
    const under = [row.name, page.say("feeds.period", {time: page.age(row.period_s * 1000)}), row.simulated ? page.say("register.simulated") : ""].filter(Boolean).join(" · ");
    const source = Object.assign(element("a", "", row.title), {href: `/things?feed=${encodeURIComponent(row.name)}`});
    const waits = row.pending > 0 ? element("small", "", found.pending ? Object.assign(element("a", "", page.say("feeds.pending", {n: page.number(row.pending)})), {href: `/pending?feed=${encodeURIComponent(row.name)}`}) : page.say("feeds.pending", {n: page.number(row.pending)})) : "";
    return element("tr", "", element("td", "reg-first", source, element("small", "", under), waits), age(row.received ?? row.newest), ...SHARES.map((name) => share(name, row)), messages(row, found), lag(row), refusals(row, found));
  }

  function stray(row, found) {
    const blank = () => element("td", "blank", "–");
    return element("tr", "", element("td", "reg-first", element("b", "", page.say("feeds.strays")), element("small", "", page.say("feeds.strays_hint"))), ...Array.from({length: 7}, blank), refusals({...row, title: page.say("feeds.strays")}, found));
  }

  function age(at) {
    const cell = element("td", "n", at === null ? page.say("feeds.never") : page.age(Date.now() + skew - at));
    if (at !== null) Object.assign(cell.dataset, {newest: at, label: page.say("feeds.last")});
    if (at !== null) cell.title = page.moment(at);
    return cell;
  }

  function share(name, row) {
    const value = row[name];
    const text = value === null ? "–" : `${page.number(value >= 1 ? 100 : Math.min(99.9, Math.floor(value * 1000) / 10), value >= 1 ? 0 : 1)}\u00a0%`;
    const more = {alive: row.things ? page.say("feeds.alive_of", {n: page.number(row.heard), all: page.number(row.things)}) : "", complete: row.values ? page.say("feeds.values_today", {n: page.number(row.values)}) : ""}[name] ?? "";
    const cell = element("td", value === null ? "n blank" : "n", value !== null && value < LOW ? element("b", "", text) : text, more ? element("small", "", more) : "");
    cell.dataset.label = page.say(`feeds.${name}`);
    return cell;
  }

  function messages({messages: told}, {letters: whole}) {
    const text = told ? `${page.number(told.received)} / ${page.number(told.committed)}` : "–";
    const cell = element("td", told ? "n" : "n blank", text);
    if (!told) cell.title = page.say(whole ? "feeds.unreported" : "feeds.not_told");
    cell.dataset.label = page.say("feeds.messages");
    return cell;
  }

  function lag({messages: told}) {
    const known = told && told.measured > 0;
    const cell = element("td", known ? "" : "blank", !known ? "–" : told.lag_s === null ? page.say("feeds.lag_beyond") : page.say("feeds.lag_within", {time: told.lag_s < 2 ? `${page.number(told.lag_s, 2)}\u00a0s` : page.age(told.lag_s * 1000)}));
    cell.dataset.label = page.say("feeds.lag");
    return cell;
  }

  function refusals(row, found) {
    if (row.refused === null) return element("td", "blank", "–");
    const today = sum(row.refused);
    const reasons = Object.entries(row.refused).sort((one, other) => other[1] - one[1]).slice(0, 3).map(([code, n]) => `${short(code)}: ${page.number(n)}`);
    const waiting = row.waiting > MOST ? page.say("feeds.waiting_more") : page.say("feeds.waiting", {n: page.number(row.waiting)});
    const head = today ? page.say("feeds.refused_today", {n: page.number(today)}) : page.say("feeds.none_refused");
    const cell = element("td", today || row.waiting ? "feed-refused" : "blank", today ? element("b", "", head) : head, ...reasons.map((words) => element("small", "", words)));
    if (found.letters && (today || row.waiting)) {
      const way = button(waiting, () => { history.pushState(null, "", `/feeds?letters=${encodeURIComponent(row.name)}`); open(); });
      way.setAttribute("aria-label", `${page.say("feeds.show_letters", {name: row.title})}: ${waiting}`);
      way.dataset.key = `letters-${row.name}`;
      cell.append(way);
    }
    return cell;
  }

  // The cause before the colon is enough beside a number; the letter says what to do.
  function short(code) {
    return page.say(`reason.${code}`).replace(/^reason\./, "").split(":")[0];
  }

  setInterval(() => {
    for (const cell of page.body.querySelectorAll("[data-newest]")) cell.textContent = page.age(Date.now() + skew - Number(cell.dataset.newest));
  }, 1_000);
  addEventListener("popstate", open);
  open();
}

const sum = (counts) => Object.values(counts ?? {}).reduce((all, n) => all + n, 0);

boot("feeds", start);
