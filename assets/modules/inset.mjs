// Vietnam as a whole, with Hoàng Sa and Trường Sa: where this province lies, whatever the map shows.

const NS = "http://www.w3.org/2000/svg";
const BOX = {west: 101.6, east: 117.4, south: 7.2, north: 23.6};
const LABEL_HALF = 5.9; // degrees: the longest label stays inside
const NAMED = {20333: "wall.hoang_sa", 22736: "wall.truong_sa"}; // by commune code

export function createInset(box, layers, writer) {
  const parts = {};
  layers.onLayer((name, data) => {
    if (!["neighbours", "province", "zones"].includes(name)) return;
    parts[name] = data;
    if (parts.neighbours && parts.zones) draw(box, parts, writer);
  });
}

function draw(box, parts, writer) {
  const drawing = document.createElementNS(NS, "svg");
  drawing.setAttribute("viewBox", `0 0 ${BOX.east - BOX.west} ${BOX.north - BOX.south}`);
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", writer.say("wall.inset"));
  for (const feature of parts.neighbours.features) drawing.append(outline(feature, ""));
  for (const feature of parts.province?.features ?? []) drawing.append(outline(feature, "own"));
  for (const feature of parts.zones.features) drawing.append(...zone(feature, writer));
  box.replaceChildren(drawing);
  box.hidden = false;
}

const x = (lon) => (lon - BOX.west).toFixed(2);
const y = (lat) => (BOX.north - lat).toFixed(2);

function outline({geometry}, className) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  const path = document.createElementNS(NS, "path");
  path.setAttribute("class", className);
  path.setAttribute("d", polygons.flat().map((ring) => `M${ring.map(([lon, lat]) => `${x(lon)} ${y(lat)}`).join("L")}Z`).join(""));
  return path;
}

function zone({geometry, properties}, writer) {
  const [lon, lat] = geometry.coordinates;
  const named = NAMED[properties.code];
  const dot = document.createElementNS(NS, "circle");
  for (const [name, value] of [["cx", x(lon)], ["cy", y(lat)], ["r", named ? 0.2 : 0.09]]) dot.setAttribute(name, value);
  if (!named) return [dot];
  const label = document.createElementNS(NS, "text");
  for (const [name, value] of [["x", Math.min(Number(x(lon)), BOX.east - BOX.west - LABEL_HALF)], ["y", (Number(y(lat)) + 1.15).toFixed(2)], ["font-size", 1.02], ["text-anchor", "middle"]]) label.setAttribute(name, value);
  label.textContent = writer.say(named);
  return [dot, label];
}
