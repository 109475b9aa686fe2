// The signs of state: one drawing each for the page (SVG) and for the map (canvas).

export const SHAPES = {
  1: "M12 0L24 12 12 24 0 12Z",
  2: "M12 1L24 23H0Z",
  3: "M2 2H22V22H2Z",
  4: "M12 1a11 11 0 1 0 .01 0Z",
};
export const SIGNS = {
  clock: "M12 2.5a9.5 9.5 0 1 0 .01 0ZM12 6v6.5l4 2.5",
  tray: "M3 5h18v14H3ZM3 13h5l2 3h4l2-3h5",
  warn: "M12 3L22 21H2ZM12 10v5M12 17.5v1",
  silent: "M12 3.5a8.5 8.5 0 1 0 .01 0ZM6.2 17.8L17.8 6.2",
};
// Radius on the map in units of u (66/52/36/33 px at u = 3.3).
const RADIUS = {1: 20, 2: 15.8, 3: 10.9, 4: 10};
const NUMBER_Y = {1: 0, 2: 0.3, 3: 0, 4: 0};

const NS = "http://www.w3.org/2000/svg";

export function svg(path, attributes = {}) {
  const drawing = document.createElementNS(NS, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  for (const [name, value] of Object.entries(attributes)) drawing.setAttribute(name, value);
  const shape = document.createElementNS(NS, "path");
  shape.setAttribute("d", path);
  drawing.append(shape);
  return drawing;
}

// Images for maplibre's addImage: name -> {image, pixelRatio}. `u` in CSS px.
export function drawMarks(u, style) {
  const images = {};
  for (const severity of [1, 2, 3, 4]) {
    for (const look of ["new", "ack", "rtn"]) {
      images[`${look}-${severity}`] = drawSeverity(severity, look, u, style);
    }
  }
  images.silent = drawSilent(u, style);
  return images;
}

function canvas(radius) {
  const ratio = 2; // sharp on any screen; scaled down by the map
  const side = Math.ceil(radius * 2) + 4;
  const element = document.createElement("canvas");
  element.width = element.height = side * ratio;
  const pen = element.getContext("2d", {willReadFrequently: true});
  pen.scale(ratio, ratio);
  pen.translate(side / 2, side / 2);
  return {pen, finish: () => ({image: pen.getImageData(0, 0, side * ratio, side * ratio), pixelRatio: ratio})};
}

function drawSeverity(severity, look, u, style) {
  const owed = look === "new" && severity === 1; // a ring: the eye must find it from anywhere
  const radius = Math.max(RADIUS[severity] * u * (look === "new" ? 1 : 0.82), 7);
  const {pen, finish} = canvas(owed ? radius * 1.7 : radius);
  if (owed) ring(pen, radius * 1.6, Math.max(1.5, u * 1.2), style("--fg1"));
  pen.save();
  pen.scale(radius / 12, radius / 12);
  pen.translate(-12, -12);
  const shape = new Path2D(SHAPES[severity]);
  pen.lineJoin = "round";
  pen.lineWidth = 24 * Math.max(1.2, u * 0.9) / (radius * 2) * 2;
  if (look === "rtn") {
    pen.setLineDash([3.2, 2.2]);
    pen.lineWidth = 2;
    pen.strokeStyle = style("--fg1");
    pen.fillStyle = style("--map-prov");
  } else {
    pen.strokeStyle = severity === 1 || look === "ack" ? style("--sev-ring") : style("--bg0");
    pen.fillStyle = style(`--s${severity}`);
  }
  pen.stroke(shape);
  pen.fill(shape);
  if (look === "rtn") pen.stroke(shape);
  pen.restore();
  if (radius >= 9) {
    pen.fillStyle = look === "rtn" ? style("--fg1") : style(`--s${severity}t`);
    pen.font = `600 ${radius * (severity === 2 ? 0.78 : 0.95)}px "IOC Sans"`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(String(severity), 0, radius * (NUMBER_Y[severity] + 0.06));
  }
  return finish();
}

function drawSilent(u, style) {
  const radius = Math.max(5.2 * u, 5);
  const width = Math.max(1.4, u * 1.3);
  const {pen, finish} = canvas(radius + width);
  pen.beginPath();
  pen.arc(0, 0, radius, 0, 2 * Math.PI);
  pen.fillStyle = style("--map-prov");
  pen.fill();
  ring(pen, radius, width, style("--fg1"));
  const d = radius * Math.SQRT1_2;
  pen.beginPath();
  pen.moveTo(-d, d);
  pen.lineTo(d, -d);
  pen.stroke();
  return finish();
}

function ring(pen, radius, width, colour) {
  pen.beginPath();
  pen.arc(0, 0, radius, 0, 2 * Math.PI);
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.stroke();
}
