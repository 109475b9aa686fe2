// What is published: version, count, source, when and by whom; undo after a question.

import {ask} from "../desk/api.mjs";
import {element, fill} from "../dom.mjs";
import {SIGNS, svg} from "../marks.mjs";
import {button} from "./drop.mjs";

const LOOK_MS = 500;

export function createPublished(box, writer, {book, onUndone}) {
  const {say} = writer;
  const published = {draw, away, busy: false};
  const title = (layer) => book[layer]?.title ?? say(`layers.page.base.${layer}`);

  function draw(layers) {
    if (!layers.length) return fill(box, element("div", "state", svg(SIGNS.tray), element("b", "", say("layers.page.none")), element("p", "", say("layers.page.none_why"))));
    const heads = ["layer", "count", "source", "when", "by", "version"].map((name) => element("th", name === "count" ? "r" : "", say(`layers.page.column.${name}`)));
    fill(box, element("table", "", element("thead", "", element("tr", "", ...heads, element("th"))), element("tbody", "", ...layers.map(row))));
  }

  function row(one) {
    const when = Date.parse(one.at);
    const source = one.file ?? (one.restores !== null ? say("layers.page.undone_to", {number: one.restores}) : one.attribution || say("layers.page.registry"));
    const undo = one.undoable ? button(say("layers.page.undo")) : null;
    if (undo) undo.dataset.undo = one.layer;
    const cells = [
      ["", element("b", "", title(one.layer)), element("small", "", one.layer)],
      ["r", writer.number(one.count)],
      ["", source],
      ["n", `${writer.date(when)} ${writer.time(when).slice(0, 5)}`],
      ["n", one.by ?? say("alerts.system")],
      ["mono", one.version.slice(0, 8)],
      ["", undo],
    ];
    return element("tr", "", ...cells.map(([name, ...content]) => element("td", name, ...content)));
  }

  function away() {
    if (box.querySelector("table")) return;
    fill(box, element("div", "state", svg(SIGNS.warn), element("b", "", say("layers.page.unread")), element("p", "", say("alerts.unread_why"))));
  }

  box.addEventListener("click", (event) => {
    const press = event.target.closest("[data-undo]");
    if (press) confirmed(say("layers.page.undo_sure", {title: title(press.dataset.undo)}), () => undo(press.dataset.undo));
  });

  function confirmed(text, then) {
    const yes = button(say("layers.page.undo"), "btn p");
    const no = button(say("layers.page.keep"));
    const dialog = element("dialog", "", element("p", "", text), element("div", "buttons", yes, no));
    box.closest(".desk").append(dialog);
    yes.addEventListener("click", () => { dialog.close(); then(); });
    no.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => dialog.remove());
    dialog.showModal();
  }

  async function undo(layer) {
    published.busy = true;
    const asked = await ask(`/desk/layers/${layer}/undo`, {method: "POST"});
    let answer = {state: "failed", error: say("layers.page.not_sent")};
    while (asked.ok) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
      const found = await ask(`/desk/layers/undo/${asked.body.job}`);
      if (found.ok) answer = found.body;
      if (found.ok && !["waiting", "running"].includes(answer.state)) break;
    }
    published.busy = false;
    onUndone(answer.state === "done" ? say("layers.page.undo_done", {title: title(layer)}) : answer.error);
  }
  return published;
}

