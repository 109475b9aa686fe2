// The hours around an alert as one SVG: line, min–max band, limit, the excess, and where nothing is known.
// Drawn here and not by Plotly: moving through a list draws one in a few ms, at any width.

const NS = "http://www.w3.org/2000/svg";
const HEIGHT = 176;
const LEFT = 46;
const RIGHT = 16;
const TOP = 12;
const BOTTOM = 26;
const HOUR_MS = 3_600_000;
const STEPS_MS = [5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880].map((minutes) => minutes * 60_000);
const LABEL = 62; // px that a time needs

function shape(tag, attributes, text) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// `chart` as the server sends it; null where there is nothing to draw.
export function drawChart(chart, row, told, writer, width) {
  const values = chart.mean.filter((value) => value !== null);
  if (!values.length) return null;
  const scale = scales(chart, row, width);
  const svg = shape("svg", {viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", class: "ch"});
  svg.setAttribute("aria-label", described(chart, row, told, values));
  svg.append(defs(scale, row, width));
  gaps(svg, chart, scale);
  grid(svg, chart, scale, told, writer, width);
  const runs = split(chart);
  if (!chart.states) svg.append(shape("path", {class: "band", d: band(chart, runs, scale)}));
  const line = runs.map((run) => path(run.map((i) => [scale.x(chart.times[i]), scale.y(chart.mean[i])]), Boolean(chart.states))).join("");
  if (scale.limit !== null) excess(svg, chart, runs, row, scale);
  if (scale.limit !== null) limitLine(svg, row, scale, told, width);
  begin(svg, row, scale);
  svg.append(shape("path", {class: "line", d: line}));
  return svg;
}

function scales(chart, row, width) {
  const limit = row.kind === "category" || row.limit === null ? null : row.limit;
  const every = [...chart.mean, ...chart.low, ...chart.high].filter((value) => value !== null);
  if (limit !== null) every.push(limit);
  let low = Math.min(...every);
  let high = Math.max(...every);
  const pad = (high - low || Math.abs(high) || 1) * 0.1;
  low -= pad;
  high += pad;
  const {since, until} = chart;
  return {
    limit, low, high, since, until,
    x: (ms) => LEFT + ((ms - since) / (until - since)) * (width - LEFT - RIGHT),
    y: (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM),
    width: width - LEFT - RIGHT,
  };
}

function defs(scale, row, width) {
  const node = shape("defs", {});
  const hatch = shape("pattern", {id: "ch-gap", width: 8, height: 8, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)"});
  hatch.append(shape("rect", {width: 2, height: 8, class: "hatch"}));
  node.append(hatch);
  if (scale.limit !== null) {
    const y = scale.y(scale.limit);
    const below = row.op?.startsWith("<");
    const clip = shape("clipPath", {id: "ch-over"});
    clip.append(shape("rect", {x: 0, y: below ? y : 0, width, height: below ? HEIGHT : Math.max(0, y)}));
    node.append(clip);
  }
  return node;
}

// Runs of indices that follow each other without a gap.
function split(chart) {
  const runs = [];
  let run = [];
  chart.times.forEach((time, i) => {
    const torn = i > 0 && time - chart.times[i - 1] > chart.gap_s * 1000;
    if ((torn || chart.mean[i] === null) && run.length) {
      runs.push(run);
      run = [];
    }
    if (chart.mean[i] !== null) run.push(i);
  });
  if (run.length) runs.push(run);
  return runs;
}

function gaps(svg, chart, scale) {
  const edges = [chart.since, ...split(chart).flatMap((run) => [chart.times[run[0]], chart.times[run.at(-1)]]), chart.until];
  for (let i = 0; i < edges.length; i += 2) {
    if (edges[i + 1] - edges[i] <= chart.gap_s * 1000) continue;
    const x = scale.x(edges[i]);
    svg.append(shape("rect", {x, y: TOP, width: Math.max(0, scale.x(edges[i + 1]) - x), height: HEIGHT - TOP - BOTTOM, fill: "url(#ch-gap)"}));
  }
}

function grid(svg, chart, scale, told, writer, width) {
  for (const value of chart.states ? Object.values(chart.states).filter((n) => n >= scale.low && n <= scale.high) : ticks(scale.low, scale.high)) {
    const y = scale.y(value);
    svg.append(shape("path", {class: "grid", d: `M${LEFT} ${y}H${width - RIGHT}`}));
    const text = chart.states ? told.amount({kind: "category", states: chart.states}, value).text : writer.number(value, tickDecimals(scale));
    svg.append(shape("text", {x: LEFT - 6, y: y + 4, "text-anchor": "end"}, text));
  }
  const span = scale.until - scale.since;
  const step = STEPS_MS.find((ms) => (span / ms) * LABEL <= scale.width) ?? STEPS_MS.at(-1);
  // Whole hours of the province's clock: its zone is a whole number of hours from UTC.
  const shift = step > HOUR_MS ? (Number(writer.time(0).slice(0, 2)) * HOUR_MS) % step : 0;
  for (let ms = Math.ceil((scale.since + shift) / step) * step - shift; ms <= scale.until; ms += step) {
    const text = step >= 24 * HOUR_MS ? writer.date(ms).slice(0, 5) : writer.time(ms).slice(0, 5);
    const x = scale.x(ms);
    if (x > LEFT + 14 && x < width - 18) svg.append(shape("text", {x, y: HEIGHT - 8, "text-anchor": "middle"}, text));
    svg.append(shape("path", {class: "tick", d: `M${x} ${HEIGHT - BOTTOM}v4`}));
  }
  svg.append(shape("path", {class: "tick", d: `M${LEFT} ${HEIGHT - BOTTOM}H${width - RIGHT}`}));
}

function ticks(low, high) {
  const step = tickStep(low, high);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) found.push(Math.abs(value) < step / 1e6 ? 0 : value);
  return found;
}

function tickStep(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
}

const tickDecimals = ({low, high}) => Math.max(0, -Math.floor(Math.log10(tickStep(low, high)) + 1e-9));

function path(points, stepped) {
  return points.map(([x, y], i) => i === 0 ? `M${x.toFixed(1)} ${y.toFixed(1)}` : stepped ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `L${x.toFixed(1)} ${y.toFixed(1)}`).join("") + (points.length === 1 ? "h.01" : "");
}

function band(chart, runs, scale) {
  return runs.map((run) => `${path(run.map((i) => [scale.x(chart.times[i]), scale.y(chart.high[i])]))}${path([...run].reverse().map((i) => [scale.x(chart.times[i]), scale.y(chart.low[i])])).replace("M", "L")}Z`).join("");
}

function excess(svg, chart, runs, row, scale) {
  const base = scale.y(scale.limit);
  const area = runs.map((run) => {
    const points = run.map((i) => [scale.x(chart.times[i]), scale.y(chart.mean[i])]);
    return `${path(points)}V${base.toFixed(1)}H${points[0][0].toFixed(1)}Z`;
  }).join("");
  svg.append(shape("path", {class: `over k${row.severity}`, d: area, "clip-path": "url(#ch-over)"}));
}

function limitLine(svg, row, scale, told, width) {
  const y = scale.y(scale.limit);
  svg.append(shape("path", {class: row.legal_ref ? "limit law" : "limit", d: `M${LEFT} ${y}H${width - RIGHT}`}));
  const text = told.say("chart.limit", {limit: told.limit(row).replace(/^\D+/, "")});
  svg.append(shape("text", {class: "lt", x: LEFT + 4, y: y - 5 > TOP + 8 ? y - 5 : y + 14}, text));
}

function begin(svg, row, scale) {
  for (const [ms, name] of [[row.raised, "begin"], [row.returned, "end"]]) {
    if (ms === null || ms < scale.since || ms > scale.until) continue;
    svg.append(shape("path", {class: name, d: `M${scale.x(ms)} ${TOP}V${HEIGHT - BOTTOM}`}));
  }
}

function described(chart, row, told, values) {
  const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => told.written({...row, states: chart.states}, value));
  return told.say("alerts.chart_described", {property: row.property_name, since: told.moment(chart.since), until: told.moment(chart.until), low, high});
}
