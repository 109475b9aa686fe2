// What a line of the audit says in words: each change from what to what, and the raw line below.

import {element} from "../dom.mjs";

// Returns elements; `moment` shows an instant in the province's zone.
export function changes(page, detail) {
  if (!Object.keys(detail).length) return [];
  const said = sentences(page, detail).map((text) => element("div", "", text));
  const raw = element("details", "", element("summary", "dim", page.say("audit.raw")), element("code", "", JSON.stringify(detail)));
  return [...said, raw];
}

function sentences(page, detail) {
  const {from, to, ...rest} = detail;
  const before = isObject(from) ? from : {};
  if (!isObject(to)) return Object.entries(detail).map(([key, value]) => told(page, key, value));
  const keys = [...new Set([...Object.keys(before), ...Object.keys(to)])];
  const moved = keys.filter((key) => JSON.stringify(before[key] ?? null) !== JSON.stringify(to[key] ?? null));
  const lines = moved.map((key) => key in before
    ? page.say("audit.moved", {field: field(page, key), from: words(page, before[key]), to: words(page, to[key])})
    : told(page, key, to[key]));
  return [...lines, ...Object.entries(rest).map(([key, value]) => told(page, key, value))];
}

function told(page, key, value) {
  return page.say("audit.told", {field: field(page, key), value: words(page, value)});
}

function field(page, key) {
  return known(page, `audit.field.${key}`) ?? key;
}

function words(page, value) {
  if (value === null || value === undefined || value === "") return page.say("audit.nothing");
  if (typeof value === "boolean") return page.say(value ? "audit.yes" : "audit.no");
  if (Array.isArray(value)) return value.length ? value.map((one) => words(page, one)).join(", ") : page.say("audit.nothing");
  if (isObject(value)) return Object.entries(value).map(([key, one]) => `${field(page, key)} ${words(page, one)}`).join("; ");
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(value)) return page.moment(value);
  return known(page, `audit.value.${value}`) ?? known(page, `role.${value}`) ?? String(value);
}

function known(page, key) {
  const found = page.say(key);
  return found === key ? null : found;
}

function isObject(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
