// The doctor's view: processes and queues now, findings of the last check, each with its remedy.

import {element} from "./modules/dom.mjs";
import {SIGNS, svg} from "./modules/marks.mjs";
import {ask, boot, button, feed, openPage, table} from "./modules/register/page.mjs";

const SOON_MS = 1_500; // while the doctor looks
const ORDER = {wrong: 0, warning: 1, ok: 2};

async function start(root) {
  const page = await openPage(root);
  let again = false;
  let waiting = 0;
  const refresh = feed(page, () => { const path = `/desk/system${again ? "?again=true" : ""}`; again = false; return ask(path); }, show);
  const check = button(page.say("system.again"), async () => { again = true; check.disabled = true; await refresh(); }, "btn p");
  page.tools.replaceChildren(check, ...["csv", "xlsx"].map((form) => Object.assign(element("a", "btn", page.say("register.download", {form: form.toUpperCase()})), {href: `/desk/system/export.${form}`})));

  function show({parts, findings, versions, checked, checking}) {
    clearTimeout(waiting);
    if (checking) waiting = setTimeout(refresh, SOON_MS);
    check.disabled = checking;
    const bad = [...parts.map((one) => one.state), ...findings.map((one) => one.verdict)].filter((state) => state !== "ok").length;
    const summary = element("p", bad ? "feed-session wrong" : "feed-session", bad ? svg(SIGNS.warn) : "", element("span", "", bad ? page.say("system.bad", {n: page.number(bad)}) : page.say(checking ? "system.checking" : "system.good")));
    const heads = ["part", "state", "detail", "remedy_head"].map((name) => [page.say(`system.${name}`)]);
    const sorted = findings.toSorted((one, other) => ORDER[one.verdict] - ORDER[other.verdict]);
    const list = versions.map(([name, number]) => `${name} ${number}`).join(" · ");
    page.body.replaceChildren(
      summary, element("h2", "sys-head", page.say("system.now")), table(heads, parts.map((one) => line(one.part, one.state, one))),
      element("h2", "sys-head", page.say("system.findings"), " ", element("small", "", checking ? page.say("system.checking") : page.say("system.checked", {time: page.moment(checked)}))), sorted.length ? table(heads, sorted.map((one) => line(one.subject, one.verdict, one))) : element("div", "hold"),
      element("p", "sys-versions", page.say("system.versions", {list})),
    );
  }

  function line(name, state, {detail, remedy}) {
    const sign = element("span", `reg-state ${state === "ok" ? "" : "silent"}`, state === "ok" ? "" : svg(SIGNS.warn), page.say(`check.verdict_${state}`));
    return element("tr", "", element("td", "", element("b", "", name)), element("td", "", sign), element("td", "", detail), element("td", remedy ? "sys-remedy" : "blank", remedy || "–"));
  }

  refresh();
}

boot("system", start);
