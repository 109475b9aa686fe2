// What people do about the alert that is shown: one press acknowledges, the rest asks for what it needs.

import {element, fill} from "../dom.mjs";
import {ask, send} from "./api.mjs";
import {isOwed} from "./describe.mjs";
import {createForms} from "./forms.mjs";

const SEEN_MS = 3_000; // the row itself comes back over the live line; until then the press stays visible
const STEPS = ["new", "received", "verified", "assigned", "in_progress", "review", "closed"];

export function createActions(told, {writer, store, may, onDone}) {
  const {say} = told;
  const waiting = new Set();
  let people = [];
  const forms = createForms(told, writer, store, {people: () => people});
  const buttons = element("div", "act");
  const place = element("div", "place");
  const said = element("p", "said");
  said.setAttribute("role", "status");
  const flow = element("div", "flow");
  const box = element("div", "acts", buttons, place, said, flow);
  box.dataset.kept = "yes";
  let row = null;
  let steps = [];
  let open = null; // {name, request}

  if (may.handle) ask("/desk/alerts/choices").then((answer) => { people = answer.body?.people ?? []; });

  function bar(of, allowed) {
    if (row?.id !== of.id) {
      fill(said);
      close();
    }
    row = of;
    steps = allowed ?? [];
    draw();
    return box;
  }

  function draw() {
    const isOpen = row.closed === null;
    const isWaiting = waiting.has(row.id);
    const wanted = [];
    if (may.act && isOwed(row)) wanted.push({text: isWaiting ? say("wall.acknowledging") : say("alerts.acknowledge"), key: "A", primary: true, disabled: isWaiting, deed: () => acknowledge([row]), name: "acknowledge"});
    if (may.handle && isOpen) wanted.push({text: say("alerts.do.assign"), key: "P", deed: () => show("assign"), name: "assign"});
    if (may.mask && isOpen && !row.mask) wanted.push({text: say("alerts.do.shelve"), key: "G", deed: () => show("shelve"), name: "shelve"});
    if (may.mask && row.mask === "shelve") wanted.push({text: say("alerts.do.unshelve"), deed: () => order("unshelve"), name: "unshelve"});
    if (may.mask && row.mask && row.mask !== "shelve" && row.mask_id) wanted.push({text: say("alerts.do.lift"), deed: () => order(`/masks/${row.mask_id}`, {}, "DELETE"), name: "lift"});
    if (may.mask && row.mask === "out_of_service" && row.mask_id && !row.mask_approved_by) wanted.push({text: say("alerts.do.approve_mask"), deed: () => order(`/masks/${row.mask_id}/approve`), name: "approve"});
    if (may.act && isOpen) wanted.push({text: say("alerts.do.note"), key: "N", deed: () => show("note"), name: "note"});
    if (may.act && row.latched) wanted.push({text: say("alerts.do.reset"), deed: () => order("reset"), name: "reset"});
    put(buttons, wanted);
    drawFlow();
  }

  function drawFlow() {
    const at = STEPS.indexOf(row.handling);
    const strip = element("div", "wf", ...STEPS.map((name, i) => element("span", i < at ? "d" : i === at ? "n" : "", say(`alert.handling.${name}`))));
    const isDone = ["closed", "rejected"].includes(row.handling);
    const left = row.handling_due === null || isDone ? "" : row.handling_due > store.now()
      ? say("alerts.due", {time: told.moment(row.handling_due), left: writer.age(row.handling_due - store.now())})
      : say("alerts.overdue", {time: told.moment(row.handling_due), late: writer.age(store.now() - row.handling_due)});
    const line = [row.assignee && say("alerts.assigned_to", {name: row.assignee}), left, row.handling === "rejected" && say("alert.handling.rejected")].filter(Boolean).join(" · ");
    if (!flow.firstChild) flow.append(element("div"), element("p", "dim"), element("div", "act"));
    fill(flow.children[0], strip);
    fill(flow.children[1], line);
    put(flow.children[2], steps.map((step) => ({text: say(`alerts.step.${step.to}`), name: `step-${step.to}`, deed: () => step.note || step.assignee ? show("step", step) : order("handling", {to: step.to})})));
  }

  // A button is replaced only where it reads otherwise, so that focus stays; its deed is always the present one.
  function put(parent, wanted) {
    const isSame = parent.children.length === wanted.length && wanted.every((one, i) => parent.children[i].dataset.name === one.name);
    if (!isSame) {
      parent.replaceChildren(...wanted.map((one) => {
        const node = element("button", one.primary ? "btn p" : "btn", element("span"), one.key ? element("kbd", "", one.key) : null);
        node.type = "button";
        node.dataset.name = one.name;
        return node;
      }));
    }
    wanted.forEach((one, i) => {
      const node = parent.children[i];
      fill(node.firstChild, one.text);
      node.disabled = Boolean(one.disabled);
      node.onclick = one.deed;
    });
  }

  // ---------------------------------------------------------------- forms

  function show(name, more) {
    if (!row) return;
    const made = forms[name](row, more);
    open = {name, request: made.request};
    place.replaceChildren(made.node);
    made.node.querySelector("textarea, input, select").focus();
    made.node.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (await order(...made.request(row))) close();
    });
    made.node.addEventListener("click", (event) => event.target.closest("[data-leave]") && close());
  }

  // Tells whether there was one to close; the focus goes back to where it came from.
  function close() {
    if (!open) return false;
    const hadFocus = place.contains(document.activeElement);
    const {name} = open;
    open = null;
    fill(place);
    if (hadFocus) (buttons.querySelector(`[data-name=${name}]`) ?? buttons.querySelector("button"))?.focus();
    return true;
  }

  async function order(path, body = {}, method = "POST") {
    const answer = await send(path.startsWith("/") ? path : `/alerts/${row.id}/${path}`, body, method);
    fill(said, answer.ok ? "" : say("alerts.not_done", {n: 1, why: answer.body?.detail ?? say("alerts.no_server")}));
    if (answer.ok) onDone([], 0);
    return answer.ok;
  }

  // ---------------------------------------------------------------- acknowledgement

  async function acknowledge(rows) {
    const owed = rows.filter((one) => one && isOwed(one) && !waiting.has(one.id));
    if (!owed.length || !may.act) return;
    for (const one of owed) waiting.add(one.id);
    if (row) draw();
    const refused = owed.length === 1 ? await one(owed[0]) : await several(owed);
    fill(said, refused.length ? say("alerts.not_done", {n: refused.length, why: refused[0]}) : "");
    onDone(owed, refused.length);
    setTimeout(() => {
      for (const each of owed) waiting.delete(each.id);
      if (row) draw();
    }, refused.length ? 0 : SEEN_MS);
  }

  async function one({id}) {
    const answer = await send(`/alerts/${id}/acknowledge`);
    return answer.ok ? [] : [answer.body?.detail ?? say("alerts.no_server")];
  }

  async function several(rows) {
    const answer = await send("/alerts/acknowledge", {alerts: rows.map(({id}) => id)});
    if (!answer.ok) return rows.map(() => answer.body?.detail ?? say("alerts.no_server"));
    return answer.body.items.filter(({refusal}) => refusal).map(({refusal}) => say(`alert.refusal.${refusal}`));
  }

  const keys = {
    ...(may.act && {n: () => row?.closed === null && show("note")}),
    ...(may.handle && {p: () => row?.closed === null && show("assign")}),
    ...(may.mask && {g: () => row?.closed === null && !row.mask && show("shelve")}),
  };
  return {bar, acknowledge, close, keys};
}
