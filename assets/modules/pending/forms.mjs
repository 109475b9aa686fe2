// What a person says of a thing that waits: its names, what it is of, where it stands, how often it speaks.

import {element} from "../dom.mjs";
import {svg} from "../marks.mjs";
import {button, kindName, select} from "../register/page.mjs";

const SHORT = 32;
const WIDTH = 300;

// `submit()` may throw: its message stands in the dialog, which stays open.
function dialog(page, title, parts, words, submit) {
  const error = element("p", "pend-error");
  error.setAttribute("role", "alert");
  const yes = Object.assign(element("button", "btn p", words), {type: "submit"});
  const form = element("form", "pend-form", element("h2", "", title), ...parts, error);
  const made = element("dialog", "", form);
  form.append(element("div", "pend-ways", yes, button(page.say("pending.cancel"), () => made.close())));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    yes.disabled = true;
    try {
      await submit();
      made.close();
    } catch (failure) {
      error.textContent = failure.away ? page.say("register.away") : failure.message;
    }
    yes.disabled = false;
  });
  made.addEventListener("close", () => made.remove());
  page.root.append(made);
  made.showModal();
}

function field(words, control, hint = "") {
  return element("label", "reg-field", element("span", "", words), control, hint ? element("small", "", hint) : "");
}

function input(value, options = {}) {
  return Object.assign(element("input", "inp"), {value: value ?? "", autocomplete: "off", ...options});
}

export function admitOne(page, row, {communes, rings, kinds}, send) {
  const name = input(row.name, {required: true, maxLength: 200});
  const short = input(row.short_name, {required: true, maxLength: SHORT});
  const kind = select("kind", page.say("register.kind"), kinds.map((one) => [one, kindName(page, one)]), row.kind, () => {});
  const period = input(row.period_s / 60, {type: "number", min: 0.1, step: "any", max: 525_600, required: true});
  const lat = input(row.lat, {type: "number", step: "any", min: 6, max: 24});
  const lon = input(row.lon, {type: "number", step: "any", min: 102, max: 118});
  const nearest = page.say("pending.nearest");
  const commune = select("commune", page.say("register.area"), [["", nearest], ...communes.map(([code, title]) => [code, title])], "", (event) => {
    const seat = communes.find(([code]) => code === event.target.value);
    if (seat && (lat.value === "" || lon.value === "")) { lon.value = seat[2]; lat.value = seat[3]; map.draw(); }
  });
  const map = smallMap(page, rings, communes, lon, lat);
  for (const one of [lon, lat]) one.addEventListener("input", map.draw);
  const parts = [
    element("p", "dim", `${row.feed_title} · ${row.external_id}`),
    field(page.say("pending.name"), name), field(page.say("pending.short_name"), short, page.say("pending.short_hint", {n: SHORT})),
    element("div", "pend-two", kind, field(page.say("pending.period"), period)),
    element("div", "pend-where", element("div", "pend-stack", field(page.say("pending.lat"), lat), field(page.say("pending.lon"), lon), commune), map.node),
  ];
  dialog(page, page.say("pending.admit_one"), parts, page.say("pending.admit"), () => {
    const one = {id: row.id, name: name.value, short_name: short.value, kind: kind.querySelector("select").value};
    if (Number(period.value) * 60 !== row.period_s) one.period_s = Number(period.value) * 60;
    const chosen = commune.querySelector("select").value;
    const moved = Number(lon.value) !== row.lon || Number(lat.value) !== row.lat;
    if (lon.value !== "" && lat.value !== "" && (moved || chosen)) Object.assign(one, {lon: Number(lon.value), lat: Number(lat.value), ...(chosen ? {commune: chosen} : {})});
    return send("admit", {things: [one]});
  });
}

export function admitMany(page, rows, send) {
  const names = rows.slice(0, 8).map((row) => element("li", "", row.name));
  const rest = rows.length > names.length ? element("li", "", page.say("pending.and_more", {n: page.number(rows.length - names.length)})) : "";
  const nowhere = rows.filter((row) => row.lon === null).length;
  const parts = [element("ul", "pend-list", ...names, rest), element("p", "dim", page.say("pending.admit_many_hint")), nowhere ? element("p", "", page.say("pending.many_nowhere", {n: page.number(nowhere)})) : ""];
  dialog(page, page.say("pending.admit_many", {n: page.number(rows.length)}), parts, page.say("pending.admit"), () => send("admit", {things: rows.map(({id}) => ({id}))}));
}

export function refuse(page, rows, send) {
  const reason = Object.assign(element("textarea", "inp"), {maxLength: 500, required: true});
  const names = rows.slice(0, 8).map((row) => row.name).join(", ");
  const parts = [element("p", "", names + (rows.length > 8 ? ", …" : "")), field(page.say("pending.reason"), reason), element("p", "dim", page.say("pending.refuse_hint"))];
  dialog(page, page.say("pending.refuse_many", {n: page.number(rows.length)}), parts, page.say("pending.refuse"), () => send("refuse", {things: rows.map(({id}) => id), reason: reason.value}));
}

// The outline of the province with the seats of its communes; a press sets the place.
function smallMap(page, rings, seats, lon, lat) {
  const points = rings.flat();
  if (!points.length) return {node: "", draw: () => {}};
  const [west, east] = [Math.min(...points.map(([x]) => x)), Math.max(...points.map(([x]) => x))];
  const [south, north] = [Math.min(...points.map(([, y]) => y)), Math.max(...points.map(([, y]) => y))];
  const squeeze = Math.cos(((south + north) / 2) * Math.PI / 180);
  const scale = WIDTH / ((east - west) * squeeze);
  const height = Math.ceil((north - south) * scale);
  const x = (degrees) => (degrees - west) * squeeze * scale;
  const y = (degrees) => (north - degrees) * scale;
  const path = rings.map((ring) => `M${ring.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("L")}Z`).join("");
  const drawing = svg(path, {viewBox: `0 0 ${WIDTH} ${height}`, class: "pend-map", role: "img", "aria-label": page.say("pending.map")});
  drawing.removeAttribute("aria-hidden");
  const dot = (a, b, r, className) => {
    const made = document.createElementNS(drawing.namespaceURI, "circle");
    for (const [key, value] of Object.entries({cx: x(a), cy: y(b), r, class: className})) made.setAttribute(key, value);
    return made;
  };
  drawing.append(...seats.map(([, , a, b]) => dot(a, b, 1.5, "seat")));
  let mark = null;
  function draw() {
    mark?.remove();
    mark = null;
    if (lon.value === "" || lat.value === "") return;
    mark = dot(Number(lon.value), Number(lat.value), 6, "mark");
    drawing.append(mark);
  }
  drawing.addEventListener("click", (event) => {
    const box = drawing.getBoundingClientRect();
    lon.value = (west + (event.clientX - box.left) / box.width * (east - west)).toFixed(5);
    lat.value = (north - (event.clientY - box.top) / box.height * (north - south)).toFixed(5);
    draw();
  });
  draw();
  return {node: element("div", "pend-place", drawing, element("small", "", page.say("pending.map_hint"))), draw};
}
