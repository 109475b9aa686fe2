// A rule under the hands of its author: what a form holds, what of it is a rule, what is missing.
// Values only: no DOM, no network. Durations are seconds.

export const SEVERITIES = ["critical", "high", "medium", "low"];
export const ABOVE = [">", ">="];
export const TWO_SIDED = ["outside", "inside"];
export const DAY_S = 86_400;
const UNITS = {d: DAY_S, h: 3_600, m: 60, s: 1, ms: 0.001};

// A number of seconds, or words like 4m59s as rule files write them.
export function seconds(value) {
  if (value === null || value === undefined) return null;
  if (typeof value === "number") return value;
  let sum = 0;
  for (const [, number, unit] of value.matchAll(/([\d.]+)(ms|d|h|m|s)/g)) sum += Number(number) * UNITS[unit];
  return sum;
}

export function empty(property = null) {
  return {
    id: null, base: null, name: "", property, unit: "", op: ">", preset: null, legal: "",
    levels: [{severity: "high", limit: null, low: null, high: null, deadband: null, locked: null}],
    input: "value", window: null, schedule: null, onDelay: null, offDelay: null, staleAfter: null, minSamples: 1,
    group: true, kind: null, feed: null, things: [], cause: "", consequence: "", action: "", owner: "",
    reason: "", kept: {}, touched: new Set(), // what the author set by hand: proposals leave it alone
  };
}

export function fromDefinition(rule, base) {
  const selector = rule.selector ?? {};
  const window = rule.window && {fn: rule.window.function ?? null, length: seconds(rule.window.length), coverage: rule.window.min_coverage ?? 0.75};
  const things = [...(selector.things ?? []), ...(selector.thing ? [selector.thing] : [])];
  return {
    ...empty(rule.observed_property), id: rule.id, base, name: rule.name.vi, op: rule.op ?? null, legal: rule.legal_ref ?? "",
    levels: rule.levels.map((level) => ({severity: level.severity, limit: level.limit ?? null, low: level.low ?? null, high: level.high ?? null, deadband: level.deadband ?? 0, locked: null})),
    input: rule.input ?? "value", window: window ?? null, schedule: rule.schedule ? structuredClone(rule.schedule) : null, onDelay: seconds(rule.on_delay ?? 0), offDelay: seconds(rule.off_delay ?? 0), staleAfter: seconds(rule.stale_after),
    minSamples: rule.min_samples ?? 1, group: things.length === 0, kind: selector.kind ?? null, feed: selector.feed ?? null, things,
    cause: rule.cause?.vi ?? "", consequence: rule.consequence?.vi ?? "", action: rule.operator_action?.vi ?? "", owner: rule.owner ?? "",
    kept: rule, touched: new Set(["deadband", "onDelay", "offDelay"]),
  };
}

// Which stations the rule would bind; `stations` are those that measure its property.
export function selected(draft, stations) {
  if (draft.group) return stations.filter((one) => (!draft.kind || one.kind === draft.kind) && (!draft.feed || one.feed === draft.feed));
  const chosen = new Set(draft.things);
  return stations.filter((one) => chosen.has(one.ref) || (chosen.has(one.external_id) && (!draft.feed || one.feed === draft.feed)));
}

// The limits as lines of a chart. `above`: on which side of it the trouble lies.
export function lines(draft) {
  if (opOf(draft) === null) return [];
  return draft.levels.flatMap((level, index) => {
    const line = (key, above) => ({index, key, above, severity: level.severity, value: level[key], deadband: level.deadband ?? 0, locked: Boolean(level.locked)});
    if (draft.op === "outside") return [line("high", true), line("low", false)];
    if (draft.op === "inside") return [line("low", true), line("high", false)];
    return [line("limit", ABOVE.includes(draft.op))];
  }).filter((line) => line.value !== null);
}

export function complete(level, op) {
  if (op === null) return true; // silence is compared with nothing
  return TWO_SIDED.includes(op) ? level.low !== null && level.high !== null && level.low < level.high : level.limit !== null;
}

// What keeps the rule from being saved: [step, key of words].
export function missing(draft, stations) {
  const found = [];
  const need = (step, key, ok) => ok || found.push([step, key]);
  need(1, "property", draft.property);
  need(1, "stations", selected(draft, stations).length > 0);
  need(2, "limit", draft.levels.every((level) => complete(level, opOf(draft))));
  need(2, "order", ordered(draft));
  need(2, "severities", new Set(draft.levels.map((level) => level.severity)).size === draft.levels.length);
  need(4, "name", draft.name.trim());
  need(4, "cause", draft.cause.trim());
  need(4, "consequence", draft.consequence.trim());
  need(4, "action", draft.action.trim());
  return found;
}

export const opOf = (draft) => (draft.input === "no_data" ? null : draft.op);

// A worse level must lie further out, else it could never be the highest in alarm.
function ordered(draft) {
  if (opOf(draft) === null || TWO_SIDED.includes(draft.op)) return true;
  const sorted = [...draft.levels].filter((level) => level.limit !== null).sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
  const further = ABOVE.includes(draft.op) ? (a, b) => a > b : (a, b) => a < b;
  return sorted.every((level, i) => i === 0 || further(sorted[i - 1].limit, level.limit));
}

const both = (text, known) => (known?.vi === text ? known : {vi: text, en: text});

// The rule as a file would hold it. What the form does not show is kept from the version before.
export function toRule(draft) {
  const rule = {
    ...draft.kept,
    id: draft.id ?? "draft",
    name: both(draft.name.trim() || "…", draft.kept.name),
    observed_property: draft.property,
    levels: draft.levels.map((level) => ({severity: level.severity, ...numbers(draft, level)})),
    on_delay: draft.onDelay ?? 0,
    off_delay: draft.offDelay ?? 0,
    min_samples: draft.minSamples,
    selector: draft.group ? given({kind: draft.kind, feed: draft.feed}) : {things: draft.things},
    operator_action: both(draft.action.trim() || "…", draft.kept.operator_action),
  };
  put(rule, "stale_after", draft.staleAfter);
  put(rule, "op", opOf(draft));
  put(rule, "input", draft.input === "value" ? null : draft.input);
  put(rule, "window", windowOf(draft));
  put(rule, "schedule", draft.schedule);
  put(rule, "cause", draft.cause.trim() && both(draft.cause.trim(), draft.kept.cause));
  put(rule, "consequence", draft.consequence.trim() && both(draft.consequence.trim(), draft.kept.consequence));
  put(rule, "legal_ref", draft.legal.trim());
  put(rule, "owner", draft.owner.trim());
  return rule;
}

function numbers(draft, level) {
  if (opOf(draft) === null) return {};
  const sides = TWO_SIDED.includes(draft.op) ? {low: level.low, high: level.high} : {limit: level.limit};
  return {...sides, deadband: level.deadband ?? 0};
}

// As the server takes it: of a rate there is no function.
export function windowOf({window}) {
  return window && {...(window.fn ? {function: window.fn} : {}), length: window.length, min_coverage: window.coverage};
}

function put(rule, key, value) {
  if (value) rule[key] = value;
  else delete rule[key];
}

const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value));

// Take over a limit of a regulation: its window and value are fixed, the rest stays.
export function follow(draft, limit) {
  draft.preset = limit?.id ?? null;
  draft.levels.forEach((level) => { level.locked = null; });
  if (!limit) {
    draft.legal = "";
    return;
  }
  draft.legal = `${limit.standard}, ${limit.source}`;
  draft.window = limit.averaging && {fn: limit.averaging.function, length: limit.averaging.length_s, coverage: limit.min_coverage};
  draft.op = limit.low !== null && limit.high !== null ? "outside" : limit.high !== null ? ">" : "<";
  const level = draft.levels.at(-1); // the mildest is the legal one; worse ones are our own
  level.locked = limit.id;
  level.limit = draft.op === "outside" ? null : limit.high ?? limit.low;
  level.low = draft.op === "outside" ? limit.low : null;
  level.high = draft.op === "outside" ? limit.high : null;
  if (draft.op === "outside") draft.levels = [level];
}

export function addLevel(draft) {
  const used = new Set(draft.levels.map((level) => level.severity));
  const free = SEVERITIES.findLast((severity) => !used.has(severity) && SEVERITIES.indexOf(severity) < Math.min(...[...used].map((one) => SEVERITIES.indexOf(one)))) ?? SEVERITIES.find((severity) => !used.has(severity));
  if (!free) return;
  const worst = draft.levels[0];
  const away = (worst.deadband || Math.abs(worst.limit ?? 0) * 0.1 || 1) * 4 * (ABOVE.includes(draft.op) ? 1 : -1);
  const next = {severity: free, limit: worst.limit === null ? null : worst.limit + away, low: null, high: null, deadband: worst.deadband, locked: null};
  draft.levels = [...draft.levels, next].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}
