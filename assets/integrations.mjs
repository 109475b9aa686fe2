// Exchanges with other systems, the wrong ones first, and what security operations count.

import {element} from "./modules/dom.mjs";
import {SHAPES, SIGNS, svg} from "./modules/marks.mjs";
import {ask, boot, button, feed, openPage, state} from "./modules/register/page.mjs";

const STATES = ["failing", "stale", "ok", "no_source"];
const SOON_DAYS = 30; // a certificate takes weeks to renew in an office

async function start(root) {
  const page = await openPage(root);
  const {say} = page;
  let wanted = new URLSearchParams(location.search).get("state") ?? "";
  let found = null;
  page.tools.replaceChildren(...["csv", "xlsx"].map((form) => Object.assign(element("a", "btn", say("indicators.download", {form: form.toUpperCase()})), {href: `/desk/integrations/export.${form}`})));
  const refresh = feed(page, () => ask("/desk/integrations"), (next) => { found = next; show(); });

  function show() {
    const {exchanges, security} = found;
    const count = (name) => exchanges.filter((one) => one.standing === name).length;
    const tabs = element("div", "reg-tabs", tab("", exchanges.length), ...STATES.map((name) => tab(name, count(name))));
    const shown = exchanges.filter((one) => !wanted || one.standing === wanted).sort((a, b) => STATES.indexOf(a.standing) - STATES.indexOf(b.standing));
    const focused = page.body.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    page.body.replaceChildren(
      tabs,
      shown.length ? element("div", "int-tiles", ...shown.map(tile)) : state(say("integrations.none")),
      element("h2", "", say("integrations.security")),
      ...(security.length ? security.map(centre) : [element("p", "dim", say("integrations.no_security"))]),
    );
    if (focused) page.body.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({preventScroll: true});
    const words = say("integrations.spoken", {failing: count("failing"), stale: count("stale"), all: exchanges.length});
    if (page.spoken.textContent !== words) page.spoken.textContent = words;
  }

  function tab(name, n) {
    const made = button(say(name ? `integrations.state.${name}` : "integrations.all"), () => {
      wanted = name;
      history.replaceState(null, "", `/integrations${name ? `?state=${name}` : ""}`);
      show();
    }, "reg-tab");
    made.append(element("b", "", page.number(n)));
    made.dataset.key = `tab-${name}`;
    made.setAttribute("aria-pressed", String(wanted === name));
    return made;
  }

  function tile(one) {
    const name = one.thing ? Object.assign(element("a", "", one.name), {href: `/thing/${one.thing}`}) : one.name;
    const sign = {stale: SIGNS.clock, no_source: SIGNS.silent, failing: SIGNS.silent}[one.standing];
    const head = element("div", `int-state int-${one.standing}`, sign ? svg(sign) : "", say(`integrations.state.${one.standing}`));
    const facts = element("dl", "", ...lines(one).map(([key, value, strong]) => element("div", "", element("dt", "", say(`integrations.${key}`)), element("dd", strong ? "strong" : "", value))));
    const alert = one.alerts ? element("p", `reg-severity k${one.severity}`, svg(SHAPES[one.severity]), say("register.one_alert", {severity: say(`severity.${one.severity}`), n: one.alerts})) : "";
    return element("section", `int-tile int-${one.standing}`, head, element("h3", "", name), element("p", "dim", one.owner ?? say("integrations.unlisted")), facts, alert);
  }

  function lines(one) {
    if (one.standing === "no_source") return [["how", one.probe ? say("integrations.waiting", {url: one.probe}) : say("integrations.no_how")]];
    const ago = (ms) => `${page.age(found.now - ms)} (${page.moment(ms)})`;
    const {exchange_lag: lag, exchange_errors: errors, tls_days_left: days, latency} = one.said;
    return [
      ["newest", ago(one.newest), one.standing === "stale"],
      one.success ? ["success", ago(one.success), one.standing === "failing"] : null,
      one.failed_share > 0 ? ["failed_share", page.value(one.failed_share * 100, 1, "%"), true] : null,
      lag === undefined ? null : ["lag", page.age(lag * 1000)],
      errors === undefined ? null : ["errors", page.value(errors, 1, "%"), errors >= 5],
      latency === undefined ? null : ["latency", page.value(latency, 0, "ms")],
      days === undefined ? null : ["tls", days < 0 ? say("integrations.expired") : say("integrations.days", {n: Math.floor(days)}), days < SOON_DAYS],
      ["how", one.probe ? say("integrations.asked", {url: one.probe}) : say("integrations.told")],
    ].filter(Boolean);
  }

  function centre(one) {
    const link = Object.assign(element("a", "", one.name), {href: `/thing/${one.id}`});
    const of = (up, all) => [up, all].map((key) => one.counters[key]).every(Boolean);
    const cards = [];
    for (const [up, all] of [["solutions_up", "solutions_all"], ["agents_online", "agents_all"]]) {
      if (of(up, all)) cards.push(card(one.counters[up], `${page.number(one.counters[up].value)}/${page.number(one.counters[all].value)}`));
    }
    for (const key of ["incidents_critical", "incidents_high", "incidents_medium", "incidents_low", "bulletins"]) {
      if (one.counters[key]) cards.push(card(one.counters[key], page.number(one.counters[key].value)));
    }
    return element("section", "int-centre", element("h3", "", link), element("div", "int-cards", ...cards));
  }

  function card(counter, text) {
    const age = say("integrations.ago", {age: page.age(found.now - counter.at)});
    return element("div", `int-card${counter.stale ? " int-old" : ""}`, element("span", "", counter.name), element("b", "", text), element("small", "", age));
  }

  await refresh();
}

boot("integrations", start);
