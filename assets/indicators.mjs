// The board of indicators: value, target, trend, verdict of each; one of them with all its figures.

import {element} from "./modules/dom.mjs";
import {draw} from "./modules/indicators/chart.mjs";
import {createDetail} from "./modules/indicators/detail.mjs";
import {createUpload} from "./modules/indicators/upload.mjs";
import {createValues, day} from "./modules/indicators/values.mjs";
import {ask, boot, button, feed, openPage, select, state, table} from "./modules/register/page.mjs";

const NAMES = ["standing", "topic", "owner", "q"];
const STANDINGS = ["off_track", "missed", "stale", "no_source", "unknown", "on_track", "met", "no_target"];
const TYPING_MS = 150;

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").replaceAll("Đ", "D").toLowerCase();

async function start(root) {
  const page = await openPage(root);
  const {say} = page;
  const values = createValues(page);
  let wanted = {};
  let rows = [];
  let strangers = [];
  read();
  const detail = createDetail(page, values, () => go({...wanted, id: undefined}));
  const refresh = feed(page, () => ask(wanted.id ? `/desk/indicators/${encodeURIComponent(wanted.id)}` : "/desk/indicators"), show);
  const upload = createUpload(page, () => refresh());
  const files = ["csv", "xlsx"].map((form) => Object.assign(element("a", "btn", say("indicators.download", {form: form.toUpperCase()})), {href: `/desk/indicators/export.${form}`}));
  upload.open.hidden = true;
  upload.open.title = upload.hint;
  page.tools.replaceChildren(upload.open, upload.input, ...files);
  page.body.before(upload.box);

  function read() {
    const address = new URLSearchParams(location.search);
    wanted = Object.fromEntries([...NAMES, "id"].filter((name) => address.has(name)).map((name) => [name, address.get(name)]));
  }

  function go(next, replace = false) {
    wanted = Object.fromEntries(Object.entries(next).filter(([, value]) => value));
    const kept = new URLSearchParams(wanted);
    history[replace ? "replaceState" : "pushState"](null, "", `/indicators${kept.size ? `?${kept}` : ""}`);
    moved();
  }

  function moved() {
    page.body.parentElement.scrollTop = 0;
    refresh();
  }

  function show(found) {
    page.filters.hidden = Boolean(wanted.id);
    if (found.history) { detail.show(found); return; }
    const first = !rows.length;
    ({rows, strangers} = found);
    upload.open.hidden = !found.may_put;
    if (first || !page.filters.childElementCount) filters();
    list();
  }

  function filters() {
    const named = (name, any) => [["", any], ...[...new Set(rows.map((row) => row[name]))].map((value) => [value, value])];
    const words = Object.assign(element("input", "inp"), {type: "search", name: "q", value: wanted.q ?? "", maxLength: 200, placeholder: say("indicators.search_hint"), autocomplete: "off"});
    let typing = 0;
    words.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(() => narrow("q", words.value.trim()), TYPING_MS); });
    page.filters.replaceChildren(
      element("label", "reg-field wide", element("span", "", say("indicators.search")), words),
      select("topic", say("indicators.topic"), named("topic", say("indicators.any_topic")), wanted.topic ?? "", (event) => narrow("topic", event.target.value)),
      select("owner", say("indicators.owner"), named("owner", say("indicators.any_owner")), wanted.owner ?? "", (event) => narrow("owner", event.target.value)),
    );
  }

  function narrow(name, value) {
    wanted = {...wanted, [name]: value};
    if (!value) delete wanted[name];
    const kept = new URLSearchParams(wanted);
    history.replaceState(null, "", `/indicators${kept.size ? `?${kept}` : ""}`);
    list();
  }

  function list() {
    const words = fold(wanted.q ?? "");
    const left = rows.filter((row) => (!wanted.topic || row.topic === wanted.topic) && (!wanted.owner || row.owner === wanted.owner) && fold(`${row.name} ${row.id}`).includes(words));
    const shown = left.filter((row) => !wanted.standing || row.standing === wanted.standing);
    const tabs = element("div", "reg-tabs", tab("", left.length), ...STANDINGS.map((name) => [name, left.filter((row) => row.standing === name).length]).filter(([name, n]) => n || wanted.standing === name).map(([name, n]) => tab(name, n)));
    const heads = [["name"], ["value", "n"], ["target"], ["trend"], ["state"], ["updated"]].map(([name, className]) => [say(`indicators.${name}`), className]);
    const body = shown.length ? table(heads, grouped(shown)) : state(say("indicators.none"), say("indicators.none_hint"), button(say("indicators.clear"), () => { wanted = {}; filters(); narrow("q", ""); }));
    const count = say("indicators.shown", {n: page.number(shown.length), all: page.number(rows.length)});
    const unknown = strangers.length ? element("p", "dim", say("indicators.unknown_sources", {ids: strangers.join(", ")})) : "";
    const focused = page.body.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    page.body.replaceChildren(tabs, body, element("div", "reg-foot", element("span", "dim", count), unknown));
    if (focused) page.body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
    if (page.spoken.textContent !== count) page.spoken.textContent = count;
  }

  function tab(name, n) {
    const made = button(say(name ? `indicators.standing.${name}` : "indicators.all"), () => narrow("standing", name), "reg-tab");
    made.append(element("b", "", page.number(n)));
    made.dataset.key = `tab-${name}`;
    made.setAttribute("aria-pressed", String((wanted.standing ?? "") === name));
    return made;
  }

  function* grouped(shown) {
    let topic = "";
    for (const row of shown) {
      if (row.topic !== topic) {
        topic = row.topic;
        const head = Object.assign(element("th", "", topic), {colSpan: 6, scope: "colgroup"});
        yield element("tr", "ind-topic", head);
      }
      yield line(row);
    }
  }

  function line(row) {
    const link = Object.assign(element("a", "", row.name), {href: `/indicators?id=${row.id}`});
    link.dataset.key = `row-${row.id}`;
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go({...wanted, id: row.id});
    });
    const trend = row.trend.length > 1 ? draw(row.trend, {width: 120, height: 28, label: say("indicators.chart", {name: row.name, since: "", until: ""})}) : "–";
    return element("tr", row.standing === "stale" ? "ind-stale" : "", element("td", "reg-first", link, element("small", "", row.owner)), element("td", "n", element("b", "", values.figure(row, row.value))), element("td", row.target === null ? "blank" : "", values.target(row)), element("td", row.trend.length > 1 ? "ind-trend" : "blank", trend), element("td", "", values.standing(row), element("small", "", values.forecast(row))), element("td", row.at ? "" : "blank", row.at ? day(row.at) : "–", element("small", "", values.due(row))));
  }

  addEventListener("popstate", () => { read(); moved(); });
  await refresh();
}

boot("indicators", start);
