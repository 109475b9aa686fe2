// What an operator does about the alert that is shown: one press acknowledges.

import {element, fill} from "../dom.mjs";
import {send} from "./api.mjs";
import {isOwed} from "./describe.mjs";

const SEEN_MS = 3_000; // the row itself comes back over the live line; until then the press stays visible

export function createActions(told, {onDone, say}) {
  const waiting = new Set();
  const buttons = element("div", "act");
  const said = element("p", "said");
  said.setAttribute("role", "status");
  const box = element("div", "acts", buttons, said);
  box.dataset.kept = "yes";
  let row = null;

  function bar(of) {
    if (row?.id !== of.id) fill(said);
    row = of;
    draw();
    return box;
  }

  function draw() {
    const isWaiting = waiting.has(row.id);
    const press = button(isWaiting ? say("wall.acknowledging") : say("alerts.acknowledge"), "A", () => acknowledge([row]));
    press.classList.add("p");
    press.disabled = isWaiting;
    press.dataset.acknowledge = row.id;
    fill2(buttons, isOwed(row) ? [press] : []);
  }

  // Handlers are on the nodes, so they are replaced only where they read otherwise: focus stays.
  function fill2(parent, nodes) {
    if (parent.textContent === nodes.map((node) => node.textContent).join("")) {
      [...parent.children].forEach((node, i) => { node.onclick = nodes[i].onclick; node.disabled = nodes[i].disabled; node.dataset.acknowledge = nodes[i].dataset.acknowledge; });
    } else parent.replaceChildren(...nodes);
  }

  function button(text, key, onclick) {
    const node = element("button", "btn", text, key ? element("kbd", "", key) : null);
    node.type = "button";
    node.onclick = onclick;
    return node;
  }

  async function acknowledge(rows) {
    const owed = rows.filter((one) => isOwed(one) && !waiting.has(one.id));
    if (!owed.length) return;
    for (const one of owed) waiting.add(one.id);
    if (row) draw();
    const failed = [];
    for (const one of owed) {
      const answer = await send(`/alerts/${one.id}/acknowledge`);
      if (!answer.ok) failed.push(answer);
    }
    fill(said, failed.length ? say("alerts.not_done", {n: failed.length, why: failed[0].body?.title ?? say("alerts.no_server")}) : "");
    onDone(owed, failed.length);
    setTimeout(() => {
      for (const one of owed) waiting.delete(one.id);
      if (row) draw();
    }, failed.length ? 0 : SEEN_MS);
  }

  return {bar, acknowledge, close() {}, isWaiting: (id) => waiting.has(id)};
}
