// Figures over days as one SVG: a small line of a row, or a chart with axes and the target.

const NS = "http://www.w3.org/2000/svg";
const PAD = {small: {left: 2, right: 4, top: 4, bottom: 4}, large: {left: 68, right: 16, top: 12, bottom: 26}};

function shape(tag, attributes, text) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// `points`: [day number, value], the oldest first.
export function draw(points, {width, height, target = null, axis = null, label}) {
  const pad = PAD[axis ? "large" : "small"];
  const values = points.map(([, value]) => value).concat(axis && target !== null ? [target] : []);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  [low, high] = [low - room, high + room];
  const [first, last] = [points[0][0], Math.max(points.at(-1)[0], points[0][0] + 1)];
  const x = (day) => pad.left + ((day - first) / (last - first)) * (width - pad.left - pad.right);
  const y = (value) => pad.top + ((high - value) / (high - low)) * (height - pad.top - pad.bottom);
  const svg = shape("svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img", class: "ind-chart", "aria-label": label});
  if (axis) axes(svg, {x, y, low, high, first, last, width, height, pad}, axis);
  if (axis && target !== null) svg.append(shape("path", {class: "target", d: `M${pad.left} ${y(target)}H${width - pad.right}`}), shape("text", {x: width - pad.right, y: y(target) - 5, "text-anchor": "end", class: "target-words"}, axis.target));
  svg.append(shape("path", {class: "line", d: points.map(([day, value], n) => `${n ? "L" : "M"}${x(day).toFixed(1)} ${y(value).toFixed(1)}`).join("") + (points.length === 1 ? "h.01" : "")}));
  const [day, value] = points.at(-1);
  svg.append(shape("circle", {cx: x(day), cy: y(value), r: axis ? 4 : 2.5, class: "end"}));
  return svg;
}

function axes(svg, {x, y, low, high, first, last, width, height, pad}, {number, date}) {
  for (let n = 0; n <= 3; n++) {
    const value = low + ((high - low) * n) / 3;
    svg.append(shape("path", {class: "grid", d: `M${pad.left} ${y(value)}H${width - pad.right}`}));
    svg.append(shape("text", {x: pad.left - 8, y: y(value) + 4, "text-anchor": "end"}, number(value)));
  }
  const ticks = width < 500 ? 2 : 4;
  for (let n = 0; n <= ticks; n++) {
    const day = Math.round(first + ((last - first) * n) / ticks);
    svg.append(shape("text", {x: x(day), y: height - 8, "text-anchor": n === 0 ? "start" : n === ticks ? "end" : "middle"}, date(day)));
  }
}
