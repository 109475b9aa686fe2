// One alert: what happened, what to do first, the hours around it, and its log.

import {createAround} from "../around.mjs";
import {element, fill} from "../dom.mjs";
import {SHAPES, svg} from "../marks.mjs";
import {ask} from "./api.mjs";
import {drawChart} from "./chart.mjs";
import {isOwed} from "./describe.mjs";
import {message} from "./list.mjs";

const SETTLE_MS = 120; // a key held down passes rows: only where it stops is read

export function createDetail(box, told, writer, {actions}) {
  const {say} = told;
  const around = createAround(writer);
  let shown = null; // id
  let found = null; // what the server said of it
  let drawn = null; // the row as it stands on the page
  let asking = null;
  let timer = null;

  function show(row) {
    clearTimeout(timer);
    if (!row) {
      shown = found = null;
      fill(box, message("tray", say("alerts.none_chosen"), say("alerts.choose")));
      return;
    }
    if (row.id !== shown) {
      shown = row.id;
      found = null;
      actions.close();
      draw(row);
      box.scrollTop = 0;
    } else if (!found || JSON.stringify(found.row) === JSON.stringify(row)) return;
    timer = setTimeout(refresh, SETTLE_MS);
  }

  async function refresh() {
    if (shown === null) return;
    asking?.abort();
    asking = new AbortController();
    const id = shown;
    const answer = await ask(`/desk/alerts/${id}`, {signal: asking.signal});
    if (id !== shown || answer.aborted) return;
    if (answer.ok) {
      if (!found) around.read(); // where it lies does not change with its values
      found = answer.body;
      draw(found.row);
    } else if (!found) fill(box.querySelector(".dc"), message("warn", say("alerts.unread"), say("alerts.unread_why")));
  }

  function draw(row) {
    drawn = row;
    const parts = [head(row), figures(row), element("div", "dc"), todo(row), actions.bar(row, found?.steps), around.show(row.id, row.thing), timeline(row), why(row)];
    // Actions hold what somebody is typing: their own node stays in place.
    const kept = new Set(parts.filter((part) => part?.dataset.kept));
    const next = parts.filter(Boolean);
    for (const old of [...box.childNodes]) if (!kept.has(old)) old.remove();
    let at = box.firstChild;
    for (const node of next) {
      if (node === at) at = at.nextSibling;
      else box.insertBefore(node, at);
    }
    chart(row);
    tick();
  }

  function head(row) {
    const place = element("h2", "", row.place);
    place.tabIndex = -1;
    const where = [row.commune, row.name, ...told.notes(row)].filter(Boolean).join(" · ");
    const thing = element("a", "", say("alerts.thing_page"));
    thing.href = `/thing/${row.thing}?${new URLSearchParams({property: row.code, ...(row.limit === null ? {} : {limit: row.limit, of: row.property})})}`;
    const state = element("span", "st", element("span", "ag"), `, ${told.state(row)}`);
    return element("header", "dh", element("div", "dt", told.badge(row), element("span", "sp"), state), place, element("p", "dw", where, element("br"), thing), held(row));
  }

  function held(row) {
    if (!row.mask || row.closed !== null) return null;
    return element("p", "mask", element("b", "", told.state(row)), element("span", "", told.held(row)));
  }

  function figures(row) {
    const now = told.current(row);
    const {text, unit} = told.amount(row, now ?? row.result);
    const value = row.stale ? element("b", "word", say("wall.stale")) : element("b", row.kind === "category" ? "word" : "", text);
    const lines = [now === null ? null : say("alerts.at_begin", {value: told.written(row, row.result)}), row.peak !== null && row.kind !== "category" ? say("alerts.peak", {value: told.written(row, row.peak)}) : null];
    const limit = told.limit(row, {unit: true});
    const law = [limit && say("alerts.limit", {limit}), row.legal_ref].filter(Boolean).join(" · ");
    return element("div", "df", value, row.stale ? null : element("i", "", unit), element("span", "", element("span", "", [row.property_name, ...lines.filter(Boolean)].join(" · ")), element("small", "", law)));
  }

  function chart(row) {
    const place = box.querySelector(".dc");
    if (!found) return fill(place, element("div", "hold"));
    const drawn = found.chart && drawChart(found.chart, row, told, writer, Math.max(280, place.clientWidth));
    place.replaceChildren(drawn ?? message("tray", say("alerts.no_values"), say("alerts.no_values_why")));
  }

  const todo = (row) => row.action ? element("div", "todo", element("b", "", say("alerts.to_do")), element("p", "", row.action)) : null;

  function why(row) {
    if (!row.cause && !row.consequence) return null;
    const terms = element("dl", "why");
    for (const name of ["cause", "consequence"]) if (row[name]) terms.append(element("dt", "", say(`alerts.${name}`)), element("dd", "", row[name]));
    return terms;
  }

  function timeline(row) {
    const list = element("ol", "log");
    for (const line of found?.log ?? []) list.append(entry(row, line));
    return element("section", "tl", element("h3", "", say("alerts.timeline")), found ? list : element("div", "hold"));
  }

  function entry(row, line) {
    const severity = line.payload.severity ?? (line.kind === "RAISE" ? row.severity : null);
    const dot = element("span", severity ? `dot k${severity}` : "dot", severity && ["RAISE", "SEV_UP", "SEV_DOWN"].includes(line.kind) ? svg(SHAPES[severity]) : element("i"));
    const system = !line.actor || ["evaluator", "desk"].includes(line.actor);
    const who = system ? say("alerts.system") : line.name;
    return element("li", "", dot, element("div", "", element("div", "", element("time", "", told.moment(line.recorded, {seconds: true})), " ", element("b", "", who)), element("div", "what", said(row, line))));
  }

  function said(row, line) {
    const {payload} = line;
    const parts = [say(`alert.kind.${line.kind}`)];
    if (payload.result !== undefined) parts.push(told.written({...row, states: found.chart?.states ?? row.states}, payload.result));
    if (payload.to !== undefined) parts.push(line.kind === "HANDLING" ? say(`alert.handling.${payload.to}`) : payload.to);
    if (payload.mask) parts.push(say(`alert.mask.${payload.mask}`));
    if (payload.until) parts.push(say("alerts.until", {time: told.moment(payload.until / 1000)}));
    if (payload.reason) parts.push(say(`alert.reason.${payload.reason}`).replace("alert.reason.", ""));
    if (payload.note) parts.push(`“${payload.note}”`);
    // In event time it happened when the data say so; the log stands where it became known.
    if (Math.abs(line.time - line.recorded) > 60_000) parts.push(say("alerts.happened", {time: told.moment(line.time, {seconds: true})}));
    return parts.join(" · ");
  }

  function tick() {
    const age = box.querySelector(".ag");
    if (age && drawn) fill(age, told.age(drawn));
  }

  addEventListener("resize", () => found && chart(found.row));
  return {show, refresh, tick, get row() { return found?.row.id === shown ? found.row : null; }, get isOwed() { return Boolean(found && isOwed(found.row)); }};
}
