// Details of what was picked: a thing (values and 24 hours, drawn by the server), or a row of an
// imported layer; then its alerts and what lies nearest.

import {createAround} from "../around.mjs";
import {ask} from "../desk/api.mjs";
import {element, fill} from "../dom.mjs";
import {SHAPES, svg} from "../marks.mjs";
import {createPanel} from "../panel.mjs";
import {circle, distance, metres} from "./measure.mjs";

const NEAREST = 6;
const EMPTY = {type: "FeatureCollection", features: []};

export function createDetail(parts, live, store, {writer, book, overlays}) {
  const {say} = writer;
  const {map, layers} = live;
  let lists = {};
  const panel = createPanel(parts);
  const detail = {picked: null, pick, show, close: panel.close, onPick: null, onFound: null};
  const server = parts.panel.querySelector("#panel-body");
  map.addSource("picked", {type: "geojson", data: EMPTY});
  map.addLayer({id: "picked", type: "circle", source: "picked", paint: {"circle-radius": 15, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": live.style("--fg1"), "circle-stroke-width": 3}});
  map.addLayer({id: "picked-line", type: "line", source: "picked", filter: ["!=", ["geometry-type"], "Point"], paint: {"line-color": live.style("--fg1"), "line-width": 4}});

  // What lies around an alert takes the place of what lies nearest: by layer, switched on or not.
  map.addSource("reach", {type: "geojson", data: EMPTY});
  map.addLayer({id: "reach", type: "line", source: "reach", paint: {"line-color": live.style("--fg2"), "line-width": 2, "line-dasharray": [3, 2]}}, "picked");
  const around = createAround(writer, {go: (item) => (item.thing === null ? detail.onFound({...item, kind: "feature", key: item.code}) : goTo(item)), onReach: reach});
  function goTo(item) {
    live.view.go(item.lon, item.lat);
    pick(item.thing);
  }
  function reach(at, km) {
    const ring = at && lists.around ? circle(at, km * 1000).map(({lon, lat}) => [lon, lat]) : null;
    map.getSource("reach").setData(ring ? {type: "Feature", properties: {}, geometry: {type: "LineString", coordinates: [...ring, ring[0]]}} : EMPTY);
  }

  function pick(thing) {
    const at = layers.points.get(Number(thing));
    detail.picked = {layer: at?.layer ?? "things", id: Number(thing)};
    parts.feature.hidden = true;
    server.hidden = false;
    panel.pick(Number(thing), {alert: store.alerts.open.find((row) => row.thing === Number(thing))});
    if (at) mark({type: "Point", coordinates: [at.lon, at.lat]});
    more(at, Number(thing));
    alerts(Number(thing));
    detail.onPick?.(detail.picked);
  }

  // A row of an imported layer: {layer, feature}.
  function show({layer, feature}) {
    const thing = store.states.has(String(feature.id)) ? Number(feature.id) : null; // whose place it is
    detail.picked = {layer, code: feature.properties.code, thing};
    if (thing === null) parts.panel.hidden = false;
    else panel.pick(thing, {alert: store.alerts.open.find((row) => row.thing === thing)});
    server.hidden = thing === null;
    parts.feature.hidden = false;
    const fields = book[layer]?.fields ?? {};
    const {code, name, commune_code: communeCode, commune_name: commune, commune_how: how, ...rest} = feature.properties;
    const rows = [[fields.code ?? "code", code], [fields.commune_name ?? "commune", how === "nearest_seat" ? say("chart.approximate_commune", {commune}) : commune], ...Object.entries(rest).map(([key, value]) => [fields[key] ?? key, text(value)])];
    fill(parts.feature,
      element("div", "thing-head", element("div", "", element("h2", "", name ?? code), element("p", "", book[layer]?.title ?? layer))),
      element("dl", "", ...rows.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([title, value]) => [element("dt", "", title), element("dd", "", String(value))])));
    mark(feature.geometry);
    const [lon, lat] = middle(feature.geometry);
    more({lon, lat}, thing);
    if (thing !== null) alerts(thing);
    detail.onPick?.(detail.picked);
  }

  const text = (value) => value === true ? say("map.yes") : value === false ? say("map.no") : Array.isArray(value) ? value.join(", ") : typeof value === "number" ? writer.number(value, Number.isInteger(value) ? 0 : 1) : value;
  const mark = (geometry) => map.getSource("picked").setData({type: "FeatureCollection", features: [{type: "Feature", properties: {}, geometry}]});

  function more(at, thing) {
    const alert = thing === null ? null : worst(thing);
    lists = {near: at && !alert ? near(at, thing) : null, around: alert && around.show(alert.id, thing), alerts: null};
    if (alert) around.read();
    else reach(null);
    draw();
  }
  const worst = (thing) => store.alerts.open.filter((row) => row.thing === thing).sort((a, b) => a.severity - b.severity)[0] ?? null;
  const draw = () => parts.more.replaceChildren(...[lists.alerts, lists.around, lists.near].filter(Boolean)); // its presses are of this picking

  async function alerts(thing) {
    const answer = await ask(`/desk/map/things/${thing}/alerts`);
    if ((detail.picked?.id ?? detail.picked?.thing) !== thing) return;
    const rows = answer.ok ? answer.body.map(alert) : [];
    const none = element("p", "dim", say(answer.ok ? "map.no_alerts" : "alerts.unread"));
    lists.alerts = element("section", "", element("h3", "", say("map.alerts")), rows.length ? element("ul", "", ...rows) : none);
    draw();
  }

  function alert(row) {
    const look = row.closed !== null || row.acked ? `ack k${row.severity}` : row.active ? `s${row.severity}` : "rtn";
    const raised = Date.parse(row.raised);
    const link = element("a", "", row.name);
    link.href = `/alerts?${row.closed === null ? "" : "tab=closed&"}id=${row.id}`;
    return element("li", row.closed === null ? "" : "closed", element("span", `sev ${look}`, svg(SHAPES[row.severity]), String(row.severity)), link, element("span", "dim", `${writer.date(raised)} ${writer.time(raised).slice(0, 5)}`));
  }

  function near(at, thing) {
    const own = thing === null ? [] : [thing];
    const found = [];
    for (const [id, other] of layers.points) {
      if (own.includes(id)) continue;
      found.push([distance(at, other), other.name, () => pick(id)]);
    }
    for (const layer of overlays.on) {
      for (const feature of layers.data.get(layer)?.features ?? []) {
        if (feature.geometry?.type !== "Point" || (detail.picked.layer === layer && detail.picked.code === feature.properties.code)) continue;
        const [lon, lat] = feature.geometry.coordinates;
        found.push([distance(at, {lon, lat}), `${feature.properties.name ?? feature.properties.code} (${overlays.title(layer)})`, () => show({layer, feature})]);
      }
    }
    found.sort(([a], [b]) => a - b);
    const rows = found.slice(0, NEAREST).map(([far, name, go]) => {
      const press = element("button", "near", element("span", "", name), element("b", "", metres(writer, far)));
      press.type = "button";
      press.addEventListener("click", go);
      return element("li", "", press);
    });
    return element("section", "", element("h3", "", say("map.nearest")), element("ul", "", ...rows));
  }

  const seen = new MutationObserver(() => {
    if (!parts.panel.hidden) return;
    detail.picked = null;
    map.getSource("picked").setData(EMPTY);
    lists = {};
    reach(null);
    detail.onPick?.(null);
  });
  seen.observe(parts.panel, {attributes: true, attributeFilter: ["hidden"]});
  return detail;
}

export function middle(geometry) {
  let box = [180, 90, -180, -90];
  const visit = (one) => {
    if (typeof one[0] !== "number") return one.forEach(visit);
    box = [Math.min(box[0], one[0]), Math.min(box[1], one[1]), Math.max(box[2], one[0]), Math.max(box[3], one[1])];
  };
  visit(geometry.coordinates);
  return [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
}
