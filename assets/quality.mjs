// Đúng, đủ, sạch, sống: each feed, then its things, then their days and the messages refused.

import {element} from "./modules/dom.mjs";
import {day} from "./modules/indicators/values.mjs";
import {ask, boot, button, feed, openPage, select, state, table} from "./modules/register/page.mjs";

const SHARES = ["right", "complete", "clean", "live"];
const GOOD = 0.95; // as ioc.domain.source_quality
const NAMES = ["of", "at", "feed"];

async function start(root) {
  const page = await openPage(root);
  const {say} = page;
  let wanted = {};
  read();
  const files = ["csv", "xlsx"].map((form) => Object.assign(element("a", "btn", say("indicators.download", {form: form.toUpperCase()})), {form}));
  page.tools.replaceChildren(...files);
  const refresh = feed(page, () => ask(`/desk/quality?${new URLSearchParams(wanted)}`), show);

  function read() {
    const address = new URLSearchParams(location.search);
    wanted = Object.fromEntries(NAMES.filter((name) => address.get(name)).map((name) => [name, address.get(name)]));
  }

  function go(next) {
    wanted = Object.fromEntries(Object.entries(next).filter(([, value]) => value));
    const kept = new URLSearchParams(wanted);
    history.pushState(null, "", `/quality${kept.size ? `?${kept}` : ""}`);
    moved();
  }

  function moved() {
    page.body.parentElement.scrollTop = 0;
    filters();
    refresh();
  }

  function filters() {
    const date = Object.assign(element("input", "inp"), {type: "date", name: "at", value: wanted.at ?? ""});
    date.addEventListener("change", () => go({...wanted, at: date.value}));
    page.filters.replaceChildren(
      select("of", say("quality.by"), [["day", say("quality.day")], ["month", say("quality.month")]], wanted.of ?? "day", (event) => go({...wanted, of: event.target.value})),
      element("label", "reg-field", element("span", "", say("quality.at")), date),
    );
    for (const link of files) link.href = `/desk/quality/export.${link.form}?${new URLSearchParams(wanted)}`;
  }

  function show(found) {
    const span = say(found.first === found.last ? "quality.span_day" : "quality.span_month", {first: day(found.first), last: day(found.last)});
    if (wanted.feed) one(found, span);
    else every(found, span);
    if (page.spoken.textContent !== span) page.spoken.textContent = span;
  }

  function every({feeds, worst, last}, span) {
    const rows = feeds.map((row) => element("tr", "", element("td", "reg-first", way(row.title, {feed: row.feed}), element("small", "", say("quality.things", {n: page.number(row.things)}))), ...cells(row)));
    const bad = worst.map((row) => element("tr", "", element("td", "reg-first", thing(row), element("small", "", `${row.external_id} · ${row.title}`)), ...row.scores.map(share), element("td", "", say(`quality.reason.${row.reason}`))));
    const words = {date: day(last)};
    page.body.replaceChildren(
      element("h2", "", `${say("quality.all")} · ${span}`),
      rows.length ? table(heads("source", true), rows) : state(say("quality.none"), say("quality.none_hint")),
      // nothing known is not "nothing bad"
      rows.length || bad.length ? element("h3", "", say(bad.length ? "quality.worst" : "quality.no_worst", words)) : "",
      bad.length ? table(heads("thing", false), bad) : "",
    );
  }

  function one({things, refusals}, span) {
    const rows = things.map((row) => element("tr", "", element("td", "reg-first", thing(row), element("small", "", row.external_id)), ...cells(row)));
    page.body.replaceChildren(
      element("div", "ind-head", button(say("quality.back"), () => go({...wanted, feed: ""})), element("h2", "", `${wanted.feed} · ${span}`)),
      rows.length ? table(heads("thing", true), rows) : state(say("quality.none"), say("quality.none_hint")),
      element("h3", "", say("quality.refusals")),
      refused(refusals),
    );
  }

  function refused(refusals) {
    if (refusals === null) return element("p", "dim", say("quality.hidden_refusals"));
    if (!refusals.length) return element("p", "dim", say("quality.no_refusals"));
    const link = Object.assign(element("a", "btn", say("quality.letters")), {href: `/api/v1/feeds/${encodeURIComponent(wanted.feed)}/dead-letters`});
    const lines = refusals.map((row) => element("tr", "", element("td", "reg-first", row.words), element("td", "n", page.number(row.n)), element("td", "", page.moment(row.last))));
    return element("div", "q-refused", table([[say("quality.why")], [say("quality.count"), "n"], [say("quality.last")]], lines), link);
  }

  function heads(name, full) {
    const counts = full ? [["n", "n"], ["expected", "n"], ["refused", "n"], ["corrected", "n"], ["days", ""]] : [];
    return [[name, ""], ...SHARES.map((one) => [one, "n"]), ...counts, ["why", ""]].map(([key, kind]) => [say(`quality.${key}`), kind]);
  }

  function cells(row) {
    const counts = ["n", "expected", "refused", "corrected"].map((name) => {
      const cell = element("td", "n", page.number(row[name]));
      cell.dataset.share = say(`quality.${name}`);
      return cell;
    });
    const why = element("td", row.reason ? "" : "blank", row.reason ? say(`quality.reason.${row.reason}`) : say("quality.good"));
    return [...row.scores.map(share), ...counts, element("td", "", bars(row.days)), why];
  }

  function share(value, n) {
    const text = value === null ? "–" : page.value(value * 100, value < 1 && value > 0.999 ? 2 : 1, "%");
    const cell = element("td", "n", value !== null && value < GOOD ? element("b", "q-bad", text) : text);
    cell.title = say(`quality.${SHARES[n]}_means`);
    cell.dataset.share = say(`quality.${SHARES[n]}`);
    return cell;
  }

  // One bar a day, as high as the lowest of its four shares: a bad day stands out as a gap.
  function bars(days) {
    const made = element("span", "q-bars");
    made.setAttribute("role", "img");
    const lowest = ({scores}) => Math.min(1, ...scores.filter((one) => one !== null));
    made.setAttribute("aria-label", days.map((one) => `${day(one.day)}: ${page.number(lowest(one) * 100)} %`).join(", "));
    for (const one of days) {
      const bar = element("i", lowest(one) < GOOD ? "q-low" : "");
      bar.style.height = `${Math.max(2, Math.round(lowest(one) * 24))}px`;
      bar.title = `${day(one.day)}: ${page.number(lowest(one) * 100)} %`;
      made.append(bar);
    }
    return made;
  }

  const thing = (row) => Object.assign(element("a", "", row.name), {href: `/thing/${row.id}`});

  function way(text, more) {
    const next = {...wanted, ...more};
    const link = Object.assign(element("a", "", text), {href: `/quality?${new URLSearchParams(next)}`});
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go(next);
    });
    return link;
  }

  addEventListener("popstate", () => { read(); moved(); });
  filters();
  await refresh();
}

boot("quality", start);
