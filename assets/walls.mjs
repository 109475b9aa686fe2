// Several walls from one desk: what each shows now, its list, its room, and how far it can be read.

import {element} from "./modules/dom.mjs";
import {ask, boot, button, feed, openPage, select, state} from "./modules/register/page.mjs";

const LAYOUTS = ["overview", "alerts", "environment", "network", "cameras"];
const LOST_MS = 90_000; // three signs of life were missed
const MOST_ITEMS = 12;
const MEASURES = ["diagonal_in", "width_px", "height_px", "viewer_m"];
const LABELS = {diagonal_in: "diagonal", width_px: "width", height_px: "height", viewer_m: "viewer"};

async function start(root) {
  const page = await openPage(root);
  const {say} = page;
  const drafts = new Map(); // wall -> what somebody is changing and has not saved
  let walls = [];
  let skew = 0;
  const refresh = feed(page, () => ask("/desk/walls"), (found) => {
    walls = found.walls;
    skew = found.now - Date.now();
    if (!page.body.contains(document.activeElement) || !document.activeElement.matches("input,select")) draw();
  });

  const wanted = (wall) => drafts.get(wall.name) ?? {title: wall.title, items: wall.items.map(([layout, dwell_s]) => ({layout, dwell_s})), pinned: wall.pinned, room: wall.room, screen: wall.screen};
  const change = (wall, more) => { drafts.set(wall.name, {...wanted(wall), ...more}); draw(); };

  async function save(name, body) {
    try {
      await ask(`/desk/walls/${name}`, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
      drafts.delete(name);
      page.spoken.textContent = say("walls.saved");
      await refresh();
      return "";
    } catch (error) {
      return error.away ? say("register.away") : error.message;
    }
  }

  function draw() {
    const cards = walls.map(card);
    page.body.replaceChildren(walls.length ? element("div", "walls", ...cards) : state(say("walls.none")), adding());
  }

  function card(wall) {
    const draft = wanted(wall);
    const dirty = drafts.has(wall.name);
    const error = element("p", "wall-error");
    error.setAttribute("role", "alert");
    const keep = button(say("walls.save"), async () => { keep.disabled = true; error.textContent = await save(wall.name, draft); keep.disabled = false; }, "btn p");
    keep.disabled = !dirty;
    const address = Object.assign(element("a", "", `/wall/screen/${wall.name}`), {href: `/wall/screen/${wall.name}`, target: "_blank"});
    const made = element("section", "wall-card", element("header", "", element("h2", "", wall.title), element("span", "dim", `${say("walls.address")}: `, address)),
      showing(wall), sending(wall, error), element("h3", "", say("walls.items")), items(wall, draft), element("div", "wall-row", room(wall, draft)),
      element("h3", "", say("walls.calibrate")), measures(wall, draft), reading(wall), error, element("div", "wall-row", keep, removing(wall, error)));
    made.dataset.wall = wall.name;
    return made;
  }

  function showing(wall) {
    const now = shown(wall);
    const box = element("div", "wall-now", element("b", "", `${say("walls.shows")}: ${say(`wallview.${now.layout}`)}`), element("span", "", how(now)), element("span", "dim", screen(wall)));
    box.setAttribute("role", "status");
    return box;
  }

  // The live line says it, as it does to the wall itself.
  const shown = (wall) => page.store?.walls[wall.name] ?? {layout: wall.pinned ?? wall.items[0]?.[0] ?? "overview", until: null, paused: false};

  function how(now) {
    if (now.paused) return say("walls.paused");
    return now.until === null ? say("walls.pinned") : say("walls.by_list", {time: page.time(now.until)});
  }

  function screen(wall) {
    if (wall.seen === null) return say("walls.unseen");
    const age = Date.now() + skew - wall.seen;
    return age > LOST_MS ? say("walls.lost", {time: page.moment(wall.seen)}) : say("walls.seen", {age: page.age(age), layout: say(`wallview.${wall.seen_layout}`)});
  }

  function sending(wall, error) {
    const send = (pinned) => async () => { error.textContent = await save(wall.name, {...wanted(wall), pinned}); };
    const way = (pinned, words) => {
      const made = button(words, send(pinned));
      made.setAttribute("aria-pressed", String(wall.pinned === pinned));
      return made;
    };
    const box = element("div", "wall-row", element("span", "dim", say("walls.send")), ...LAYOUTS.map((layout) => way(layout, say(`wallview.${layout}`))), way(null, say("walls.list")));
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", say("walls.send"));
    return box;
  }

  function items(wall, draft) {
    const put = (at, more) => change(wall, {items: draft.items.map((item, n) => (n === at ? {...item, ...more} : item))});
    const rows = draft.items.map((item, at) => {
      const seconds = Object.assign(element("input", "inp"), {type: "number", min: 10, max: 3600, step: 5, value: item.dwell_s});
      seconds.setAttribute("aria-label", `${say(`wallview.${item.layout}`)}, ${say("walls.dwell")}`);
      seconds.addEventListener("change", () => seconds.checkValidity() && put(at, {dwell_s: Number(seconds.value)}));
      const away = button("×", () => change(wall, {items: draft.items.filter((_, n) => n !== at)}));
      away.setAttribute("aria-label", say("walls.remove_item", {layout: say(`wallview.${item.layout}`)}));
      const which = Object.assign(element("select", "inp"), {name: "layout"});
      which.setAttribute("aria-label", say("walls.items"));
      for (const layout of LAYOUTS) which.append(Object.assign(element("option", "", say(`wallview.${layout}`)), {value: layout, selected: layout === item.layout}));
      which.addEventListener("change", () => put(at, {layout: which.value}));
      return element("li", "wall-row", which, seconds, element("span", "dim", say("walls.dwell")), away);
    });
    const more = button(say("walls.add"), () => change(wall, {items: [...draft.items, {layout: LAYOUTS[draft.items.length % LAYOUTS.length], dwell_s: 30}]}));
    more.disabled = draft.items.length >= MOST_ITEMS;
    return element("div", "", element("ol", "wall-items", ...rows), more);
  }

  function room(wall, draft) {
    return select("room", say("walls.room"), [["dark", say("walls.room_dark")], ["lit", say("walls.room_lit")]], draft.room, (event) => change(wall, {room: event.target.value}));
  }

  function measures(wall, draft) {
    const fields = MEASURES.map((name) => {
      const made = Object.assign(element("input", "inp"), {type: "number", name, step: name === "viewer_m" ? 0.1 : 1, min: name === "viewer_m" ? 0.3 : 10, value: draft.screen?.[name] ?? ""});
      made.addEventListener("change", () => {
        const typed = Object.fromEntries(fields.map((field) => [field.firstInput.name, Number(field.firstInput.value)]));
        if (Object.values(typed).every((value) => value > 0)) change(wall, {screen: typed});
      });
      const label = element("label", "reg-field", element("span", "", say(`walls.${LABELS[name]}`)), made);
      label.firstInput = made;
      return label;
    });
    return element("div", "wall-row", ...fields);
  }

  function reading(wall) {
    if (!wall.sizes) return element("p", "dim", say("walls.unmeasured"));
    const words = {mm: page.number(wall.sizes.text_mm, 0), reach: page.number(wall.sizes.reach_m, 1)};
    return element("p", wall.sizes.legible ? "" : "wall-short", say(wall.sizes.legible ? "walls.legible" : "walls.illegible", words));
  }

  function removing(wall, error) {
    let sure = false;
    const made = button(say("walls.remove"), async () => {
      if (!sure) { sure = true; made.textContent = say("walls.remove_sure"); return; }
      const answer = await fetch(`/desk/walls/${wall.name}`, {method: "DELETE"}).catch(() => null);
      if (answer?.ok) { drafts.delete(wall.name); refresh(); } else error.textContent = say("register.away");
    });
    return made;
  }

  function adding() {
    const name = Object.assign(element("input", "inp"), {name: "name", required: true, pattern: "[a-z0-9][a-z0-9\\-]{0,31}", maxLength: 32});
    const title = Object.assign(element("input", "inp"), {name: "title", required: true, maxLength: 60});
    const error = element("p", "wall-error");
    error.setAttribute("role", "alert");
    const form = element("form", "wall-row wall-new", element("label", "reg-field wide", element("span", "", say("walls.new_name")), name), element("label", "reg-field", element("span", "", say("walls.new_title")), title), Object.assign(element("button", "btn", say("walls.new")), {type: "submit"}), error);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      document.activeElement.blur();
      error.textContent = await save(name.value, {title: title.value, items: [{layout: "overview", dwell_s: 60}], pinned: null, room: "dark", screen: null});
    });
    return form;
  }

  page.store?.subscribe((changed) => {
    if (!changed.has("walls")) return;
    for (const wall of walls) page.body.querySelector(`[data-wall="${wall.name}"] .wall-now`)?.replaceWith(showing(wall));
  });
  await refresh();
}

boot("walls", start);
