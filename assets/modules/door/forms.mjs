// The forms of an account and of a token.

import {element} from "../dom.mjs";
import {ask} from "./api.mjs";
import {dialog, input, labelled, select} from "./page.mjs";

// What the alert desk calls a kind of things; one it does not know keeps its own name.
export function kindName(page, kind) {
  return page.say(`alerts.thing_kind.${kind}`).replace("alerts.thing_kind.", "");
}

// `row` null: a new account, whose one-time password goes to `secret`.
export function personForm(page, options, row, secret, done) {
  const username = input("username", row?.username ?? "", {required: true, maxLength: 64, readOnly: row !== null, pattern: "\\S+"});
  const shown = input("display_name", row?.display_name ?? "", {maxLength: 100});
  const role = select("role", options.roles.map((name) => [name, page.say(`role.${name}`)]), row?.role ?? "operator");
  const limits = scopeFields(page, options, row);
  const parts = [labelled(page.say("users.username"), username), labelled(page.say("users.display_name"), shown), labelled(page.say("users.role"), role), ...limits.parts];
  dialog(page, page.say(row ? "users.edit" : "users.add"), parts, {submit: async () => {
    const body = {display_name: shown.value, role: role.value, ...limits.value()};
    if (row) await ask(`/users/${encodeURIComponent(row.username)}/change`, "POST", body);
    else secret(await ask("/users", "POST", {username: username.value, ...body}), "secret_password");
    done();
  }});
}

export function tokenForm(page, options, secret, done) {
  const kind = select("kind", ["kiosk", "api", "source"].map((name) => [name, page.say(`users.${name}`)]), "kiosk");
  const label = input("label", "", {required: true, maxLength: 100});
  const role = select("role", options.roles.map((name) => [name, page.say(`role.${name}`)]), "leader");
  const source = input("source", "", {pattern: "[a-z0-9][a-z0-9_\\-]{0,63}"});
  const days = input("days", "365", {type: "number", min: 1, max: 3650, required: true});
  const limits = scopeFields(page, options, null);
  const roleField = labelled(page.say("users.role"), role);
  const sourceField = labelled(page.say("users.source_name"), source);
  const adapt = () => {
    roleField.hidden = kind.value !== "api";
    sourceField.hidden = kind.value !== "source";
    source.required = kind.value === "source";
    for (const part of limits.parts) part.hidden = kind.value === "source";
  };
  kind.addEventListener("change", adapt);
  adapt();
  const parts = [labelled(page.say("users.kind"), kind), labelled(page.say("users.label"), label), roleField, sourceField, labelled(page.say("users.days"), days), ...limits.parts];
  dialog(page, page.say("users.add_token"), parts, {submit: async () => {
    const isSource = kind.value === "source";
    const body = {kind: kind.value, role: kind.value === "api" ? role.value : kind.value, label: label.value, source: isSource ? source.value : null, days: Number(days.value), ...(isSource ? {} : limits.value())};
    secret(await ask("/tokens", "POST", body), "secret_token");
    done();
  }});
}

// Nothing chosen is no limit, and the hint says so.
function scopeFields(page, options, row) {
  const areas = choices("areas", options.areas.map(({code, name}) => [code, name]), row?.areas ?? []);
  const domains = choices("domains", options.domains.map((name) => [name, kindName(page, name)]), row?.domains ?? []);
  const value = () => ({areas: areas.value(), domains: domains.value()});
  return {parts: [group(page.say("users.areas"), page.say("users.areas_hint"), areas.node), group(page.say("users.domains"), page.say("users.domains_hint"), domains.node)], value};
}

function group(words, hint, node) {
  return element("fieldset", "door-field", element("legend", "", words), element("small", "dim", hint), node);
}

function choices(name, all, chosen) {
  const known = new Set(all.map(([value]) => value));
  const boxes = [...all, ...chosen.filter((value) => !known.has(value)).map((value) => [value, value])].map(([value, words]) => {
    const box = Object.assign(element("input"), {type: "checkbox", name, value, checked: chosen.includes(value)});
    return {box, node: element("label", "", box, words)};
  });
  const picked = () => boxes.filter(({box}) => box.checked).map(({box}) => box.value);
  return {node: element("div", "door-choices", ...boxes.map(({node}) => node)), value: () => (picked().length ? picked() : null)};
}
