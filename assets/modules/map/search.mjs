// Search by name, code, old unit name or commune, without marks; arrows, Enter and a finger.

import {ask} from "../desk/api.mjs";
import {element, fill} from "../dom.mjs";

const TYPING_MS = 120;

export function createSearch(box, writer, {kindName, layerName, onFound}) {
  const {say} = writer;
  const input = element("input", "inp");
  input.type = "search";
  input.maxLength = 200;
  input.placeholder = say("map.search");
  const list = element("ul", "found");
  list.id = "map-found";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", say("map.search_results"));
  for (const [name, value] of [["aria-label", say("map.search")], ["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", list.id], ["aria-autocomplete", "list"], ["autocomplete", "off"]]) input.setAttribute(name, value);
  box.replaceChildren(input, list);
  let items = [];
  let current = -1;
  let due = null;
  let asking = null;

  async function look() {
    asking?.abort();
    const text = input.value.trim();
    if (!text) return close();
    const own = asking = new AbortController();
    const answer = await ask(`/api/v1/search?${new URLSearchParams({q: text})}`, {signal: own.signal});
    if (answer.aborted || own !== asking) return;
    items = answer.ok ? answer.body.items : [];
    current = items.length ? 0 : -1;
    draw(answer.ok ? say("map.search_none", {text}) : say("alerts.unread_why"));
  }

  function draw(none = "") {
    fill(list, ...(items.length ? items.map(row) : [element("li", "none", none)]));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    if (current >= 0) input.setAttribute("aria-activedescendant", `map-found-${current}`);
  }

  function row(one, index) {
    const kind = one.kind === "commune" ? say("layers.page.base.communes") : one.kind === "thing" ? kindName(one.layer) : layerName(one.layer);
    const node = element("li", "", element("b", "", one.name), element("span", "", [kind, one.detail].filter(Boolean).join(" · ")));
    node.id = `map-found-${index}`;
    node.setAttribute("role", "option");
    node.setAttribute("aria-selected", index === current ? "true" : "false");
    node.dataset.index = index;
    return node;
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function take(index) {
    if (!items[index]) return;
    close();
    onFound(items[index]);
  }

  input.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(look, TYPING_MS);
  });
  input.addEventListener("keydown", (event) => {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (step && items.length) {
      event.preventDefault();
      current = (current + step + items.length) % items.length;
      draw();
      list.children[current]?.scrollIntoView({block: "nearest"});
    }
    if (event.key === "Enter" && !list.hidden) take(current);
    if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); close(); }
  });
  input.addEventListener("focus", () => input.value.trim() && items.length && draw());
  // Before the field loses its focus, or the list would be gone at the click.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const node = event.target.closest("[data-index]");
    if (node) take(Number(node.dataset.index));
  });
  input.addEventListener("blur", close);
  return {input, look};
}
