// Things that wait: what they sent and from where, admitted or refused one by one and many at once.

import {element} from "./modules/dom.mjs";
import {admitMany, admitOne, refuse} from "./modules/pending/forms.mjs";
import {ask, boot, button, feed, kindName, openPage, select, state, table} from "./modules/register/page.mjs";

const PAGE = 50;
const MOST = 200;
const TYPING_MS = 250;

async function start(root) {
  const page = await openPage(root);
  const address = new URLSearchParams(location.search);
  const wanted = Object.fromEntries(["feed", "q", "refused"].filter((name) => address.has(name)).map((name) => [name, address.get(name)]));
  const chosen = new Set();
  let limit = PAGE;
  let rows = [];
  let may = false;
  let skew = 0;
  let choices = null;
  const refresh = feed(page, () => ask(`/desk/pending?${query({limit})}`), show);

  function query(more = {}) {
    return new URLSearchParams({...wanted, ...more});
  }

  function change(name, value) {
    if (value) wanted[name] = value;
    else delete wanted[name];
    chosen.clear();
    limit = PAGE;
    history.replaceState(history.state, "", `/pending${query().size ? `?${query()}` : ""}`);
    refresh();
  }

  function filters(feeds) {
    if (page.filters.contains(document.activeElement)) return; // somebody types or chooses just now
    const words = Object.assign(element("input", "inp"), {type: "search", value: wanted.q ?? "", maxLength: 200, placeholder: page.say("pending.search_hint"), autocomplete: "off"});
    let typing = 0;
    words.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => change("q", words.value.trim()), TYPING_MS); });
    page.filters.replaceChildren(
      element("label", "reg-field wide", element("span", "", page.say("register.search")), words),
      select("feed", page.say("register.feed"), [["", page.say("register.any_feed")], ...feeds.map(([name, title, n]) => [name, `${title} (${page.number(n)})`])], wanted.feed ?? "", (event) => change("feed", event.target.value)),
      select("refused", page.say("pending.which"), [["", page.say("pending.waiting")], ["true", page.say("pending.refused")]], wanted.refused ?? "", (event) => change("refused", event.target.value)),
    );
  }

  function tools() {
    const n = chosen.size;
    const files = ["csv", "xlsx"].map((form) => Object.assign(element("a", "btn", page.say("register.download", {form: form.toUpperCase()})), {href: `/desk/pending/export.${form}?${query()}`}));
    const deeds = !may ? [] : wanted.refused
      ? [deed("restore_n", n, () => act("restore", {things: [...chosen]}))]
      : [deed("admit_n", n, () => admitMany(page, picked(), send), "btn p"), deed("refuse_n", n, () => refuse(page, picked(), send))];
    page.tools.replaceChildren(...deeds, ...files);
  }

  function deed(key, n, press, className = "btn") {
    const made = button(page.say(`pending.${key}`, {n: page.number(n)}), press, className);
    made.disabled = n === 0;
    return made;
  }

  const picked = () => rows.filter((row) => chosen.has(row.id));

  async function send(word, body) {
    const found = await ask(`/desk/pending/${word}`, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
    for (const id of [...found.done, ...found.gone]) chosen.delete(id);
    const words = page.say(`pending.done_${word}`, {n: page.number(found.done.length)}) + (found.gone.length ? ` ${page.say("pending.gone", {n: page.number(found.gone.length)})}` : "");
    note(words);
    await refresh();
  }

  async function act(word, body) {
    try {
      await send(word, body);
    } catch (error) {
      note(error.away ? page.say("register.away") : error.message);
    }
  }

  function note(words) {
    page.spoken.textContent = words;
    page.root.querySelector(".pend-note")?.remove();
    page.body.before(element("p", "reg-old pend-note", words));
    setTimeout(() => page.root.querySelector(".pend-note")?.remove(), 12_000);
  }

  async function open(row) {
    choices ??= await ask("/desk/pending/choices").catch(() => null);
    admitOne(page, row, choices ?? {communes: [], rings: [], kinds: [row.kind]}, send);
  }

  function show(found) {
    ({rows, admit: may} = found);
    skew = found.now - Date.now();
    for (const id of chosen) if (!rows.some((row) => row.id === id)) chosen.delete(id);
    filters(found.feeds);
    tools();
    if (!rows.length) {
      page.body.replaceChildren(state(page.say(wanted.refused ? "pending.none_refused" : "pending.none"), page.say("pending.none_hint")));
      return;
    }
    const heads = [...(may ? [[""]] : []), ...["thing", "sent", "topic", "since", "place", "do"].map((name) => [page.say(`pending.${name}`)])];
    const made = table(heads, rows.map(line));
    if (may) made.querySelector("th").append(all());
    const more = button(page.say("register.more"), () => { limit = Math.min(MOST, limit + PAGE); refresh(); });
    more.hidden = found.next === null || limit >= MOST;
    const count = page.say("pending.shown", {n: page.number(rows.length), all: page.number(found.total)});
    const focused = page.body.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const scrolled = page.body.parentElement.scrollTop;
    page.body.replaceChildren(made, element("div", "reg-foot", element("span", "dim", count), more));
    page.body.parentElement.scrollTop = scrolled;
    if (focused) page.body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
  }

  function box(words, checked, press, key) {
    const made = Object.assign(element("input", "pend-box"), {type: "checkbox", checked});
    made.setAttribute("aria-label", words);
    made.dataset.key = key;
    made.addEventListener("change", press);
    return made;
  }

  function all() {
    return box(page.say("pending.choose_all"), rows.every((row) => chosen.has(row.id)), (event) => {
      for (const row of rows) { if (event.target.checked) chosen.add(row.id); else chosen.delete(row.id); }
      for (const one of page.body.querySelectorAll("tbody .pend-box")) one.checked = event.target.checked;
      tools();
    }, "all");
  }

  function line(row) {
    const pick = box(page.say("pending.choose", {name: row.name}), chosen.has(row.id), (event) => { if (event.target.checked) chosen.add(row.id); else chosen.delete(row.id); tools(); }, `pick-${row.id}`);
    const under = [row.name === row.external_id ? "" : row.external_id, row.feed_title, kindName(page, row.kind), row.simulated ? page.say("register.simulated") : ""].filter(Boolean).join(" · ");
    const sent = row.channels.map((one) => element("small", "", element("span", "", one.name), " ", element("b", "", one.result === null ? "–" : page.value(one.result, one.decimals, one.unit))));
    if (row.streams > row.channels.length) sent.push(element("small", "", page.say("pending.more_channels", {n: page.number(row.streams - row.channels.length)})));
    if (!row.streams) sent.push(element("small", "", page.say("pending.nothing_sent")));
    const newest = row.channels.map((one) => one.at).filter(Boolean).sort((a, b) => b - a)[0];
    const since = element("td", "n", page.age(Date.now() + skew - row.since), element("small", "", page.moment(row.since)), newest ? element("small", "", page.say("pending.newest", {time: page.age(Date.now() + skew - newest)})) : "");
    const place = row.lon === null ? page.say("pending.nowhere") : [row.commune ?? page.say("register.no_area"), element("small", "", `${page.number(row.lat, 4)}; ${page.number(row.lon, 4)}`)];
    return element("tr", "", ...(may ? [element("td", "pend-pick", pick)] : []), element("td", "reg-first", element("b", "", row.name), element("small", "", under)), element("td", "pend-sent", ...sent), element("td", "feed-topic", row.topic), since, element("td", "", ...[place].flat()), deeds(row));
  }

  function deeds(row) {
    if (row.refused) return element("td", "", element("small", "", page.say("pending.refused_by", {by: row.refused.by, reason: row.refused.reason || "–"})), may ? keyed(button(page.say("pending.restore"), () => act("restore", {things: [row.id]})), `restore-${row.id}`) : "");
    if (!may) return element("td", "", page.say("pending.may_not"));
    const admit = keyed(button(page.say("pending.admit"), () => open(row)), `admit-${row.id}`);
    admit.setAttribute("aria-label", `${page.say("pending.admit")}: ${row.name}`);
    return element("td", "", element("div", "pend-deeds", admit, keyed(button(page.say("pending.refuse"), () => refuse(page, [row], send)), `refuse-${row.id}`)));
  }

  refresh();
}

function keyed(node, key) {
  node.dataset.key = key;
  return node;
}

boot("pending", start);
