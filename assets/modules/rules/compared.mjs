// What a rule compares: values as they come or over a window, how fast they change, how far they
// are from usual, or that none come at all. Values only: no DOM.

const HOUR = 3_600;
const WINDOWS = [1, 3, 6, 8, 12, 24].map((n) => n * HOUR);
const CHANGES = [600, HOUR, 3 * HOUR, 6 * HOUR, 24 * HOUR];
const USUAL = [HOUR, 6 * HOUR, 24 * HOUR];

// [key, words] of each choice for a property; `say(key, values)` writes, `lasting` says a duration.
export function choices(property, say, lasting) {
  const silent = ["no_data||", say("no_data")];
  if (property?.kind === "category") return [["value||", say("each_value")], silent];
  const functions = {mean: ["mean", "max"], sum: ["sum", "max"]}[property?.how] ?? ["max"];
  const over = (input, fn, length) => [`${input}|${fn ?? ""}|${length}`, say(wordOf(input, fn), {length: lasting(length)})];
  return [
    ["value||", say("each_value")],
    ...functions.flatMap((fn) => WINDOWS.map((length) => over("value", fn, length))),
    ...CHANGES.map((length) => over("rate", null, length)),
    ...["mean", "median"].flatMap((fn) => USUAL.map((length) => over("deviation", fn, length))),
    silent,
  ];
}

export const wordOf = (input, fn) => (input === "value" ? `window_${fn}` : fn ? `${input}_${fn}` : input);

export function keyOf({input, window}) {
  return window ? `${input}|${window.fn ?? ""}|${window.length}` : `${input}||`;
}

// What a choice is, in words, also one that the list does not offer.
export function nameOf({input, window}, say, lasting) {
  if (input === "no_data") return say("no_data");
  return window ? say(wordOf(input, window.fn), {length: lasting(window.length)}) : say("each_value");
}

export function pick(draft, key) {
  const [input, fn, length] = key.split("|");
  const before = draft.input;
  draft.input = input;
  draft.window = length ? {fn: fn || null, length: Number(length), coverage: 0.75} : null;
  if (input === "no_data") {
    draft.schedule = null;
    draft.levels = [{...draft.levels[0], limit: null, low: null, high: null, deadband: 0}];
  }
  if (before !== input) draft.levels.forEach((level) => Object.assign(level, {limit: null, low: null, high: null, deadband: null}));
  if (before === "no_data" && draft.op === null) draft.op = ">";
  if (before !== input) draft.touched = new Set();
}

// The states of a category that lie beyond a level.
export function raising(states, op, level) {
  const {limit, low, high} = level;
  const beyond = {">": (v) => v > limit, ">=": (v) => v >= limit, "<": (v) => v < limit, "<=": (v) => v <= limit, outside: (v) => v < low || v > high, inside: (v) => v > low && v < high}[op];
  return beyond ? states.filter((one) => beyond(one.value)).map((one) => one.name) : [];
}
