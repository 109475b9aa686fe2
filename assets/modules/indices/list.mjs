// The ranked list: one node a station, kept and moved, so that a step of the slider stays cheap.

import {element} from "../dom.mjs";
import {NONE} from "./frames.mjs";

const MOST = 50; // rows until somebody asks for all

export function swatch(colour) {
  const made = element("i", colour ? "ix-swatch" : "ix-swatch none");
  if (colour) made.style.background = colour;
  made.setAttribute("aria-hidden", "true");
  return made;
}

export function createList(box, {say, number}, {onPoint}) {
  const nodes = new Map();
  const list = element("ol", "ix-list");
  const more = element("button", "btn", "");
  more.type = "button";
  let all = false;
  let last = null;
  more.addEventListener("click", () => { all = true; show(...last); });

  function node(station) {
    if (nodes.has(station.id)) return nodes.get(station.id);
    const link = Object.assign(element("a", "", station.name), {href: `/station/${station.id}`});
    const made = {root: element("li"), link, mark: swatch(""), value: element("b"), words: element("span", "ix-words")};
    made.root.append(made.mark, link, made.value, made.words);
    made.root.addEventListener("pointerenter", () => onPoint(station.id));
    made.root.addEventListener("pointerleave", () => onPoint(null));
    made.root.addEventListener("focusin", () => onPoint(station.id));
    made.root.addEventListener("focusout", () => onPoint(null));
    nodes.set(station.id, made);
    return made;
  }

  function show({known, unknown}, categories) {
    last = [{known, unknown}, categories];
    const rows = [...known, ...unknown];
    const wanted = all ? rows : rows.slice(0, MOST);
    const shown = wanted.map((row) => {
      const made = node(row.station);
      const own = row.category === NONE ? null : categories[row.category];
      if (made.shown !== row.value) {
        made.shown = row.value;
        made.mark.className = own ? "ix-swatch" : "ix-swatch none";
        made.mark.style.background = own?.colour ?? "";
        made.value.textContent = own ? number(row.value) : "–";
        made.words.textContent = own ? own.name : say("index_page.none", {reason: row.reason ?? say("index_page.not_computed")});
        made.root.classList.toggle("none", !own);
      }
      return made.root;
    });
    if (list.children.length !== shown.length || shown.some((one, place) => list.children[place] !== one)) {
      const focused = document.activeElement; // a moved node loses it
      const held = list.contains(focused);
      list.replaceChildren(...shown);
      if (held && list.contains(focused)) focused.focus({preventScroll: true});
    }
    more.hidden = wanted.length === rows.length;
    more.textContent = say("index_page.all", {n: number(rows.length)});
    if (box.firstChild !== list) box.replaceChildren(list, more);
  }

  return {show, forget() { nodes.clear(); all = false; }};
}
