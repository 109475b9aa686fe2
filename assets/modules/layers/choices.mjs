// What a person may say of a file: layer, coordinate system, letters, and each column's field.

import {element} from "../dom.mjs";

const ENCODINGS = ["auto", "utf-8", "tcvn3", "vni"];

export function createChoices({say, book}) {
  function draw(one) {
    const {result: found, chosen} = one;
    const form = element("form", "choices");
    form.append(
      row("layers.page.layer", layer(found, chosen)),
      row("layers.page.crs", crs(found, chosen), how(found)),
      row("layers.page.encoding", select("encoding", ENCODINGS.map((name) => [name, name === "auto" ? say("layers.page.auto") : name.toUpperCase()]), chosen.encoding), letters(found)),
    );
    const fields = book[found.layer]?.fields ?? {};
    if (Object.keys(found.columns).length) form.append(columns(Object.fromEntries(found.order.map((name) => [name, found.columns[name]])), fields));
    form.addEventListener("submit", (event) => event.preventDefault());
    form.dataset.columns = JSON.stringify(found.columns);
    return form;
  }

  function layer(found, chosen) {
    const named = chosen.layer.includes("=") ? chosen.layer.split("=") : ["", chosen.layer];
    const box = element("span", "pair");
    if (found.inner.length > 1) box.append(select("inner", [["", say("layers.page.inner")], ...found.inner.map((name) => [name, name])], named.slice(0, -1).join("=")));
    box.append(select("layer", [["", say("layers.page.auto")], ...Object.entries(book).map(([name, {title}]) => [name, title])], named.at(-1) || found.layer));
    return box;
  }

  function crs(found, chosen) {
    const options = new Map([["auto", say("layers.page.auto")]]);
    for (const [index, one] of found.crs.candidates.entries()) {
      if (one.epsg !== null && !options.has(`EPSG:${one.epsg}`)) options.set(`EPSG:${one.epsg}`, say("layers.page.candidate", {n: index + 1, epsg: one.epsg, title: one.title, share: Math.round(one.inside_share * 100)}));
    }
    if (!options.has(chosen.crs)) options.set(chosen.crs, chosen.crs);
    return select("crs", [...options], chosen.crs);
  }

  function how(found) {
    if (!found.crs.title) return null;
    return `${found.crs.title}, ${say(`layers.how.${found.crs.how}`)}${found.crs.axes === "yx" ? `, ${say("layers.page.swapped")}` : ""}`;
  }

  const letters = (found) => found.encoding.name ? say("layers.page.read_as", {name: found.encoding.name.toUpperCase(), share: Math.round(found.encoding.confidence * 100)}) : null;

  function columns(found, fields) {
    const options = [["", say("layers.unused")], ["x", say("layers.page.x")], ["y", say("layers.page.y")], ...Object.entries(fields)];
    const rows = Object.entries(found).map(([column, field]) => {
      const choice = select("column", field && !(field in fields) && field !== "x" && field !== "y" ? [...options, [field, field]] : options, field ?? "");
      choice.dataset.column = column;
      choice.setAttribute("aria-label", column);
      return element("tr", field ? "" : "unused", element("td", "", column), element("td", "", choice));
    });
    const head = element("tr", "", element("th", "", say("layers.page.file_column")), element("th", "", say("layers.page.field")));
    return element("table", "mapping", element("thead", "", head), element("tbody", "", ...rows));
  }

  function row(title, control, note = null) {
    const label = element("label", "", element("span", "", say(title)), control);
    return element("div", "choice", label, note ? element("small", "dim", note) : null);
  }

  function select(name, options, value) {
    const node = element("select", "inp");
    node.name = name;
    node.replaceChildren(...options.map(([key, text]) => Object.assign(element("option", "", text), {value: key})));
    node.value = value ?? options[0][0];
    return node;
  }

  // Only what differs from what was found is said: the rest stays the importer's own judgement.
  function read(form) {
    const found = JSON.parse(form.dataset.columns);
    const mapping = {};
    for (const node of form.querySelectorAll("[data-column]")) {
      if (node.value !== (found[node.dataset.column] ?? "")) mapping[node.dataset.column] = node.value;
    }
    const inner = form.elements.inner?.value;
    const layer = form.elements.layer.value;
    return {layer: inner ? `${inner}=${layer}` : layer, crs: form.elements.crs.value, encoding: form.elements.encoding.value, mapping};
  }

  return {draw, read};
}
