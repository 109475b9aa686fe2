// The history of one station with the rule's limits over it: lines to drag by mouse, finger or keys.
// Each pixel column holds the lowest and the highest value of its time: no peak is left out.

import {element} from "../dom.mjs";
import {SHAPES} from "../marks.mjs";
import {SEVERITIES} from "./draft.mjs";
import {badge, lock} from "./form.mjs";
import {createScale, range, snap, stepOf, ticks} from "./scale.mjs";

const NS = "http://www.w3.org/2000/svg";
const GUTTER = 92; // right of the data, for the handles
const LEFT = 48, TOP = 14, AXIS = 28, STRIP = 19;
const BRIDGE = 2; // columns: a station that sends each hour and a half is no gap
const APART = 40; // px between two handles
const HIT = 44; // px a finger needs

function draw(tag, attributes, ...children) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

// The runs of columns that follow each other without a gap: [first, last].
function runs(values) {
  const found = [];
  values.forEach((value, i) => {
    if (value === null) return;
    const last = found.at(-1);
    if (last && i - last[1] <= BRIDGE + 1) last[1] = i;
    else found.push([i, i]);
  });
  return found;
}

// `onMove(line, value, done)`: the limit is being moved, or was let go.
export function createChart(box, {writer, clock, onMove}) {
  let history = null, lines = [], episodes = [], unit = "", decimals = 1, scale = null, step = 1, drag = null, held = null;
  const svg = draw("svg", {class: "ch", role: "group"});
  const labels = element("div", "ch-labels");
  box.replaceChildren(svg, labels);
  new ResizeObserver(() => render()).observe(box);

  const columns = () => Math.max(200, Math.min(1600, Math.round(box.clientWidth - LEFT - GUTTER) || 700));
  const show = (value) => writer.number(value, decimals);

  function set(next) {
    ({history = history, lines = lines, episodes = episodes, unit = unit, decimals = decimals} = next);
    render();
  }

  function render() {
    const width = box.clientWidth, height = box.clientHeight;
    if (!history || width < 50) return;
    const strips = new Set(lines.map((line) => line.severity)).size;
    const area = {left: LEFT, right: width - GUTTER, top: TOP, bottom: height - AXIS - strips * STRIP - 4};
    if (!drag) held = range(history, lines); // the axis stands still under the hand
    scale = createScale(area, history.since, history.until, held);
    step = stepOf(decimals, ...held);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("aria-label", writer.say("rules.chart_label"));
    const focused = svg.contains(document.activeElement) ? document.activeElement.dataset.line : null;
    svg.replaceChildren(...grid(area), ...data(area), ...lines.map((line) => limit(line, area)), ...strip(area, height));
    labels.replaceChildren(...tags(area));
    if (focused) svg.querySelector(`[data-line="${focused}"]`)?.focus();
  }

  function grid(area) {
    const found = [];
    const values = ticks(scale.low, scale.high, Math.max(2, Math.round((area.bottom - area.top) / 70)));
    const places = Math.max(0, ...values.map((value) => (String(value).split(".")[1] ?? "").length));
    for (const value of values) {
      const y = scale.y(value);
      found.push(draw("path", {d: `M${area.left} ${y}H${area.right}`, class: "ch-grid"}), draw("text", {x: area.left - 8, y: y + 4, "text-anchor": "end"}, writer.number(value, places)));
    }
    if (unit) found.push(draw("text", {x: area.left + 6, y: area.top + 8}, unit));
    const days = clock.days(history.since, history.until, Math.max(2, Math.floor((area.right - area.left) / 90)));
    found.push(draw("path", {d: `M${area.left} ${area.bottom}H${area.right}`, class: "ch-axis"}));
    for (const {at, words} of days) {
      found.push(draw("path", {d: `M${scale.x(at)} ${area.bottom}v5`, class: "ch-axis"}), draw("text", {x: scale.x(at), y: area.bottom + 19, "text-anchor": "middle"}, words));
    }
    return found;
  }

  function data(area) {
    const judged = history.compared ?? history.raw;
    const whole = draw("clipPath", {id: "clip-area"}, draw("rect", {x: area.left, y: area.top, width: area.right - area.left, height: area.bottom - area.top}));
    const found = [whole, draw("path", {d: envelope(history.raw), class: history.compared ? "ch-raw aside" : "ch-raw", "clip-path": "url(#clip-area)"})];
    for (const line of [...lines].sort((a, b) => SEVERITIES.indexOf(b.severity) - SEVERITIES.indexOf(a.severity))) {
      const id = `clip-${line.index}-${line.key}`;
      const y = scale.y(line.value);
      const clip = line.above ? {y: area.top, height: Math.max(0, y - area.top)} : {y, height: Math.max(0, area.bottom - y)};
      found.push(
        draw("clipPath", {id}, draw("rect", {x: area.left, width: area.right - area.left, ...clip})),
        draw("path", {d: excess(judged, line.above, area), class: `ch-fill s${SEVERITIES.indexOf(line.severity) + 1}`, "clip-path": `url(#${id})`}),
      );
    }
    if (history.compared) found.push(draw("path", {d: curve(history.compared), class: "ch-mean"}));
    return found;
  }

  const middle = (i, n) => LEFT + ((i + 0.5) / n) * (scale.x(history.until) - LEFT);

  function curve({low, high}) {
    return runs(high).map(([first, last]) => {
      let path = "";
      for (let i = first; i <= last; i += 1) {
        if (high[i] === null) continue;
        const x = middle(i, high.length).toFixed(1);
        path += `${path ? "L" : "M"}${x} ${scale.y(low[i]).toFixed(1)}`;
        if (high[i] !== low[i]) path += `L${x} ${scale.y(high[i]).toFixed(1)}`;
      }
      return `${path}h.01`;
    }).join("");
  }

  // All that was measured: from the lowest to the highest value of each column.
  function envelope({low, high}) {
    return runs(high).map(([first, last]) => {
      const there = [], back = [];
      for (let i = first; i <= last; i += 1) {
        if (high[i] === null) continue;
        const x = middle(i, high.length).toFixed(1);
        there.push(`${x} ${scale.y(high[i]).toFixed(1)}`);
        back.unshift(`${x} ${scale.y(low[i]).toFixed(1)}`);
      }
      return `M${there.join("L")}L${back.join("L")}Z`;
    }).join("");
  }

  // What lies between the data and the far side; the clip leaves only what is beyond the limit.
  function excess({low, high}, above, area) {
    const values = above ? high : low;
    const floor = above ? area.bottom : area.top;
    return runs(values).map(([first, last]) => {
      const n = values.length;
      let path = `M${(middle(first, n) - 0.5).toFixed(1)} ${floor}`;
      for (let i = first; i <= last; i += 1) if (values[i] !== null) path += `L${middle(i, n).toFixed(1)} ${scale.y(values[i]).toFixed(1)}`;
      return `${path}L${(middle(last, n) + 0.5).toFixed(1)} ${floor}Z`;
    }).join("");
  }

  function limit(line, area) {
    const y = scale.y(line.value);
    const band = Math.abs(scale.y(line.value - line.deadband) - y);
    const parts = [
      draw("rect", {class: "ch-band", x: area.left, width: area.right - area.left, y: line.above ? y : y - band, height: band}),
      draw("path", {class: line.locked ? "ch-limit locked" : "ch-limit", d: `M${area.left} ${y}H${area.right}`}),
    ];
    if (line.locked) return draw("g", {}, ...parts);
    const name = `${writer.say("rules.limit")} ${writer.say(`severity.${SEVERITIES.indexOf(line.severity) + 1}`)}`;
    const group = draw("g", {
      tabindex: 0, role: "slider", "data-line": `${line.index}-${line.key}`, "aria-label": name, "aria-orientation": "vertical",
      "aria-valuemin": held[0], "aria-valuemax": held[1], "aria-valuenow": line.value, "aria-valuetext": `${show(line.value)} ${unit}`,
    }, ...parts, draw("rect", {class: "ch-hit", x: area.left, width: area.right - area.left + GUTTER, y: y - HIT / 2, height: HIT}));
    group.addEventListener("pointerdown", (event) => grab(event, line));
    group.addEventListener("keydown", (event) => press(event, line));
    return group;
  }

  function grab(event, line) {
    drag = {line, offset: event.offsetY - scale.y(line.value), pointer: event.pointerId};
    svg.querySelector(`[data-line="${line.index}-${line.key}"]`)?.focus({preventScroll: true});
    svg.setPointerCapture(event.pointerId);
    event.preventDefault();
  }
  svg.addEventListener("pointermove", (event) => {
    if (!drag || event.pointerId !== drag.pointer) return;
    move(drag.line, snap(scale.value(event.clientY - svg.getBoundingClientRect().top - drag.offset), step), false);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    svg.addEventListener(end, (event) => {
      if (!drag || event.pointerId !== drag.pointer) return;
      const {line} = drag;
      drag = null;
      move(line, lines.find((one) => one.index === line.index && one.key === line.key)?.value ?? line.value, true);
    });
  }

  function press(event, line) {
    const steps = {ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10}[event.key];
    if (!steps) return;
    event.preventDefault();
    move(line, snap(line.value + steps * step, step), true);
  }

  function move(line, value, done) {
    onMove(line, Math.max(held[0], Math.min(held[1], value)), done);
  }

  // Badges left on their lines, handles right of the data; those that would overlap step aside.
  function tags(area) {
    const places = lines.map((line) => ({line, y: scale.y(line.value)})).sort((a, b) => a.y - b.y);
    for (let i = 1; i < places.length; i += 1) places[i].at = Math.max(places[i].y, (places[i - 1].at ?? places[i - 1].y) + APART);
    return places.flatMap(({line, y, at = y}) => {
      const own = element("div", line.locked ? "hd locked" : "hd", element("b", "", show(line.value)), line.locked ? lock() : arrows());
      own.style.top = `${at}px`;
      own.style.left = `${area.right + 4}px`;
      const tag = element("div", line.above ? "hb" : "hb below", badge(line.severity, writer));
      tag.style.top = `${line.above ? at : y}px`;
      tag.style.left = `${area.left + 5}px`;
      return [own, tag];
    });
  }

  function strip(area, height) {
    const severities = [...new Set(lines.map((line) => line.severity))].sort((a, b) => SEVERITIES.indexOf(a) - SEVERITIES.indexOf(b));
    return severities.flatMap((severity, row) => {
      const rank = SEVERITIES.indexOf(severity) + 1;
      const y = height - (severities.length - row) * STRIP;
      const sign = draw("g", {transform: `translate(${area.left - 26},${y - 3}) scale(.66)`}, draw("path", {d: SHAPES[rank], class: `ch-sign s${rank}`}));
      const own = episodes.filter((one) => one.severity === severity);
      return [draw("path", {d: `M${area.left} ${y + 5}H${area.right}`, class: "ch-grid"}), sign, ...own.map((one) => episode(one, rank, y))];
    });
  }

  function episode(one, rank, y) {
    const from = scale.x(Math.max(one.start, history.since)), to = scale.x(one.end ?? history.until);
    const title = draw("title", {}, `${clock.moment(one.start)} – ${one.end ? clock.moment(one.end) : writer.say("rules.still_on")}${one.peak === null ? "" : `, ${show(one.peak)} ${unit}`}`);
    return draw("rect", {class: `ch-episode s${rank}`, x: from, width: Math.max(3, to - from), y, height: 10}, title);
  }

  return {set, columns, step: () => step};
}

function arrows() {
  return draw("svg", {viewBox: "0 0 16 24", width: 13, height: 20, "aria-hidden": "true"}, draw("path", {d: "M8 1l5 6H3zM8 23l5-6H3z", fill: "currentColor"}));
}
