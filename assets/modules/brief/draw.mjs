// The state as a leader reads it: sentence, four counts, three worst.

import {element, fill} from "../dom.mjs";
import {SHAPES, SIGNS, svg} from "../marks.mjs";

const NS = "http://www.w3.org/2000/svg";
const COUNTS = [["critical", 1, "/alerts?severity=1"], ["high", 2, "/alerts?severity=2"], ["overdue", 0, "/alerts"], ["silent", 0, "/wall"]];

export function createDrawing(parts, {writer, store, mayDirect}) {
  const {say} = writer;

  function badge(severity) {
    return element("span", `sev s${severity}`, svg(SHAPES[severity]), element("span", "", String(severity)), element("span", "", say(`severity.${severity}`)));
  }

  function count([name, severity, href], found) {
    const head = severity ? badge(severity) : element("b", "name", say(`brief.${name}`));
    const trend = element("div", "trend", found.day ? element("b", "", found.day) : element("span", "", say("brief.no_past")), element("span", "", found.week));
    const node = element("a", "count", element("div", "head", head), element("div", "number", element("b", "", writer.number(found.n)), trend, found.path ? element("span", "days dim", say("brief.days")) : null));
    node.href = href;
    node.dataset.count = name;
    node.append(spark(found.path, found.end, 250, 30));
    return node;
  }

  function worst(row) {
    const node = element("article", row.active ? "" : "back");
    node.dataset.alert = row.id;
    const chart = press("btn t", say("brief.chart"), "chart", row.place);
    const lines = element("div", "what", element("b", "place", row.place), element("div", "detail", [row.detail, row.law].filter(Boolean).join(" · ")));
    const day = element("div", "day");
    if (row.spark) day.append(spark(row.spark, row.end, 150, 44), element("span", "dim", say("brief.hours")));
    const acts = element("div", "acts", element("span", "dim", row.who ?? say("brief.unassigned")), element("span", "sp"), chart);
    if (mayDirect) acts.append(press("btn t p", say("brief.direct"), "direct", row.place));
    node.append(element("div", "top", badge(row.severity), element("span", "dim age")), element("div", "middle", lines, day));
    if (row.direction) node.append(element("p", "directed", say("brief.directed", {note: row.direction})));
    node.append(acts);
    return node;
  }

  function press(look, text, act, place) {
    const node = element("button", look, text);
    node.type = "button";
    node.dataset.act = act;
    node.setAttribute("aria-label", `${text}: ${place}`);
    return node;
  }

  let shown = null;
  function show(state) {
    shown = state;
    fill(parts.sentence, ...state.sentence.map(([text, strong]) => (strong ? element("b", "", text) : text)));
    fill(parts.counts, ...COUNTS.map((one) => count(one, state.counts[one[0]])));
    fill(parts.worst, ...(state.worst.length ? state.worst.map(worst) : [nothing()]));
    ages();
  }

  // Ages live between two states, on the server's clock.
  function ages() {
    for (const row of shown?.worst ?? []) {
      const place = parts.worst.querySelector(`[data-alert="${row.id}"] .age`);
      if (place) place.textContent = age(row);
    }
  }

  function age(row) {
    const now = store.now();
    if (!row.active) return say("brief.returned");
    if (!row.acked) return say("brief.unanswered", {age: writer.age(now - row.raised)});
    if (row.due === null) return writer.age(now - row.raised);
    return say(row.due > now ? "brief.left" : "brief.late", {age: writer.age(Math.abs(row.due - now))});
  }

  function nothing() {
    const at = store.health.evaluator;
    return element("div", "state", svg(SIGNS.tray), element("b", "", say("brief.nothing")), element("p", "", at ? say("wall.checked", {time: writer.time(at)}) : say("wall.never_checked")));
  }

  function trouble(title, why) {
    const again = press("btn t", say("brief.retry"), "retry", "");
    fill(parts.worst, element("div", "state", svg(SIGNS.warn), element("b", "", say(title)), element("p", "", say(why)), title === "brief.failed" ? again : null));
    fill(parts.sentence, say(title));
    parts.counts.replaceChildren();
  }

  return {show, ages, trouble, get state() { return shown; }};
}

function spark(path, end, width, height) {
  const drawing = document.createElementNS(NS, "svg");
  for (const [name, value] of Object.entries({viewBox: `0 0 ${width} ${height}`, class: "spark", "aria-hidden": "true"})) drawing.setAttribute(name, value);
  const line = document.createElementNS(NS, "path");
  line.setAttribute("d", path || "M0 0");
  drawing.append(line);
  if (path && end) {
    const dot = document.createElementNS(NS, "circle");
    for (const [name, value] of Object.entries({cx: end[0], cy: end[1], r: 4})) dot.setAttribute(name, value);
    drawing.append(dot);
  }
  return drawing;
}
