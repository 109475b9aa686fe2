// Steps 2 and 3: the limits by level, from a regulation or of our own, and how patient the rule is.

import {element} from "../dom.mjs";
import {choices, keyOf, nameOf, pick, raising} from "./compared.mjs";
import {createHours} from "./hours.mjs";
import {addLevel, follow as followLimit, opOf, SEVERITIES, TWO_SIDED} from "./draft.mjs";
import {badge, button, field, heading, lock, number, select} from "./form.mjs";

const OPS = [">", ">=", "<", "<=", "outside", "inside"];
const MOST_LEVELS = 4;

export function createLimits(box, {state, writer, clock, change}) {
  const say = (key, values) => writer.say(`rules.${key}`, values);
  const show = (value) => writer.number(value, Math.max(state.property?.decimals ?? 1, digits(value)));
  const hours = createHours({state, writer, change});
  const digits = (value) => Math.min(4, (String(value).split(".")[1] ?? "").length);

  function render() {
    const focused = document.activeElement?.id;
    box.replaceChildren(...levels(), ...patience());
    if (focused) document.getElementById(focused)?.focus();
  }

  // While a line is dragged only its number follows; the rest of the form stands still.
  function follow() {
    state.draft.levels.forEach((level, index) => {
      for (const key of ["limit", "low", "high"]) {
        const control = document.getElementById(`level-${index}-${key}`);
        if (control && level[key] !== null) control.value = show(level[key]);
      }
    });
  }

  function levels() {
    const {draft, options} = state;
    const own = options.limits.filter((one) => one.property === draft.property);
    const more = draft.levels.length < MOST_LEVELS && opOf(draft) !== null && !TWO_SIDED.includes(draft.op) ? button(say("add_level"), () => { addLevel(draft); change(); }, "link") : null;
    const preset = field(say("preset"), select([["", say("own_limit")], ...own.map((one) => [one.id, presetName(one)])], draft.preset, pickPreset, {id: "rule-preset"}));
    [...preset.querySelectorAll("option")].forEach((option, i) => { if (i > 0) option.disabled = !own[i - 1].in_force; });
    const chosen = own.find((one) => one.id === draft.preset);
    return [heading(2, say("step2"), more), preset, chosen ? locked(chosen) : free(), table(), ...named()];
  }

  function presetName(limit) {
    const value = [limit.low, limit.high].filter((one) => one !== null).map(show).join(" – ");
    const until = limit.in_force ? "" : ` (${say("not_in_force")})`;
    return `${limit.standard}: ${averaging(limit.averaging)}, ${value}${limit.unit ? ` ${limit.unit}` : ""}${until}`;
  }

  function averaging(window) {
    return window ? say(`window_${window.function ?? window.fn}`, {length: clock.lasting(window.length_s ?? window.length)}) : say("each_value");
  }

  function pickPreset(id) {
    followLimit(state.draft, state.options.limits.find((one) => one.id === id) ?? null);
    change({history: true});
  }

  function locked(limit) {
    const dates = limit.valid_from ? say("valid_from", {date: limit.valid_from.split("-").reverse().join("/")}) : "";
    const before = state.options.limits.find((one) => one.standard === limit.standard && one.property === limit.property && !one.in_force && one.averaging?.length_s === limit.averaging?.length_s);
    const words = element("div", "", element("b", "", limit.standard), ` ${limit.title}`, element("br"),
      say("locked", {window: averaging(limit.averaging), unit: limit.unit || say("no_unit")}), " ", dates, before ? ` ${say("before", {value: show(before.high ?? before.low)})}` : "",
      element("br"), limit.source, element("br"), say(`confidence_${limit.confidence}`));
    return element("div", "lockbox sm", lock(), words);
  }

  function free() {
    const {draft, property} = state;
    const known = choices(property, say, clock.lasting), now = keyOf(draft);
    const all = known.some(([key]) => key === now) ? known : [...known, [now, nameOf(draft, say, clock.lasting)]];
    const what = field(say("compare"), select(all, now, (key) => { pick(draft, key); change({history: true}); }, {id: "rule-window"}));
    if (opOf(draft) === null) return what;
    return element("div", "g2", what, field(say("op"), select(OPS.map((op) => [op, say(`op_${OPS.indexOf(op)}`)]), draft.op, pickOp, {id: "rule-op"})));
  }

  // Of a category the number means nothing to a reader: which states raise it does.
  function named() {
    const {draft, property} = state;
    if (!property?.states.length || opOf(draft) === null) return [];
    return draft.levels.map((level) => element("p", "sm", badge(level.severity, writer), " ", say("raised_by"), " ", element("b", "", raising(property.states, draft.op, level).join(", ") || "–")));
  }

  function pickOp(op) {
    const {draft} = state;
    const two = TWO_SIDED.includes(op);
    for (const level of draft.levels) {
      const value = level.limit ?? level.high ?? level.low;
      Object.assign(level, two ? {limit: null, low: level.low ?? (value === null ? null : value * 0.8), high: level.high ?? value} : {limit: value, low: null, high: null});
    }
    draft.op = op;
    change();
  }

  function table() {
    const silent = opOf(state.draft) === null;
    const keys = silent ? [] : TWO_SIDED.includes(state.draft.op) ? ["low", "high"] : ["limit"];
    const heads = [say("level"), ...keys.map((key) => say(key)), ...(silent ? [] : [say("deadband")]), ""];
    const head = element("tr", "", ...heads.map((words, i) => element("th", i === 0 || i === heads.length - 1 ? "" : "r", words)));
    return element("table", "lv", element("thead", "", head), element("tbody", "", ...state.draft.levels.map((level, index) => row(level, index, keys))));
  }

  function row(level, index, keys) {
    const {draft} = state;
    const name = (key) => `${say(key)} ${writer.say(`severity.${SEVERITIES.indexOf(level.severity) + 1}`)}`;
    const severity = select(SEVERITIES.map((one) => [one, `${SEVERITIES.indexOf(one) + 1} ${writer.say(`severity.${SEVERITIES.indexOf(one) + 1}`)}`]), level.severity, (value) => { level.severity = value; change(); }, {id: `level-${index}-severity`, ariaLabel: say("level")});
    const cell = (key) => element("td", "", number(level[key], show, (value) => { level[key] = value; change(); }, {id: `level-${index}-${key}`, disabled: Boolean(level.locked), ariaLabel: name(key)}));
    const band = element("td", "", number(level.deadband, show, (value) => { level.deadband = Math.max(0, value ?? 0); draft.touched.add("deadband"); change(); }, {id: `level-${index}-deadband`, ariaLabel: name("deadband")}));
    const drop = draft.levels.length > 1 && !level.locked ? button("×", () => { draft.levels.splice(index, 1); change(); }, "drop") : level.locked ? lock() : null;
    drop?.setAttribute("aria-label", level.locked ? say("locked_short") : say("drop_level"));
    return element("tr", "", element("td", "", element("div", "lvl", badge(level.severity, writer), severity)), ...keys.map(cell), ...(keys.length ? [band] : []), element("td", "", drop));
  }

  function patience() {
    const {draft} = state;
    const minutes = (key, label, allowed = (value) => value, more = {}) => field(label, unit(number(draft[key] === null ? null : draft[key] / 60, (value) => writer.number(value, Number.isInteger(value) ? 0 : 1), (value) => { draft[key] = value === null ? null : allowed(Math.max(0, value) * 60); draft.touched.add(key); change(); }, {id: `rule-${key}`, ...more}), say("minute")));
    const coverage = draft.window ? field(say("coverage"), unit(number(draft.window.coverage * 100, (value) => writer.number(value, 0), (value) => { draft.window.coverage = Math.min(100, Math.max(1, value ?? 75)) / 100; change(); }, {id: "rule-coverage", disabled: Boolean(draft.preset)}), "%")) : field(say("samples"), number(draft.minSamples, (value) => writer.number(value, 0), (value) => { draft.minSamples = Math.max(1, Math.round(value ?? 1)); change(); }, {id: "rule-samples"}));
    return [heading(3, say("step3")), element("div", "g2", minutes("onDelay", say("on_delay")), minutes("offDelay", say("off_delay")), coverage, minutes("staleAfter", say("stale_after"), (value) => value || null, {placeholder: say("stale_default")})), ...hours.rows(), element("p", "xs mut", say("covered", {share: state.history ? writer.number(state.history.coverage * 100, 1) : "–"}))];
  }

  const unit = (control, words) => element("div", "with", control, element("span", "mut", words));

  return {render, follow};
}
