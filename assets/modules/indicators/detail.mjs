// One indicator: what it is, where it stands, and each figure it ever had with where that came from.

import {element} from "../dom.mjs";
import {button, state, table} from "../register/page.mjs";
import {draw} from "./chart.mjs";
import {day, fromOrdinal, ordinal} from "./values.mjs";

const SHOWN = 120; // figures of a screen; the chart has all

export function createDetail(page, values, back) {
  const {say} = page;

  function show(row) {
    const head = element("div", "ind-head", button(say("indicators.back"), back), element("h2", "", row.name));
    page.body.replaceChildren(head, facts(row), ...past(row));
  }

  function facts(row) {
    const targets = Object.entries(row.targets).map(([year, value]) => `${year}: ${values.figure(row, value)}`).join(" · ");
    const pairs = [
      ["indicators.value", element("span", "", element("b", "", values.figure(row, row.value)), row.at ? ` (${day(row.at)})` : "")],
      ["indicators.state", element("span", "", values.standing(row), element("small", "", [values.forecast(row), values.due(row)].filter(Boolean).join(". ")))],
      ["indicators.targets", targets || say("indicators.no_target")],
      ["indicators.owner", row.owner],
      ["indicators.source", row.source],
      ["indicators.how_head", say(`indicators.how.${row.how}`)],
      ["indicators.period_head", say(`indicators.period.${row.period}`)],
      ["indicators.denominator", row.denominator],
      ["indicators.id", row.id],
    ].filter(([, value]) => value !== "");
    return element("dl", "ind-facts", ...pairs.map(([key, value]) => element("div", "", element("dt", "", say(key)), element("dd", "", value))));
  }

  function past(row) {
    if (!row.history.length) return [state(say("indicators.standing.no_source"), say("indicators.no_history", {source: row.source}))];
    const points = row.history.filter((one) => one.replaced_at === null).map((one) => [ordinal(one.at), one.value]).reverse();
    const words = {name: row.name, since: fromOrdinal(points[0][0]), until: fromOrdinal(points.at(-1)[0])};
    const width = Math.max(300, Math.min(1600, page.body.clientWidth));
    const axis = {number: (value) => page.number(value, row.decimals || (Math.abs(value) < 10 ? 1 : 0)), date: fromOrdinal, target: values.target(row)};
    const chart = draw(points, {width, height: 240, target: row.target, axis, label: say("indicators.chart", words)});
    const heads = [["at"], ["figure", "n"], ["from_where"], ["put_at"], ["put_by"]].map(([name, className]) => [say(`indicators.${name}`), className]);
    return [chart, element("h3", "", say("indicators.history")), table(heads, row.history.slice(0, SHOWN).map((one) => line(row, one)))];
  }

  function line(row, one) {
    const old = one.replaced_at !== null;
    const where = element("td", "", from(one), old ? element("small", "", say("indicators.replaced", {time: page.moment(one.replaced_at)})) : "");
    if (one.detail.thing) where.append(" ", Object.assign(element("a", "", say("indicators.open_thing")), {href: `/thing/${one.detail.thing}`}));
    return element("tr", old ? "ind-old" : "", element("td", "", day(one.at)), element("td", "n", values.figure(row, one.value)), where, element("td", "", page.moment(one.put_at)), element("td", "", one.put_by));
  }

  function from({how, detail}) {
    if (how === "upload") return say("indicators.from_file", detail);
    if (how === "feed") return say("indicators.from_feed", {feed: detail.feed_title, at: page.moment(Date.parse(detail.at)), received: page.moment(Date.parse(detail.received))});
    if (detail.whole === null || detail.whole === undefined) return say("indicators.from_whole", {count: page.number(detail.count)});
    return say("indicators.from_count", {count: page.number(detail.count), whole: page.number(detail.whole)});
  }

  return {show};
}
