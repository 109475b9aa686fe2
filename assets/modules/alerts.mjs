// The alert list: the most urgent pinned, then as many rows as the wall holds, then a number.

import {element, fill} from "./dom.mjs";
import {SHAPES, SIGNS, svg} from "./marks.mjs";

// A category's number is that of a state and means nothing to a reader: the rule's name says it.
const isCategory = (row) => row.kind === "category";
const LONGEST_LAW = 44; // characters that stand in one line of the pinned alert
const MOST_ROWS = 6; // with the pinned one seven: what a person takes in at a glance

export function createAlerts(parts, store, {writer, mayAcknowledge, onThing, acknowledge, most = MOST_ROWS}) {
  const {say} = writer;
  const waiting = new Set(); // acknowledgements on their way

  function render() {
    if (!store.loaded) return;
    const rows = store.alerts.open;
    const [first, ...rest] = rows;
    parts.pinned.hidden = !first;
    parts.empty.hidden = Boolean(first);
    parts.counts.hidden = !first;
    parts.list.hidden = !first;
    if (first) {
      parts.pinned.dataset.thing = first.thing;
      parts.pinned.dataset.alert = first.id;
      fill(parts.pinned, ...pinned(first));
      fill(parts.counts, ...counts());
      const room = capacity();
      const shown = rest.slice(0, room);
      fill(parts.list, ...shown.map(item));
      const hidden = store.alerts.total - 1 - shown.length;
      // Beside a total of thousands the rest says nothing new, and has no room.
      if (hidden > 0 && store.alerts.total < 1000) parts.counts.append(element("span", "sp"), element("span", "", say("wall.more", {n: writer.number(hidden)})));
    } else fill(parts.empty, ...nothing());
    announce(first);
  }

  // Rows the list has room for; a page that scrolls shows them all up to the most.
  function capacity() {
    if (getComputedStyle(parts.list).overflowY === "visible") return most;
    const u = parseFloat(getComputedStyle(parts.clock).fontSize) / 34;
    return Math.max(1, Math.min(most, Math.floor(parts.list.clientHeight / (48.8 * u) + 0.05)));
  }

  function pinned(row) {
    const age = writer.age(store.now() - row.raised);
    const block = mark(row);
    block.append(element("div", "un", row.active || row.acked ? `${age}\n${status(row)}` : status(row)));
    if (row.severity === 1 && !row.acked && row.active && !row.mask) block.classList.add("flash");
    const value = element("div", "bv");
    if (row.stale) value.append(element("b", "", say("wall.stale")));
    else if (!isCategory(row)) value.append(element("b", "", measured(row)), element("i", "", row.unit ?? ""));
    value.append(element("span", "", element("b", "", row.name), notes(row).map((note) => ` · ${note}`).join(""), document.createElement("br"), [limit(row, row.unit), law(row)].filter(Boolean).join(" · ")));
    return [block, element("div", "bx",
      element("div", row.place.length > 27 ? "bp long" : "bp", row.place),
      value,
      row.action ? element("div", "ba", element("b", "", `${say("wall.to_do")} `), row.action) : null,
      element("div", "bo", element("span", "", [row.assignee && say("wall.owner", {name: row.assignee}), row.commune].filter(Boolean).join(" · ")), button(row, "btn p")))];
  }

  function item(row) {
    const open = element("button", "", row.place);
    open.type = "button";
    open.setAttribute("aria-label", `${say(`severity.${row.severity}`)}: ${row.place}`);
    const line = element("div", "de");
    if (row.stale) line.append(element("span", "", element("b", "", say("wall.stale"))), element("span", "", row.name));
    else if (isCategory(row)) line.append(element("b", "", row.name));
    else line.append(element("span", "", `${row.name} `, element("b", "", measured(row)), row.unit ? `\u00a0${row.unit}` : ""));
    const second = row.active ? limit(row) : say("wall.returned_short");
    if (second) line.append(element("span", "", second));
    for (const note of notes(row)) line.append(element("span", "", note));
    const place = element("div", row.place.length > 26 ? "pl long" : "pl", open);
    const entry = element("li", `ar ${standing(row)}`, mark(row), place, element("div", "t", writer.age(store.now() - row.raised)), line,
      button(row, "btn o-btn") ?? element("div", "o", status(row)));
    entry.dataset.thing = row.thing;
    entry.dataset.alert = row.id;
    return entry;
  }

  function mark(row) {
    const look = {unacked: `full s${row.severity}`, acked: "ack", returned: "rtn"}[standing(row)];
    return element("div", `blk ${look} k${row.severity}`,
      element("div", "a", svg(SHAPES[row.severity]), element("b", "", String(row.severity))),
      element("div", "w", say(`severity.${row.severity}`)));
  }

  function limit(row, unit = "") {
    if (row.limit === null || row.limit === undefined || isCategory(row)) return "";
    const key = row.op.startsWith("<") ? "wall.limit_low" : "wall.limit_high";
    return say(key, {limit: writer.value(row.limit, decimals(row), unit)});
  }

  function measured(row) {
    return writer.number(row.result, row.decimals);
  }

  function status(row) {
    if (waiting.has(row.id)) return say("wall.acknowledging");
    if (row.mask) return say(`alert.mask.${row.mask}`);
    if (row.acked) return row.acked_by ?? say("wall.acknowledged");
    return row.active ? say("wall.unacknowledged") : say("wall.returned_unacknowledged");
  }

  function notes(row) {
    return [row.late && say("wall.late"), row.corrected && say("wall.corrected"), row.simulated && say("wall.simulated_short")].filter(Boolean);
  }

  function counts() {
    const total = element("a", "", say("wall.open_alerts", {n: writer.number(store.alerts.total)}));
    total.href = "/alerts";
    const badges = [1, 2, 3, 4].map((severity) => {
      const n = store.alerts.counts[severity] ?? 0;
      const badge = element("span", n ? `sev s${severity}` : "sev none", svg(SHAPES[severity]), element("span", "", writer.number(n)));
      badge.setAttribute("aria-label", `${say(`severity.${severity}`)}: ${n}`);
      return badge;
    });
    return [total, ...badges];
  }

  function nothing() {
    const at = store.health.evaluator;
    const desk = element("a", "", say("alerts.open_desk"));
    desk.href = "/alerts";
    return [svg(SIGNS.tray), element("b", "", say("wall.no_alerts")),
      element("p", "", at ? say("wall.checked", {time: writer.time(at)}) : say("wall.never_checked")), desk];
  }

  function button(row, className) {
    if (!mayAcknowledge || row.acked || row.mask) return null;
    const node = element("button", className, waiting.has(row.id) ? say("wall.acknowledging") : say("wall.acknowledge"));
    node.type = "button";
    node.dataset.acknowledge = row.id;
    node.setAttribute("aria-label", `${say("wall.acknowledge")}: ${row.place}`);
    if (waiting.has(row.id)) node.disabled = true;
    return node;
  }

  // Read aloud once per alert, not at every change of a number.
  let announced = null;
  function announce(first) {
    if (!first || first.acked || first.mask || first.severity > 2 || announced === first.id) return;
    announced = first.id;
    const value = isCategory(first) ? "" : ` ${writer.value(first.result, first.decimals, first.unit)}`;
    parts.spoken.textContent = `${say(`severity.${first.severity}`)}: ${first.place}, ${first.name}${value}`;
  }

  async function onClick(event) {
    const press = event.target.closest("[data-acknowledge]");
    if (press) {
      const id = press.dataset.acknowledge;
      waiting.add(id);
      render();
      const done = await acknowledge(id);
      // The row itself comes back over the live line; until then the press stays visible.
      setTimeout(() => { waiting.delete(id); render(); }, done ? 3000 : 0);
      return;
    }
    const entry = event.target.closest("[data-thing]");
    if (entry) onThing(Number(entry.dataset.thing), store.alerts.open.find((row) => row.id === entry.dataset.alert));
  }
  parts.pinned.addEventListener("click", onClick);
  parts.list.addEventListener("click", onClick);
  parts.pinned.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === parts.pinned) onClick(event);
  });

  store.subscribe((changed) => {
    if (changed.has("alerts") || changed.has("loaded") || changed.has("health")) render();
  });
  addEventListener("resize", render);
  return {render};
}

// The first clause says which law; its explanation is for a desk, not for a wall.
function law(row) {
  const clause = (row.legal_ref ?? "").split(";")[0];
  return clause.length <= LONGEST_LAW ? clause : "";
}

function standing(row) {
  if (row.acked || row.mask) return "acked"; // held back: neither loud nor bright
  return row.active ? "unacked" : "returned";
}

function decimals(row) {
  return Number.isInteger(row.limit) ? 0 : row.decimals;
}
