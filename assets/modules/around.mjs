// What lies around an alert: by layer, the nearest first, and before and behind it along a river or
// a route. A question of its own, asked for the alert that somebody looks at.

import {ask} from "./desk/api.mjs";
import {element, fill} from "./dom.mjs";
import {metres} from "./map/measure.mjs";

const RADII = [1, 2, 5, 10, 20, 50]; // km
const SHOWN = 3; // of one layer; the others behind a press
const BESIDE = 4; // up and down one line
const LINES = 2;

// `go` shows a place; without it a place is a link to the map. `onReach` draws the circle.
export function createAround(writer, {go = null, onReach = null} = {}) {
  const {say, number} = writer;
  const box = element("section", "around");
  box.dataset.kept = "yes"; // what somebody opened stays open
  const list = element("div", "around-list");
  const radius = element("select", "inp", ...RADII.map((km) => Object.assign(element("option", "", `${number(km)}\u00a0km`), {value: km})));
  const link = element("a", "", say("around.map"));
  let reach = 5;
  let asked = null; // {alert, thing}
  let turn = 0;
  radius.value = String(reach);
  radius.setAttribute("aria-label", say("around.radius"));
  radius.addEventListener("change", () => { reach = Number(radius.value); read(); });
  box.append(element("div", "around-head", element("h3", "", say("around.title")), radius, go ? null : link), list);

  // The box as it stands; `read` then asks. Of the same alert nothing is asked twice.
  function show(alert, thing) {
    if (asked?.alert === alert) return box;
    asked = {alert, thing};
    link.hidden = true;
    list.replaceChildren(element("div", "hold"));
    list.setAttribute("aria-busy", "true");
    return box;
  }

  async function read() {
    const mine = turn += 1;
    const {alert} = asked;
    const answer = await ask(`/api/v1/alerts/${alert}/around?km=${reach}`);
    if (mine !== turn || asked?.alert !== alert) return;
    list.removeAttribute("aria-busy");
    if (answer.ok) {
      const own = answer.body.layers.flatMap(({items}) => items).find(({thing}) => thing === asked.thing);
      link.href = address({...own, lon: answer.body.lon, lat: answer.body.lat, thing: asked.thing});
      link.hidden = false;
      list.replaceChildren(...drawn(answer.body));
      onReach?.({lon: answer.body.lon, lat: answer.body.lat}, reach);
    } else {
      onReach?.(null);
      fill(list, element("p", "dim", say(answer.status === 404 ? "around.no_place" : answer.status === 403 ? "around.forbidden" : "around.failed")));
      if (answer.status === 0 || answer.status >= 500) setTimeout(() => mine === turn && read(), 5_000);
    }
  }

  function drawn(answer) {
    const others = answer.layers.map((layer) => ({...layer, ...without(layer)})).filter(({total}) => total);
    const lines = answer.along.map((line) => ({...line, items: line.items.filter(notOwn)})).filter(({items}) => items.length);
    const parts = [];
    if (others.length) parts.push(...others.map(near));
    else parts.push(element("p", "dim", say("around.nothing", {km: number(reach)})));
    if (!answer.complete) parts.push(element("p", "dim", say("around.too_many")));
    parts.push(...lines.slice(0, LINES).map(along));
    if (lines.length > LINES) parts.push(folded(say("around.more_lines", {n: number(lines.length - LINES)}), lines.slice(LINES).map(along)));
    return parts;
  }

  const notOwn = (place) => place.thing === null || place.thing !== asked.thing;
  function without(layer) {
    const items = layer.items.filter(notOwn);
    return {items, total: layer.total - (layer.items.length - items.length)};
  }

  function near({title, total, items}) {
    const rows = items.map((item) => row(item, metres(writer, item.km * 1000)));
    const rest = rows.slice(SHOWN);
    const left = total - SHOWN;
    const uncounted = total - items.length;
    if (uncounted > 0) rest.push(element("li", "dim", say("around.farther", {n: number(uncounted)})));
    return element("div", "around-part",
      element("h4", "", title, " ", element("b", "", number(total))),
      element("ul", "", ...rows.slice(0, SHOWN)),
      left > 0 ? folded(say("around.more", {n: number(left)}), [element("ul", "", ...rest)]) : null);
  }

  function along(line) {
    const isRiver = line.layer === "base";
    const before = line.items.filter(({along_km: km}) => km < 0).reverse();
    const after = line.items.filter(({along_km: km}) => km >= 0);
    const side = (title, items) => items.length ? element("div", "", element("h5", "", title), element("ul", "", ...items.slice(0, BESIDE).map((item) => row(item, metres(writer, Math.abs(item.along_km) * 1000), item.title)))) : null;
    const first = isRiver ? say("around.upstream") : line.start ? say("around.towards", {end: line.start}) : say("around.to_begin");
    const last = isRiver ? say("around.downstream") : line.end ? say("around.towards", {end: line.end}) : say("around.to_end");
    return element("div", "around-part",
      element("h4", "", say("around.along", {title: line.title, name: line.name || line.code})),
      isRiver && line.drawn ? element("p", "dim", say("around.as_drawn")) : null,
      side(first, before), side(last, after));
  }

  function folded(title, nodes) {
    return element("details", "", element("summary", "", title), ...nodes);
  }

  function row(item, far, kind = "") {
    const target = go ? element("button", "near") : element("a", "near");
    if (go) target.type = "button";
    else target.href = address(item);
    target.append(element("span", "", item.name, kind ? element("small", "", kind) : ""), element("b", "", far));
    if (go) target.addEventListener("click", () => go(item));
    return element("li", "", target);
  }

  return {box, show, read};
}

// The map with one place picked, where its layer is switched on.
function address(item) {
  const place = `/map#map=12/${item.lat.toFixed(4)}/${item.lon.toFixed(4)}`;
  if (item.thing !== null) return `${place}&pick=${item.layer === "bts" ? "bts" : "things"}:${item.thing}`;
  return `${place}&on=${item.layer}&pick=${item.layer}:${encodeURIComponent(item.code)}`;
}
