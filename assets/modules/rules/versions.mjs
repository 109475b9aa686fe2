// The versions of a rule: who wrote them, what each changed, approval by a second person, rollback.

import {element} from "../dom.mjs";
import {nameOf} from "./compared.mjs";
import {badge, button, text} from "./form.mjs";
import {seconds} from "./draft.mjs";
import {server} from "./server.mjs";

const DURATIONS = new Set(["on_delay", "off_delay", "stale_after", "late_horizon", "length"]);

export function createVersions(box, {state, writer, clock, may, actor}) {
  const say = (key, values) => writer.say(`rules.${key}`, values);
  const {loaded} = state;
  box.hidden = !loaded;
  if (!loaded) return;
  let rolling = null, error = null, switching = false, said = null;
  render();

  function render() {
    const rows = loaded.versions.map((one, i) => row(one, loaded.versions[i + 1]));
    box.replaceChildren(element("div", "vh", element("h2", "", say("versions")), element("span", "sp"), ...power()), switching ? askWhy() : "", said ? element("p", "", said) : "", error ? element("p", "er", error) : "", element("ol", "vlist", ...rows));
  }

  // On or off; off ends what is open, and a critical rule takes a second person.
  function power() {
    const chip = element("span", "chip", say(loaded.enabled ? "list_on" : "list_off"));
    return may ? [chip, button(say(loaded.enabled ? "switch_off" : "switch_on"), () => { switching = true; render(); document.getElementById("switch-reason")?.focus(); })] : [chip];
  }

  function askWhy() {
    const control = text("", () => {}, {id: "switch-reason", rows: 2, maxLength: 500, placeholder: say("switch_why"), ariaLabel: say("reason")});
    return element("div", "ask", element("p", "", loaded.enabled ? say("switch_ends") : ""), control, button(say(loaded.enabled ? "switch_off" : "switch_on"), () => flip(control.value.trim()), "btn p"), button(say("cancel"), () => { switching = false; render(); }));
  }

  async function flip(reason) {
    try {
      const done = await server.switchRule(loaded.id, !loaded.enabled, reason);
      Object.assign(loaded, {enabled: done.enabled});
      switching = false;
      error = null;
      said = done.waiting ? say("switch_waits") : say(done.enabled ? "switched_on" : "switched_off", {n: done.ends});
    } catch (failure) {
      error = failure.code === "away" ? say("away") : [failure.message, ...(failure.reasons ?? [])].join(" ");
    }
    render();
  }

  function row(one, before) {
    const current = one.version === loaded.version;
    const head = element("div", "vh", element("b", "", say("version", {n: one.version})), element("span", "chip", say(`state_${current ? "current" : one.state}`)), element("span", "mut", say("written", {who: one.created_by, date: clock.date(new Date(one.created_at)), time: clock.moment(new Date(one.created_at)).slice(0, 5)})), one.decided_by ? element("span", "mut", say(one.state === "approved" ? "approved_by" : "rejected_by", {who: one.decided_by})) : null, element("span", "sp"), ...buttons(one, current));
    const changes = before ? compare(before.definition, one.definition) : [];
    const list = before ? (changes.length ? element("ul", "", ...changes.map(([key, from, to]) => element("li", "", `${key}: `, element("s", "", from), " → ", element("b", "", to)))) : element("p", "mut", say("no_change"))) : element("p", "mut", say("first_version"));
    const why = one.reason ? element("p", "", element("b", "", `${say("reason")}: `), one.reason) : null;
    return element("li", "", head, list, why, rolling === one.version ? ask(one) : null);
  }

  function buttons(one, current) {
    if (!may) return [];
    if (one.state === "waiting") {
      if (one.created_by === actor) return [element("span", "mut", say("own_waits"))];
      return [button(say("approve"), () => decide(one, true), "btn p"), button(say("reject"), () => decide(one, false))];
    }
    return current || one.state !== "approved" ? [] : [button(say("rollback"), () => { rolling = one.version; render(); document.getElementById("rollback-reason")?.focus(); })];
  }

  function ask(one) {
    const control = text("", () => {}, {id: "rollback-reason", rows: 2, maxLength: 500, placeholder: say("rollback_why"), ariaLabel: say("reason")});
    return element("div", "ask", control, button(say("rollback_do", {n: one.version}), () => run(() => server.rollback(loaded.id, one.version, control.value.trim())), "btn p"), button(say("cancel"), () => { rolling = null; render(); }));
  }

  const decide = (one, approve) => run(() => server.decide(loaded.id, one.version, approve));

  async function run(command) {
    try {
      const done = await command();
      location.assign(`/rules/${loaded.id}?saved=${done.state}`);
    } catch (failure) {
      error = failure.code === "away" ? say("away") : [failure.message, ...(failure.reasons ?? [])].join(" ");
      render();
    }
  }

  // What differs, in words a person reads: [name, before, after].
  function compare(before, after) {
    const a = flat(before), b = flat(after);
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]).map((key) => [writer.say(`rules.key.${key.replace(/\d+$/, "")}`) + (/\d+$/.test(key) ? ` ${key.match(/\d+$/)[0]}` : ""), a[key] ?? "–", b[key] ?? "–"]);
  }

  function flat(rule) {
    const found = {};
    const put = (key, value) => { found[key] = value; };
    for (const [key, value] of Object.entries(rule)) {
      if (key === "id" || value === null) continue;
      if (key === "levels") value.forEach((level, i) => put(`level${i + 1}`, levelWords(level)));
      else if (DURATIONS.has(key)) put(key, clock.lasting(seconds(value)));
      else if (key === "window") put(key, nameOf({input: rule.input ?? "value", window: {fn: value.function ?? null, length: seconds(value.length)}}, say, clock.lasting));
      else if (key === "input") put(key, say(`input_${value}`));
      else if (key === "schedule") put(key, value.hours.map((one) => `${one.from ?? "00:00"}–${one.to ?? "00:00"}${one.days?.length ? ` (${one.days.map((day) => say(`day_${day}`)).join(", ")})` : ""}`).join("; "));
      else if (typeof value === "object" && "vi" in value) put(key, value.vi);
      else if (typeof value === "object") put(key, Object.entries(value).map(([k, v]) => `${k}: ${Array.isArray(v) ? v.join(", ") : v}`).join("; ") || say("all"));
      else put(key, typeof value === "number" ? writer.number(value, Number.isInteger(value) ? 0 : 2) : String(value));
    }
    return found;
  }

  function levelWords(level) {
    const rank = {critical: 1, high: 2, medium: 3, low: 4}[level.severity];
    if (level.limit === undefined && level.low === undefined) return writer.say(`severity.${rank}`);
    const limit = level.limit ?? `${level.low} – ${level.high}`;
    return `${writer.say(`severity.${rank}`)} ${typeof limit === "number" ? writer.number(limit, Number.isInteger(limit) ? 0 : 2) : limit} (${say("deadband").toLowerCase()} ${writer.number(level.deadband ?? 0, 2)})`;
  }
}
export {badge};
