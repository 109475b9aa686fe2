// How an alert is told: badge, state, value, limit, times. Words only; nothing here draws a page.

import {element} from "../dom.mjs";
import {SHAPES, svg} from "../marks.mjs";

const DAY_MS = 86_400_000;

export function standing(row) {
  if (row.closed !== null) return "closed";
  if (!row.active) return row.acked ? "acked" : "returned";
  return row.acked ? "acked" : "unacked";
}

export const isOwed = (row) => row.closed === null && !row.acked;

export function createDescription(writer, store) {
  const {say} = writer;

  function badge(row, {flash = true} = {}) {
    const look = {unacked: `s${row.severity}`, acked: `ack k${row.severity}`, returned: "rtn", closed: `ack k${row.severity}`}[standing(row)];
    const node = element("span", `sev ${look}`, svg(SHAPES[row.severity]), element("span", "", String(row.severity)), element("span", "", say(`severity.${row.severity}`)));
    if (flash && row.severity === 1 && standing(row) === "unacked") node.classList.add("flash");
    return node;
  }

  const state = (row) => say(`alerts.state.${standing(row)}`);

  function notes(row) {
    return [row.late && say("wall.late"), row.corrected && say("wall.corrected"), row.simulated && say("wall.simulated_short")].filter(Boolean);
  }

  // A category's number is that of a state; its word is what a reader knows.
  function amount(row, value) {
    if (value === null || value === undefined) return {text: "–", unit: ""};
    if (row.kind === "category") {
      const name = Object.entries(row.states ?? {}).find(([, number]) => number === Math.round(value))?.[0];
      return {text: name ? say(`state.${name}`).replace("state.", "") : "–", unit: ""};
    }
    return {text: writer.number(value, row.decimals), unit: row.unit ?? ""};
  }

  function written(row, value) {
    const {text, unit} = amount(row, value);
    return unit ? `${text}\u00a0${unit}` : text;
  }

  function limit(row, {unit = false} = {}) {
    if (row.limit === null || row.limit === undefined || row.kind === "category") return "";
    const text = writer.value(row.limit, Number.isInteger(row.limit) ? 0 : row.decimals, unit ? row.unit : "");
    return row.op?.startsWith("<") ? say("wall.limit_low", {limit: text}) : text;
  }

  // Today's as a time, an older one with its day.
  function moment(ms, {seconds = false} = {}) {
    if (ms === null || ms === undefined) return "–";
    const time = seconds ? writer.time(ms) : writer.time(ms).slice(0, 5);
    const day = writer.date(ms);
    if (day === writer.date(store.now())) return time;
    return `${time} ${store.now() - ms < 300 * DAY_MS ? day.slice(0, 5) : day}`;
  }

  const age = (row) => writer.age((row.closed === null ? store.now() : row.returned ?? row.closed) - row.raised);

  // The newest value of what the alert is about, when this screen has it.
  function current(row) {
    const value = store.states.get(String(row.thing))?.values?.[row.code];
    return row.closed === null && value && value[0] !== null ? value[0] : null;
  }

  return {say, badge, state, notes, amount, written, limit, moment, age, current};
}
