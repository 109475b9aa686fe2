// The long list: the most urgent, whether it is a flood, what came first, and where it is worst.

import {createAlerts} from "../alerts.mjs";
import {element, fill} from "../dom.mjs";
import {SHAPES, svg} from "../marks.mjs";
import {createView, head} from "./data.mjs";

const ROWS = 11;
const GROUPS = 3;

export function createAlertPage(box, store, parts, options) {
  const {writer} = options;
  const {say} = writer;
  const part = (tag, className) => Object.assign(element(tag, className), {hidden: true});
  const own = {pinned: part("section", "pinned"), counts: part("div", "counts"), list: part("ul", "alerts"), empty: part("div", "empty state"), spoken: element("div"), clock: parts.clock};
  own.pinned.tabIndex = 0;
  const load = element("div", "vload");
  const left = element("div", "vcol", own.pinned, own.empty, own.counts, load);
  const right = element("div", "vcol", own.list);
  box.replaceChildren(left, right);
  const alerts = createAlerts(own, store, {...options, most: ROWS});

  function draw(found) {
    const {flood, first, groups} = found;
    const words = flood.since === null ? say("wallalerts.load", {n: writer.number(flood.raises), limit: writer.number(flood.limit)})
      : say("wallalerts.flood", {time: writer.time(flood.since).slice(0, 5), n: writer.number(flood.raises)});
    return [element("p", flood.since === null ? "quiet" : "flooded", words), ...firstOut(first), ...worst(groups)];
  }

  function firstOut(first) {
    if (!first) return [];
    return [head(say("wallalerts.first")), element("div", "vrow", mark(first.severity), element("div", "vname", element("b", "", first.place), element("span", "", first.name)), element("div", "vend", writer.time(first.raised)))];
  }

  function worst(found) {
    const groups = found.filter((one) => one.total > 1); // one alert is no group
    if (!groups.length) return [];
    return [head(say("wallalerts.groups")), ...groups.slice(0, GROUPS).map((one) => element("div", "vrow", mark(one.severity), element("div", "vname", element("b", "", one.area_name || say("wallalerts.no_area")), element("span", "", one.name)), element("div", "vend", element("b", "", writer.number(one.total)), element("span", "", say("wallalerts.unacked", {n: writer.number(one.unacked)})))))];
  }

  const mark = (severity) => element("span", `vsign k${severity}`, svg(SHAPES[severity]));
  const view = createView(load, "/wall-data/alerts", writer, draw);
  return {
    show(on) { view.show(on); if (on) alerts.render(); },
    render: () => { view.render(); alerts.render(); },
    tick: view.tick,
    every: alerts.render, // ages in the list
  };
}

// The bar of the worst alert on pages that list none.
export function createStrip(box, store, writer) {
  const {say} = writer;

  function render(layout) {
    const row = store.alerts.open.find((one) => !one.mask && one.severity <= 2);
    box.hidden = !row || ["overview", "alerts"].includes(layout);
    if (box.hidden) return;
    const owed = !row.acked;
    const block = element("div", `blk ${owed && row.active ? `full s${row.severity}` : "ack"} k${row.severity}`, element("div", "a", svg(SHAPES[row.severity]), element("b", "", String(row.severity)), element("span", "w", say(`severity.${row.severity}`))));
    if (row.severity === 1 && owed && row.active) block.classList.add("flash");
    const value = row.kind === "category" || row.stale ? row.name : writer.value(row.result, row.decimals, row.unit);
    const limit = row.limit === null || row.kind === "category" || row.stale ? "" : ` · ${say(row.op?.startsWith("<") ? "wall.limit_low" : "wall.limit_high", {limit: writer.value(row.limit, Number.isInteger(row.limit) ? 0 : row.decimals, "")})}`;
    fill(box, element("div", "", block, element("b", "sp", row.place)), element("div", "strip-end", element("span", "", value + limit), element("span", "st", `${writer.age(store.now() - row.raised)} · ${row.acked ? row.acked_by ?? say("wall.acknowledged") : say("wall.unacknowledged").toLowerCase()}`)));
  }

  return {render};
}
