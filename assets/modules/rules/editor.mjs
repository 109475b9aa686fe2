// The editor of one rule: the draft, what the server says about it, and the parts of the page.

import {element, fill} from "../dom.mjs";
import {createChart} from "./chart.mjs";
import {createCounter} from "./counter.mjs";
import {fromDefinition, empty, lines, missing, opOf, selected, toRule, windowOf} from "./draft.mjs";
import {createActions} from "./actions.mjs";
import {createFindings} from "./findings.mjs";
import {createLimits} from "./limits.mjs";
import {createPeople} from "./people.mjs";
import {createPlace} from "./place.mjs";
import {createVersions} from "./versions.mjs";
import {server} from "./server.mjs";

const PAUSE_MS = 80; // between the last movement and the question to the server

export async function createEditor(root, id, tools) {
  const {writer} = tools;
  const [options, loaded] = await Promise.all([server.options(), id ? server.rule(id) : null]);
  const state = {draft: empty(options.properties[0]?.code), options, loaded, stations: [], preview: null, history: null, found: null, overlaps: [], error: null, group: null};
  if (loaded) state.draft = fromDefinition(loaded.definition, loaded.version);

  let asked = 0, questions = 0, timer = null;
  const parts = frame(root, tools.may);
  const chart = createChart(parts.chart, {...tools, onMove: moved});
  const counter = createCounter(parts.counter, tools);
  const told = {...tools, state, change, reload, render, refresh: () => panels[4].render()};
  const panels = [createPlace(parts.place, told), createLimits(parts.limits, told), createPeople(parts.people, told), createActions(parts.head, told), createFindings(parts.findings, told)];
  createVersions(parts.versions, told);
  await reload();

  // The form changed: draw it again and ask what the rule would have done.
  function change({history = false, words = false} = {}) {
    if (words) return panels[3].render();
    panels.forEach((panel) => panel.render());
    drawChart();
    return history ? fetchHistory() : ask();
  }

  function render() {
    panels.forEach((panel) => panel.render());
    drawChart();
  }

  // Another property: its stations, and their history.
  async function reload() {
    const {draft} = state;
    const property = options.properties.find((one) => one.code === draft.property);
    draft.unit = property?.unit ?? "";
    state.property = property;
    try {
      state.stations = draft.property ? (await server.stations(draft.property)).items : [];
    } catch (error) {
      fail(error);
    }
    const chosen = selected(draft, state.stations);
    if (!chosen.some((one) => one.datastream === state.preview)) state.preview = chosen[0]?.datastream ?? state.stations[0]?.datastream ?? null;
    recognise(draft, options.limits);
    if (loaded) state.saved ??= JSON.stringify(toRule(draft));
    change({history: true});
  }

  function moved(line, value, done) {
    state.draft.levels[line.index][line.key] = value;
    drawChart();
    panels[1].follow();
    ask();
    if (done) render();
  }

  function drawChart() {
    const {draft, history, found, property} = state;
    parts.chart.hidden = !history;
    parts.empty.hidden = Boolean(history);
    const shown = lines(draft).map((line) => (tools.may ? line : {...line, locked: true}));
    chart.set({history, lines: shown, episodes: found?.episodes ?? [], unit: draft.unit, decimals: property?.decimals ?? 1});
  }

  async function fetchHistory() {
    const turn = (asked += 1);
    state.history = null;
    state.found = null;
    counter.busy();
    fill(parts.empty, element("p", "", writer.say(state.preview ? "rules.loading_history" : "rules.no_station")));
    drawChart();
    if (!state.preview) return counter.show(null);
    try {
      const {draft} = state;
      const history = await server.history({datastream: state.preview, columns: chart.columns(), input: draft.input === "no_data" ? "value" : draft.input, window: windowOf(draft)});
      if (turn !== asked) return null;
      state.history = history;
      propose(state.draft, history.suggestion);
    } catch (error) {
      if (turn === asked) fail(error, parts.empty);
    }
    render();
    return ask();
  }

  function ask() {
    clearTimeout(timer);
    counter.busy();
    timer = setTimeout(count, PAUSE_MS);
  }

  async function count() {
    const {draft} = state;
    const turn = (questions += 1);
    if (!state.preview || !state.history || (opOf(draft) !== null && lines(draft).length === 0) || missing(draft, state.stations).some(([, key]) => key === "limit")) return counter.show(state.found = null);
    try {
      const found = await server.preview({rule: toRule(draft), datastream: state.preview, against: draft.id});
      if (turn !== questions) return null;
      state.found = found;
      state.error = null;
      counter.show(found, state.history.days);
    } catch (error) {
      if (turn === questions) fail(error);
    }
    drawChart();
    panels[3].render();
    panels[4].render();
    return null;
  }

  function fail(error, place = null) {
    state.error = error.code === "away" ? writer.say("rules.away") : [error.message, ...(error.reasons ?? [])].join(" ");
    counter.show(null);
    if (place) fill(place, element("p", "", state.error));
    panels[4].render();
  }
}

// A rule that was made from a limit of a regulation shows it again.
function recognise(draft, limits) {
  if (draft.preset || !draft.legal) return;
  const own = limits.filter((one) => one.in_force && one.property === draft.property && draft.legal.startsWith(one.standard));
  const fits = own.find((one) => draft.levels.some((level) => [level.limit, level.high, level.low].includes(one.high ?? one.low)) && (one.averaging?.length_s ?? null) === (draft.window?.length ?? null));
  if (!fits) return;
  draft.preset = fits.id;
  const level = draft.levels.find((one) => [one.limit, one.high, one.low].includes(fits.high ?? fits.low));
  level.locked = fits.id;
}

// Fills what the author has not set; what is set stays.
function propose(draft, suggestion) {
  if (opOf(draft) === null) return;
  for (const level of draft.levels) {
    if (!draft.touched.has("deadband")) level.deadband = suggestion.deadband;
    if (level.limit === null && level.low === null && level.high === null) level.limit = suggestion.limit;
  }
  if (!draft.touched.has("onDelay")) draft.onDelay = suggestion.on_delay_s;
  if (!draft.touched.has("offDelay")) draft.offDelay = suggestion.off_delay_s;
}

// Who may not edit reads: every control of the form is disabled by its fieldset.
function frame(root, may) {
  const part = (tag, className, ...children) => element(tag, className, ...children);
  const parts = {head: part("div", "rh"), place: part("fieldset", "blk1"), limits: part("fieldset", "blk2"), counter: part("div", "cnt"), chart: part("div", "cw"), empty: part("div", "state ch-empty"), findings: part("fieldset", "fnd"), people: part("fieldset", "blk3"), versions: part("section", "pn vs")};
  for (const block of [parts.place, parts.limits, parts.people, parts.findings]) block.disabled = !may;
  const left = part("section", "pn c1", parts.place, parts.limits);
  const middle = part("section", "pn c2", parts.counter, parts.empty, parts.chart, parts.findings);
  const right = part("section", "pn c3", parts.people);
  root.replaceChildren(parts.head, part("div", "g", left, middle, right), parts.versions);
  return parts;
}
