// Files that wait for somebody, and the newest that are over.

import {element, fill} from "../dom.mjs";
import {button} from "./drop.mjs";

const OVER = ["done", "failed", "cancelled"];
const MOST_OVER = 5;

export function createQueue(box, writer, {onOpen}) {
  const {say} = writer;

  function draw(uploads, current) {
    let over = 0;
    const shown = uploads.filter((one) => !OVER.includes(one.state) || (over += 1) <= MOST_OVER || one.id === current);
    box.hidden = !shown.length;
    fill(box, element("h2", "", say("layers.page.files")), element("ul", "", ...shown.map((one) => line(one, one.id === current))));
  }

  function line(one, isCurrent) {
    const press = button(null, "file");
    press.append(element("b", "", one.name), element("span", "", `${state(one)} · ${one.by} · ${writer.date(Date.parse(one.at))} ${writer.time(Date.parse(one.at)).slice(0, 5)}`));
    press.dataset.job = one.id;
    if (isCurrent) press.setAttribute("aria-current", "true");
    return element("li", one.state, press);
  }

  const state = (one) => say(`layers.page.state.${one.state === "waiting" && one.confirmed ? "confirmed" : one.state}`);

  box.addEventListener("click", (event) => {
    const press = event.target.closest("[data-job]");
    if (press) onOpen(Number(press.dataset.job));
  });
  return {draw};
}
