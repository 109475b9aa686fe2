// What QĐ 1459 (Bảng 3) wants on a board: short name, index, word, dominant parameter, hour. For any
// screen: `createBoard(element, writer, {most})`. The colour is a swatch beside its word, no more.

import {element, fill} from "../dom.mjs";
import {swatch} from "./list.mjs";

const EVERY_MS = 60_000;
const AGAIN_MS = 5_000;

export function createBoard(box, {say, time, number}, {most = 6} = {}) {
  let timer = 0;

  async function refresh() {
    clearTimeout(timer);
    let pause = EVERY_MS;
    try {
      const answer = await fetch("/desk/indices/board", {cache: "no-store"});
      if (!answer.ok) throw new Error(String(answer.status));
      show((await answer.json()).items);
      box.classList.remove("stale");
    } catch {
      pause = AGAIN_MS;
      box.classList.add("stale"); // what stands there keeps its hour, which tells its age
    }
    timer = setTimeout(refresh, pause);
  }

  function show(items) {
    if (!items.length) return fill(box, element("p", "ixb-none", say("indices.empty")));
    const {method, source} = items[0];
    fill(box, element("ol", "ixb", ...items.slice(0, most).map(row)), element("small", "ixb-foot", say("indices.source", {method, source})));
  }

  function row(item) {
    const hour = element("span", "ixb-time", time(item.time).slice(0, 5));
    const old = item.old ? element("span", "ixb-old", say("indices.old")) : null;
    if (item.index === null) return element("li", "none", swatch(""), element("b", "", item.short), element("span", "ixb-words", say("indices.none", {reason: item.reason ?? ""})), hour, old);
    const dominant = item.dominant ? element("span", "ixb-dominant", say("indices.dominant", {name: item.dominant})) : null;
    return element("li", "", swatch(item.colour), element("b", "", item.short), element("b", "ixb-index", number(item.index)), element("span", "ixb-words", item.category), dominant, hour, old);
  }

  refresh();
  return {refresh, stop: () => clearTimeout(timer)};
}
