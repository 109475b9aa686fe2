// Step 1: what is measured, and at which stations.

import {element} from "../dom.mjs";
import {selected} from "./draft.mjs";
import {field, heading, select} from "./form.mjs";

const NS = "http://www.w3.org/2000/svg";
const MAP = {width: 300, height: 120, edge: 10};

export function createPlace(box, {state, writer, change, reload}) {
  const say = (key, values) => writer.say(`rules.${key}`, values);
  let search = "", area = null;

  function render() {
    const {draft, options, stations} = state;
    const focused = document.activeElement?.id;
    const property = field(say("property"), select(options.properties.map((one) => [one.code, one.unit ? `${one.name} (${one.unit})` : one.name]), draft.property, pickProperty, {id: "rule-property", disabled: draft.base !== null}));
    const chosen = selected(draft, stations);
    const how = segment([["group", say("by_group")], ["chosen", say("by_station")]], draft.group ? "group" : "chosen", (value) => {
      if (value === "chosen" && draft.things.length === 0) draft.things = chosen.map((one) => one.ref);
      draft.group = value === "group";
      settle();
    });
    box.replaceChildren(
      heading(1, say("step1")), property,
      element("div", "field", element("span", "lab", say("stations", {n: chosen.length})), how),
      draft.group ? group(draft, stations) : list(draft, stations),
      ...[map(chosen, stations), preview(chosen)].filter(Boolean));
    if (focused) document.getElementById(focused)?.focus();
  }

  function pickProperty(code) {
    Object.assign(state.draft, {property: code, preset: null, input: "value", op: state.draft.op ?? ">", window: null, schedule: null, legal: "", things: [], kind: null, feed: null, onDelay: null, offDelay: null, touched: new Set()});
    state.draft.levels = [{severity: "high", limit: null, low: null, high: null, deadband: null, locked: null}];
    state.preview = null;
    reload();
  }

  // The previewed station is always one that the rule binds.
  function settle() {
    const chosen = selected(state.draft, state.stations);
    const kept = chosen.some((one) => one.datastream === state.preview);
    if (!kept && chosen.length > 0) state.preview = chosen[0].datastream;
    state.group = null;
    change({history: !kept && chosen.length > 0});
  }

  const unique = (rows, key, name) => [...new Map(rows.map((row) => [row[key], row[name]])).entries()].filter(([code]) => code).sort((a, b) => a[1].localeCompare(b[1], "vi"));

  function group(draft, stations) {
    const kinds = unique(stations, "kind", "kind_name"), feeds = unique(stations, "feed", "feed_name");
    return element("div", "g2",
      field(say("kind"), select([["", say("any_kind")], ...kinds], draft.kind, (value) => { draft.kind = value; settle(); }, {id: "rule-kind"})),
      field(say("owner_of"), select([["", say("any_owner")], ...feeds], draft.feed, (value) => { draft.feed = value; settle(); }, {id: "rule-feed"})));
  }

  function list(draft, stations) {
    const areas = unique(stations, "commune", "commune");
    const chosen = new Set(selected(draft, stations).map((one) => one.ref));
    const filter = element("input", "inp");
    Object.assign(filter, {id: "rule-search", type: "search", placeholder: say("search"), value: search, ariaLabel: say("search")});
    const rows = element("div", "stations");
    const shown = () => stations.filter((one) => (!area || one.commune === area) && one.name.toLowerCase().includes(search.toLowerCase()));
    const fillRows = () => rows.replaceChildren(...shown().map((one) => row(one, chosen)), shown().length ? "" : element("p", "mut", say("no_match")));
    filter.addEventListener("input", () => { search = filter.value; fillRows(); });
    fillRows();
    return element("div", "pick", element("div", "g2",
      field(say("area"), select([["", say("any_area")], ...areas], area, (value) => { area = value; render(); }, {id: "rule-area"})),
      field(say("search"), filter)), rows);
  }

  function row(one, chosen) {
    const mark = element("input");
    Object.assign(mark, {type: "checkbox", checked: chosen.has(one.ref), id: `station-${one.datastream}`});
    mark.disabled = one.unit !== state.draft.unit;
    mark.addEventListener("change", () => toggle(one, mark.checked));
    const label = element("label", "", mark, element("span", "", one.name, element("i", "", [one.commune, one.feed_name, mark.disabled ? say("other_unit", {unit: one.unit || "–"}) : ""].filter(Boolean).join(" · "))));
    label.htmlFor = mark.id;
    return label;
  }

  function toggle(one, on) {
    const refs = new Set(selected(state.draft, state.stations).map((each) => each.ref));
    if (on) refs.add(one.ref);
    else refs.delete(one.ref);
    state.draft.things = [...refs];
    settle();
  }

  function preview(chosen) {
    if (chosen.length === 0) return null;
    return field(say("preview_at"), select(chosen.map((one) => [String(one.datastream), one.name]), String(state.preview), (value) => { state.preview = Number(value); change({history: true}); }, {id: "rule-preview"}));
  }

  // Where the stations lie: the bound ones filled, the previewed one ringed. A sketch, no map.
  function map(chosen, stations) {
    const known = stations.filter((one) => one.lon !== null);
    if (known.length < 2) return null;
    const lons = known.map((one) => one.lon), lats = known.map((one) => one.lat);
    const west = Math.min(...lons), north = Math.max(...lats), tall = Math.cos((north * Math.PI) / 180);
    const scale = Math.min((MAP.width - 2 * MAP.edge) / ((Math.max(...lons) - west) * tall || 1), (MAP.height - 2 * MAP.edge) / (north - Math.min(...lats) || 1));
    const drawing = document.createElementNS(NS, "svg");
    drawing.setAttribute("viewBox", `0 0 ${MAP.width} ${MAP.height}`);
    drawing.setAttribute("class", "sketch");
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", say("map", {n: chosen.length, all: known.length}));
    const bound = new Set(chosen.map((one) => one.datastream));
    const wide = (Math.max(...lons) - west) * tall * scale;
    for (const one of known) {
      const dot = document.createElementNS(NS, "circle");
      dot.setAttribute("cx", (MAP.width - wide) / 2 + (one.lon - west) * tall * scale);
      dot.setAttribute("cy", MAP.edge + (north - one.lat) * scale);
      dot.setAttribute("r", one.datastream === state.preview ? 6 : 4);
      dot.setAttribute("class", bound.has(one.datastream) ? (one.datastream === state.preview ? "on now" : "on") : "");
      const title = document.createElementNS(NS, "title");
      title.textContent = one.name;
      dot.append(title);
      dot.addEventListener("click", () => (state.draft.group ? bound.has(one.datastream) && look(one) : toggle(one, !bound.has(one.datastream))));
      drawing.append(dot);
    }
    return drawing;
  }

  function look(one) {
    state.preview = one.datastream;
    change({history: true});
  }

  return {render};
}

function segment(options, value, onChange) {
  const box = element("div", "seg");
  box.setAttribute("role", "group");
  for (const [key, words] of options) {
    const press = element("button", "", words);
    press.type = "button";
    press.id = `seg-${key}`;
    press.setAttribute("aria-pressed", String(key === value));
    press.addEventListener("click", () => onChange(key));
    box.append(press);
  }
  return box;
}
export {segment};
