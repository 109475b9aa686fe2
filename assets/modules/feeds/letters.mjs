// The messages of one feed that were not taken in: why, what they hold, and trying them again.

import {element} from "../dom.mjs";
import {ask, button, feed, select, state, table} from "../register/page.mjs";

const PAGE = 50;
const MOST = 200; // of one screen; the file has 10,000
const WATCH_MS = 1_500; // while a retry runs somebody looks at its numbers

export function letters(page, back) {
  const wanted = {feed: "", reason: "", all: false};
  const list = {shown: false, open, close};
  let limit = PAGE;
  let may = false;
  let title = "";
  let watching = 0;
  const refresh = feed(page, () => ask(`/desk/feeds/letters?${query({limit})}`), show);

  function query(more = {}) {
    const asked = new URLSearchParams({feed: wanted.feed, ...more});
    if (wanted.reason) asked.set("reason", wanted.reason);
    if (wanted.all) asked.set("all", "true");
    return asked;
  }

  async function open(name) {
    Object.assign(wanted, {feed: name, reason: "", all: false});
    Object.assign(list, {shown: true});
    limit = PAGE;
    const board = await ask("/desk/feeds").catch(() => null);
    const row = board?.feeds.find((one) => one.name === name) ?? board?.strays;
    title = name ? row?.title ?? name : page.say("feeds.strays");
    may = Boolean(board?.retry) && name !== "";
    page.root.querySelector("h1").textContent = page.say("feeds.letters_of", {name: title});
    filters(Object.keys(row?.refused ?? {}));
    await refresh();
  }

  function close() {
    list.shown = false;
    clearTimeout(watching);
  }

  function filters(reasons) {
    const words = (code) => page.say(`reason.${code}`).replace(/^reason\./, "").split(":")[0];
    const change = (name, value) => { wanted[name] = value; limit = PAGE; tools(); refresh(); };
    page.filters.replaceChildren(
      select("reason", page.say("feeds.reason"), [["", page.say("feeds.any_reason")], ...reasons.map((code) => [code, words(code)])], wanted.reason, (event) => change("reason", event.target.value)),
      select("all", page.say("feeds.which"), [["", page.say("feeds.only_waiting")], ["all", page.say("feeds.every_letter")]], "", (event) => change("all", event.target.value === "all")),
    );
    tools();
  }

  function tools() {
    const files = ["csv", "xlsx"].map((form) => Object.assign(element("a", "btn", page.say("register.download", {form: form.toUpperCase()})), {href: `/desk/feeds/letters/export.${form}?${query()}`}));
    page.tools.replaceChildren(button(page.say("feeds.back"), back), ...files);
  }

  function show({rows, next, retry}) {
    if (!list.shown) return;
    const more = button(page.say("register.more"), () => { limit = Math.min(MOST, limit + PAGE); refresh(); });
    more.hidden = next === null || limit >= MOST;
    const heads = ["received", "topic", "reason", "payload"].map((name) => [page.say(`feeds.${name}`)]);
    const body = rows.length ? table(heads, rows.map(line)) : state(page.say("feeds.letters_none"), page.say("feeds.letters_none_hint"));
    const foot = element("div", "reg-foot", element("span", "dim", page.say("feeds.letters_shown", {n: page.number(rows.length)})), more);
    page.body.replaceChildren(again(retry, rows.length > 0), body, foot);
  }

  function line(row) {
    const tried = row.retried === null ? "" : row.again === row.words ? page.say("feeds.again_same", {time: page.moment(row.retried)}) : row.again === null ? page.say("feeds.again_taken", {time: page.moment(row.retried)}) : page.say("feeds.again_refused", {time: page.moment(row.retried), reason: row.again});
    const payload = element("td", "", element("code", "feed-payload", row.excerpt), element("small", "", page.say("feeds.size", {n: page.number(row.size)})));
    return element("tr", "", element("td", "n", page.moment(row.received)), element("td", "feed-topic", row.topic), element("td", "feed-why", row.words, row.detail ? element("small", "", row.detail) : "", tried ? element("small", "", tried) : ""), payload);
  }

  // What the last retry did, or the way to one.
  function again(retry, some) {
    const open = retry && (retry.state === "waiting" || retry.state === "running");
    const bar = element("div", "feed-retry");
    if (retry) {
      const values = {done: page.number(retry.taken + retry.refused), total: page.number(retry.total), taken: page.number(retry.taken), refused: page.number(retry.refused), by: retry.created_by, time: retry.finished_at ? page.moment(retry.finished_at) : ""};
      const key = open && retry.stop ? "stopping" : retry.state;
      const words = element("span", "", page.say(`feeds.retry_${key}`, values));
      words.setAttribute("role", "status");
      if (open && retry.total) bar.append(Object.assign(element("progress", ""), {max: retry.total, value: retry.taken + retry.refused, ariaLabel: page.say("feeds.retry")}));
      bar.append(words);
    }
    const press = (path) => async (event) => {
      event.target.disabled = true;
      try {
        await ask(`/desk/feeds/${encodeURIComponent(wanted.feed)}/${path}`, {method: "POST"});
      } catch (error) {
        page.spoken.textContent = error.message;
      }
      refresh();
    };
    if (may && open && !retry.stop) bar.append(button(page.say("feeds.retry_stop"), press("retry/stop")));
    if (may && !open && some) bar.append(button(page.say("feeds.retry"), press("retry"), "btn p"), element("small", "", page.say("feeds.retry_hint")));
    clearTimeout(watching);
    if (open) watching = setTimeout(refresh, WATCH_MS);
    return bar.childNodes.length ? bar : "";
  }

  return list;
}
