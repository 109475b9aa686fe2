// Form parts: native controls with their labels, so that keyboard and screen reader come for free.

import {element} from "../dom.mjs";
import {SHAPES, svg} from "../marks.mjs";
import {SEVERITIES} from "./draft.mjs";

let made = 0;

export function field(label, control, note = null) {
  const id = control.id || `f${(made += 1)}`;
  control.id = id;
  const name = element("label", "lab", label);
  name.htmlFor = id;
  return element("div", "field", name, control, note);
}

export function select(options, value, onChange, attributes = {}) {
  const control = element("select", "inp");
  for (const [key, text] of options) {
    const option = element("option", "", text);
    option.value = key ?? "";
    option.selected = (key ?? "") === (value ?? "");
    control.append(option);
  }
  Object.assign(control, attributes);
  control.addEventListener("change", () => onChange(control.value || null));
  return control;
}

export function text(value, onChange, attributes = {}) {
  const control = element(attributes.rows ? "textarea" : "input", attributes.rows ? "inp ta" : "inp");
  Object.assign(control, attributes);
  control.value = value;
  control.addEventListener("input", () => onChange(control.value));
  return control;
}

// A number as readers write it. 1.000 is a thousand, 1,5 and 1.5 are one and a half.
export function parseNumber(written) {
  const plain = written.trim().replaceAll("\u2212", "-").replaceAll("\u00a0", "");
  if (!plain) return null;
  const grouped = /^-?[1-9]\d{0,2}(\.\d{3})+(,\d+)?$/.test(plain);
  const value = Number((grouped ? plain.replaceAll(".", "") : plain).replace(",", "."));
  return Number.isFinite(value) ? value : NaN;
}

// `show` writes the value; what cannot be read keeps the old value and is marked.
export function number(value, show, onChange, attributes = {}) {
  const control = element("input", "inp num");
  Object.assign(control, {inputMode: "decimal", autocomplete: "off", ...attributes});
  control.value = value === null ? "" : show(value);
  control.addEventListener("change", () => {
    const read = parseNumber(control.value);
    const bad = Number.isNaN(read);
    control.setAttribute("aria-invalid", String(bad));
    if (bad) return;
    if (read !== null) control.value = show(read);
    onChange(read);
  });
  return control;
}

export function button(words, onClick, className = "btn") {
  const control = element("button", className, words);
  control.type = "button";
  control.addEventListener("click", onClick);
  return control;
}

export function badge(severity, writer) {
  const rank = SEVERITIES.indexOf(severity) + 1;
  return element("span", `sev s${rank}`, svg(SHAPES[rank]), element("span", "", `${rank} ${writer.say(`severity.${rank}`)}`));
}

export function lock() {
  const drawing = svg("M6.7 10.5V7.5a5.3 5.3 0 0 1 10.6 0v3M4.5 10.5h15v10.5h-15z", {class: "lk"});
  drawing.firstChild.setAttribute("fill", "none");
  return drawing;
}

export function heading(number, words, ...more) {
  return element("h2", "step", element("i", "", String(number)), words, element("span", "sp"), ...more);
}
