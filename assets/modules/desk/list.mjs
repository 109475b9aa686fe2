// The list: one row an alert, kept by its id, so that focus, selection and scroll survive any update.

import {element, fill} from "../dom.mjs";
import {SIGNS, svg} from "../marks.mjs";
import {isOwed, standing} from "./describe.mjs";

export const MOST_SELECTED = 100; // one press answers for no more than somebody has looked through
const CALM_FLASHES = 7; // more at once is no signal any more
const COLUMNS = ["severity", "state", "place", "property", "value", "limit", "start", "age", "owner"];
const NUMERIC = new Set(["value", "limit", "start", "age"]);

export function createList(box, told, {mayAct, onCurrent, onOpen, onSelect, onGroup}) {
  const {say} = told;
  const nodes = new Map(); // id -> {tr, text, row}
  const headings = new Map(); // area and rule -> {tr, words, open, group}
  const selected = new Set();
  let rows = [];
  let current = null;

  const all = element("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", say("alerts.select_all"));
  const head = element("tr", "", mayAct ? element("th", "c-pick", all) : null, ...COLUMNS.map((name) => {
    const cell = element("th", `c-${name}${NUMERIC.has(name) ? " r" : ""}`, say(`alerts.column.${name}`));
    cell.scope = "col";
    return cell;
  }));
  const body = element("tbody");
  const table = element("table", "", element("thead", "", head), body);
  table.setAttribute("aria-label", say("alerts.title"));
  box.replaceChildren(table);
  // Narrow lists hide columns; a heading over more than are shown would make room for empty ones.
  const shown = () => [...head.children].filter((cell) => getComputedStyle(cell).display !== "none").length;
  new ResizeObserver(() => {
    const span = shown();
    for (const {tr} of headings.values()) {
      if (tr.firstChild.colSpan === span) continue;
      const cell = element("td", "", ...tr.firstChild.childNodes); // Chromium lays an old one out as before
      cell.colSpan = span;
      tr.replaceChildren(cell);
    }
  }).observe(box);

  function render(listing) {
    rows = listing.rows;
    const groups = new Map(listing.groups.filter((group) => group.total > 1).map((group) => [group.first, group]));
    const alarming = rows.filter((row) => row.severity === 1 && standing(row) === "unacked").length;
    body.classList.toggle("many", alarming > CALM_FLASHES);
    const kept = new Set(rows.map((row) => row.id));
    for (const id of nodes.keys()) if (!kept.has(id)) nodes.delete(id);
    for (const id of selected) if (!rows.some((row) => row.id === id && isOwed(row))) selected.delete(id);
    const order = [];
    for (const row of rows) {
      const group = groups.get(row.id); // one alone needs no heading
      if (group) order.push(heading(group));
      order.push(node(row, group));
    }
    const hadFocus = body.contains(document.activeElement);
    arrange(body, order, hadFocus ? document.activeElement.closest("tr") : null);
    tellSelection();
    if (!rows.length) return move(null);
    const at = rows.findIndex((row) => row.id === current?.id);
    if (at >= 0) {
      move(rows[at], {focus: false});
      return onCurrent(current); // the same one, perhaps changed
    }
    // What stood there is gone: whatever took its place is next.
    move(rows[Math.min(lastIndex, rows.length - 1)], {focus: hadFocus});
  }

  function node(row, group) {
    let kept = nodes.get(row.id);
    if (!kept) {
      const tr = element("tr");
      tr.tabIndex = -1;
      tr.dataset.id = row.id;
      kept = {tr, text: ""};
      nodes.set(row.id, kept);
    }
    kept.row = row;
    const text = JSON.stringify([row, Boolean(group), told.moment(row.raised), told.held(row)]);
    if (kept.text !== text) {
      kept.text = text;
      kept.tr.className = `al ${standing(row)}${row.stale ? " silent" : ""}`;
      const cells = draw(row, group);
      const pick = mayAct ? element("td", "c-pick", picker(row, kept.tr)) : null;
      kept.tr.replaceChildren(...[pick, ...cells].filter(Boolean));
    }
    return kept.tr;
  }

  function draw(row, group) {
    const age = element("span", "ag", told.age(row));
    const owner = row.assignee ?? row.acked_by ?? "–";
    const limit = told.limit(row);
    const value = row.stale ? say("wall.stale") : told.written(row, row.result);
    const notes = told.notes(row);
    const cells = {
      severity: [told.badge(row)],
      state: [element("span", "", told.state(row)), group ? element("b", "first", say("alerts.first_out")) : null, element("small", "who", owner === "–" ? "" : owner)],
      place: [element("span", "pn", row.place), element("small", "", notes.join(" · ")), element("small", "held", told.held(row))],
      property: [row.property_name],
      value: [element("span", "v", value), element("small", "lim", limit)],
      limit: [limit || "–"],
      start: [told.moment(row.raised)],
      age: [age],
      owner: [owner],
    };
    return COLUMNS.map((name) => element("td", `c-${name}${NUMERIC.has(name) ? " r" : ""}`, ...cells[name]));
  }

  function picker(row, tr) {
    if (!isOwed(row)) return null;
    const box = element("input");
    box.type = "checkbox";
    box.tabIndex = -1; // the row is the stop; x or space takes the box
    box.checked = selected.has(row.id);
    box.setAttribute("aria-label", say("alerts.select_one", {place: row.place}));
    tr.setAttribute("aria-selected", String(box.checked));
    return box;
  }

  function heading(group) {
    const key = `${group.area} ${group.rule}`;
    if (!headings.has(key)) {
      const open = element("button", "btn");
      open.type = "button";
      const words = element("div", "gw");
      const tr = element("tr", "gr", element("td", "", element("div", "gl", words, open)));
      tr.firstChild.colSpan = shown();
      const kept = {tr, words, open};
      open.addEventListener("click", () => onGroup(kept.group));
      headings.set(key, kept);
    }
    const kept = headings.get(key);
    kept.group = group;
    const counts = say("alerts.group_counts", {n: group.total, unacked: group.unacked, time: told.moment(group.newest)});
    fill(kept.words, element("b", "", group.area_name ?? say("alerts.area_unknown")), element("span", "", group.name), element("span", "", counts));
    fill(kept.open, say("alerts.group_open", {n: group.total}));
    return kept.tr;
  }

  // ---------------------------------------------------------------- the current row

  let lastIndex = 0;
  function move(row, {focus = true, scroll = false} = {}) {
    const changed = row?.id !== current?.id;
    if (changed) nodes.get(current?.id)?.tr.removeAttribute("aria-current");
    for (const tr of body.querySelectorAll("tr[tabindex='0']")) tr.tabIndex = -1;
    current = row;
    lastIndex = row ? rows.indexOf(row) : 0;
    const tr = row && nodes.get(row.id)?.tr;
    if (tr) {
      tr.tabIndex = 0;
      tr.setAttribute("aria-current", "true");
      if (focus) tr.focus({preventScroll: true});
      if (scroll) reveal(tr);
    }
    if (changed) onCurrent(row);
    return tr;
  }

  // Not scrollIntoView: the head of the table lies over the first row.
  function reveal(tr) {
    const above = box.getBoundingClientRect().top + table.tHead.offsetHeight;
    const below = box.getBoundingClientRect().bottom;
    const {top, bottom} = tr.getBoundingClientRect();
    if (top < above) box.scrollTop -= above - top;
    else if (bottom > below) box.scrollTop += bottom - below;
  }

  function step(by) {
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.id === current?.id);
    const next = Math.max(0, Math.min(rows.length - 1, (at < 0 ? -1 : at) + by));
    move(rows[next], {scroll: true});
  }

  // ---------------------------------------------------------------- selection

  function toggle(id, on = !selected.has(id)) {
    const kept = nodes.get(id);
    if (!mayAct || !kept || !isOwed(kept.row)) return;
    if (on && selected.size < MOST_SELECTED) selected.add(id);
    else selected.delete(id);
    tellSelection();
  }

  function tellSelection() {
    for (const [id, {tr}] of nodes) {
      const tick = tr.querySelector("input[type=checkbox]");
      if (!tick) continue;
      tick.checked = selected.has(id);
      tr.setAttribute("aria-selected", String(tick.checked));
    }
    const owed = rows.filter(isOwed);
    all.checked = owed.length > 0 && selected.size === Math.min(owed.length, MOST_SELECTED);
    all.disabled = owed.length === 0;
    onSelect([...selected]);
  }

  all.addEventListener("change", () => {
    selected.clear();
    if (all.checked) for (const row of rows.filter(isOwed).slice(0, MOST_SELECTED)) selected.add(row.id);
    tellSelection();
  });
  body.addEventListener("click", (event) => {
    const tr = event.target.closest("tr[data-id]");
    if (!tr) return;
    if (event.target.closest(".c-pick")) {
      if (event.target.matches("input")) toggle(tr.dataset.id, event.target.checked);
      return;
    }
    move(nodes.get(tr.dataset.id).row);
    onOpen();
  });
  body.addEventListener("focusin", (event) => {
    const tr = event.target.closest("tr[data-id]");
    if (tr && tr.dataset.id !== current?.id) move(nodes.get(tr.dataset.id).row, {focus: false});
  });

  return {
    render,
    step,
    toggle,
    get current() { return current; },
    get rows() { return rows; },
    get selected() { return [...selected]; },
    clearSelection() { selected.clear(); tellSelection(); },
    show(id) { const row = rows.find((one) => one.id === id); return row ? move(row, {focus: false, scroll: true}) : null; },
    focus() { (nodes.get(current?.id)?.tr ?? box).focus({preventScroll: true}); },
    // Ages move on without anything new from the server.
    tick() { for (const {tr, row} of nodes.values()) fill(tr.querySelector(".ag"), told.age(row)); },
  };
}

// Puts `order` into `body` without touching `fixed`: a node that is moved loses the focus.
function arrange(body, order, fixed) {
  let at = body.firstChild;
  for (const node of order) {
    if (node === fixed) {
      while (at !== fixed) {
        const next = at.nextSibling;
        body.append(at);
        at = next;
      }
    }
    if (node === at) at = at.nextSibling;
    else body.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

export function message(sign, title, text, ...buttons) {
  return element("div", "state", svg(SIGNS[sign]), element("b", "", title), text ? element("p", "", text) : null, ...buttons);
}
