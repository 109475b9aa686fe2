// How an alert is told: badge, state, value, limit, times. Words only; nothing here draws a page.

import {element} from "../dom.mjs";
import {SHAPES, svg} from "../marks.mjs";

const DAY_MS = 86_400_000;

export function standing(row) {
  if (row.closed !== null) return "closed";
  if (row.mask) return "masked";
  if (!row.active) return row.acked ? "acked" : "returned";
  return row.acked ? "acked" : "unacked";
}

export const isOwed = (row) => row.closed === null && !row.acked && !row.mask;

export function createDescription(writer, store) {
  const {say} = writer;

  function badge(row, {flash = true} = {}) {
    const look = {unacked: `s${row.severity}`, acked: `ack k${row.severity}`, returned: "rtn", closed: `ack k${row.severity}`, masked: `ack k${row.severity}`}[standing(row)];
    const node = element("span", `sev ${look}`, svg(SHAPES[row.severity]), element("span", "", String(row.severity)), element("span", "", say(`severity.${row.severity}`)));
    if (flash && row.severity === 1 && standing(row) === "unacked") node.classList.add("flash");
    return node;
  }

  function state(row) {
    if (row.mask && row.closed === null) return row.masked_until === null ? say(`alert.mask.${row.mask}`) : say("alerts.masked_until", {mask: say(`alert.mask.${row.mask}`), time: moment(row.masked_until)});
    return say(`alerts.state.${standing(row)}`);
  }

  // Why it is held back, since when, by whom: what must never be forgotten stands on the row itself.
  function held(row) {
    if (!row.mask || row.closed !== null) return "";
    const parts = [row.mask_reason, row.masked_since && say("alerts.masked_since", {age: writer.age(store.now() - row.masked_since)}), row.mask_by];
    if (row.mask === "out_of_service" && row.severity === 1 && !row.mask_approved_by) parts.push(say("alerts.mask_unapproved"));
    return parts.filter(Boolean).join(" · ");
  }

  function notes(row) {
    return [row.late && say("wall.late"), row.corrected && say("wall.corrected"), row.simulated && say("wall.simulated_short")].filter(Boolean);
  }

  // A category's number is that of a state; its word is what a reader knows.
  function amount(row, value) {
    if (value === null || value === undefined) return {text: "–", unit: ""};
    if (row.kind === "category") {
      const name = Object.entries(row.states ?? {}).find(([, number]) => number === Math.round(value))?.[0];
      return {text: name ? say(`state.${name}`).replace("state.", "") : row.name ?? "–", unit: ""};
    }
    return {text: writer.number(value, row.decimals), unit: row.unit ?? ""};
  }

  function written(row, value) {
    const {text, unit} = amount(row, value);
    return unit ? `${text}\u00a0${unit}` : text;
  }

  function limit(row, {unit = false} = {}) {
    if (row.limit === null || row.limit === undefined || row.kind === "category") return "";
    if (typeof row.low === "number" && typeof row.high === "number") {
      const show = (value, last) => writer.value(value, Number.isInteger(value) ? 0 : Math.max(1, row.decimals), last && unit ? row.unit : "");
      return say(row.op === "inside" ? "alerts.limit_inside" : "alerts.limit_outside", {low: show(row.low), high: show(row.high, true)});
    }
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

  return {say, badge, state, held, notes, amount, written, limit, moment, age, current};
}
