// The attribute table of one layer, linked both ways: a row is a place, a place is a row. What its
// filter lets through is what the map draws.

import {ask} from "../desk/api.mjs";
import {element} from "../dom.mjs";
import {middle} from "./detail.mjs";
import {fold} from "./fold.mjs";
import {createHandover} from "./handover.mjs";
import {inside} from "./measure.mjs";
import {createViewRows} from "./table_view.mjs";

const GRID = "map-table";
const TYPING_MS = 200;
const PAUSE_MS = 2_000; // states of rows are read again at this pace
const STATES = ["alert", "silent", "late", "down"];

export function createTable(parts, live, store, {writer, book, overlays, kindName, onRow}) {
  const {say} = writer;
  const {layers, paint} = live;
  const table = {layer: "all", isNarrow: () => isNarrow() && !isTiled(), shown, reveal, select, within, open, rows: () => rows, onFilter: null};
  let things = new Map(); // thing id -> {code, commune}
  let rows = [];
  let selection = null; // keys, or null: no selection
  let chosen = {text: "", state: ""};
  let api = null;

  const layerBox = pick("map.table_layer", []);
  const text = element("input", "inp");
  text.type = "search";
  text.placeholder = say("map.filter");
  text.setAttribute("aria-label", say("map.filter"));
  const stateBox = pick("map.state", [["", say("map.any_state")], ...STATES.map((name) => [name, say(`map.state_is.${name}`)])]);
  const count = element("span", "dim");
  const close = element("button", "btn", say("wall.close"));
  close.type = "button";
  const handover = createHandover(writer, {
    asked: () => ({layer: table.layer === "all" ? "things" : table.layer, codes: isNarrow() || selection !== null ? shown().map((row) => String(row.thing ?? row.code)) : null}),
    tell: (words) => { parts.told.textContent = words; },
  });
  parts.filter.replaceChildren(layerBox, text, stateBox, count, element("span", "sp"), handover, close);
  const inView = createViewRows(live.map, () => draw({columnsToo: true}));
  const isNarrow = () => Boolean(chosen.text || chosen.state);
  const isTiled = () => Boolean(layers.data.get(table.layer)?.tiles);
  const features = () => isTiled() ? inView.features : layers.data.get(table.layer)?.features ?? [];

  function pick(title, options) {
    const node = element("select", "inp");
    node.setAttribute("aria-label", say(title));
    fillOptions(node, options);
    return node;
  }
  function fillOptions(node, options) {
    const value = node.value;
    node.replaceChildren(...options.map(([key, words]) => Object.assign(element("option", "", words), {value: key})));
    if (options.some(([key]) => key === value)) node.value = value;
  }

  // ---------------------------------------------------------------- rows

  function stateOf(id) {
    const state = store.states.get(String(id));
    const drawn = paint.drawn.get(String(id));
    if (drawn?.s) return ["alert", `${drawn.s} ${say(`severity.${drawn.s}`)}`];
    if (drawn?.f === 2) return ["silent", say("wall.silent")];
    if (state?.down) return ["down", say("map.state_is.down")];
    if (drawn?.f === 1) return ["late", say("wall.late_things")];
    return ["", say(drawn?.f === 3 || !state ? "map.state_is.never" : "map.state_is.normal")];
  }

  function thingRow([id, at]) {
    const known = things.get(id) ?? {code: at.code, commune: at.commune_name};
    const [state, word] = stateOf(id);
    return {key: `t${id}`, thing: id, code: known.code ?? "", name: at.name, kind: kindName(at.kind), commune: known.commune ?? "", state: word, is: state, words: fold(`${known.code ?? ""} ${at.name} ${kindName(at.kind)} ${known.commune ?? ""}`)};
  }

  function featureRow(feature) {
    const own = feature.properties;
    return {...own, key: `f${own.code}`, code: own.code, name: own.name, commune: own.commune_name ?? "", is: "", words: fold(Object.values(own).join(" "))};
  }

  function columns() {
    const text = (field, title, width) => ({field, headerName: title, width});
    const head = [text("code", say("map.column.code"), 130), {...text("name", say("map.column.name"), 260), flex: 1}];
    if (table.layer === "all") return [...head, text("kind", say("map.column.kind"), 150), text("commune", say("map.column.commune"), 170), text("state", say("map.state"), 150)];
    const own = Object.entries(book[table.layer]?.fields ?? {}).filter(([name]) => !["code", "name", "commune_code", "commune_name"].includes(name) && features().some(({properties}) => properties[name] !== undefined));
    return [...head, text("commune", say("map.column.commune"), 170), ...own.map(([name, title]) => text(name, title, 140))];
  }

  function passes(row) {
    if (chosen.text && !fold(chosen.text).split(" ").every((word) => row.words.includes(word))) return false;
    if (chosen.state && row.is !== chosen.state) return false;
    return selection === null || selection.has(row.key);
  }

  function shown() {
    return rows.filter(passes);
  }

  function read() {
    rows = table.layer === "all" ? [...layers.points].map(thingRow) : features().map(featureRow);
  }

  function draw({columnsToo = false} = {}) {
    read();
    const found = shown();
    const total = isTiled() ? inView.total : rows.length;
    count.textContent = say(isTiled() ? "map.rows_in_view" : "map.rows", {n: writer.number(found.length), total: writer.number(total)});
    if (parts.table.hidden) return;
    const props = {rowData: found.map(({words, ...row}) => row)};
    if (columnsToo) props.columnDefs = columns();
    dash_clientside.set_props(GRID, props);
    bind();
  }

  // The grid is made a moment after its place is.
  async function bind() {
    if (api) return;
    try {
      api = await window.dash_ag_grid.getApiAsync(GRID);
    } catch {
      return; // asked for again at the next drawing
    }
    api.addEventListener("rowClicked", ({data}) => onRow(data.thing ? {thing: data.thing} : {layer: table.layer, code: data.code}));
    api.addEventListener("rowDataUpdated", () => wanted && reveal(wanted));
  }

  let wanted = null;
  function reveal(picked) {
    wanted = picked;
    if (!api || parts.table.hidden || !picked) return;
    const node = api.getRowNode(picked.id ? `t${picked.id}` : `f${picked.code}`);
    if (!node) return;
    wanted = null;
    api.deselectAll();
    node.setSelected(true);
    api.ensureNodeVisible(node, "middle");
  }

  // ---------------------------------------------------------------- filter

  function change() {
    draw();
    table.onFilter?.(Boolean(chosen.text || chosen.state));
  }
  let due = null;
  text.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(() => { chosen = {...chosen, text: text.value.trim()}; change(); }, TYPING_MS);
  });
  stateBox.addEventListener("change", () => { chosen = {...chosen, state: stateBox.value}; change(); });
  layerBox.addEventListener("change", () => {
    table.layer = layerBox.value;
    if (table.layer !== "all" && !overlays.on.has(table.layer)) overlays.toggle(table.layer, true);
    follow();
    table.onFilter?.();
    stateBox.hidden = table.layer !== "all";
    draw({columnsToo: true});
  });
  close.addEventListener("click", () => open(false));

  function select(keys) {
    selection = keys;
    draw();
  }

  // The keys of what lies in a ring: places of things, middles of lines and areas.
  function within(ring) {
    if (table.layer === "all") return new Set([...layers.points].filter(([id, at]) => layers.isShown(at.layer, {id, properties: at}) && inside(at, ring)).map(([id]) => `t${id}`));
    const found = features().filter(({geometry}) => { const [lon, lat] = middle(geometry); return inside({lon, lat}, ring); });
    return new Set(found.map(({properties}) => `f${properties.code}`));
  }

  function open(isOpen) {
    parts.table.hidden = !isOpen;
    parts.root.classList.toggle("tabled", isOpen);
    live.map.resize();
    follow();
    if (isOpen) draw({columnsToo: true});
    table.onOpen?.(isOpen);
  }

  const follow = () => inView.of(isTiled() && !parts.table.hidden ? table.layer : null);
  const refill = () => fillOptions(layerBox, [["all", say("map.all_things")], ...overlays.names().map((name) => [name, overlays.title(name)])]);
  store.subscribe((changed) => changed.has("layers") && refill());
  layers.onList(refill);
  refill();
  layers.onLayer((name) => { if (["things", "bts", table.layer].includes(name) && !narrowing) { follow(); load(); draw({columnsToo: name === table.layer}); } });
  let narrowing = false;
  table.narrow = (test) => { narrowing = true; layers.narrow(test); narrowing = false; };

  let loaded = null;
  async function load() {
    if (loaded) return;
    loaded = ask("/desk/map/things");
    const answer = await loaded;
    loaded = null;
    if (answer.ok) things = new Map(answer.body.map(([id, code, , , commune]) => [id, {code, commune}]));
    draw();
  }
  load();

  let again = null;
  store.subscribe((changed) => {
    if (!(changed.has("states") || changed.has("alerts")) || again !== null || (parts.table.hidden && !chosen.state)) return;
    again = setTimeout(() => { again = null; chosen.state ? change() : draw(); }, PAUSE_MS);
  });
  return table;
}
