// Under the chart: legend, what is proposed, the whole group, rules that overlap, the typed reason.

import {element} from "../dom.mjs";
import {nameOf} from "./compared.mjs";
import {opOf, selected, toRule} from "./draft.mjs";
import {button, field, text} from "./form.mjs";
import {server} from "./server.mjs";

export function createFindings(box, {state, writer, clock, change, render: redraw}) {
  const say = (key, values) => writer.say(`rules.${key}`, values);

  function render() {
    const typing = document.activeElement?.id === "rule-reason";
    const parts = [legend(), suggestion(), group(), overlap(), typing ? null : reason()].filter(Boolean);
    if (!typing) return box.replaceChildren(...parts);
    const kept = box.querySelector(".reason");
    [...box.children].forEach((child) => child !== kept && child.remove());
    kept.before(...parts);
    return null;
  }

  function legend() {
    const {draft, history} = state;
    if (!history) return null;
    const entry = (sign, words) => element("span", "", element("u", sign), words);
    const judged = draft.window ? nameOf(draft, say, clock.lasting) : say("legend_value");
    return element("p", "lgd sm", draft.window ? entry("l-line", judged) : null, entry(draft.window ? "l-raw aside" : "l-raw", draft.window ? say("legend_raw") : judged), entry("l-band", say("deadband")));
  }

  function suggestion() {
    const found = state.history?.suggestion;
    const {draft} = state;
    if (!found || opOf(draft) === null) return null;
    const show = (value) => writer.number(value, Math.max(1, state.property.decimals));
    const unit = draft.unit ? `\u00a0${draft.unit}` : "";
    const words = say("suggestion", {noise: show(found.noise) + unit, deadband: show(found.deadband) + unit, on: clock.lasting(found.on_delay_s), off: clock.lasting(found.off_delay_s), share: writer.number(found.share * 100, 0)});
    const same = draft.levels.every((level) => level.deadband >= found.deadband) && draft.onDelay >= found.on_delay_s && draft.offDelay >= found.off_delay_s;
    return element("div", "sug", element("b", "", `${say("proposal")}: `), words, " ", same ? element("span", "mut", say("proposal_met")) : button(say("take_proposal"), take, "link"));
  }

  function take() {
    const found = state.history.suggestion;
    state.draft.levels.forEach((level) => { level.deadband = found.deadband; });
    Object.assign(state.draft, {onDelay: found.on_delay_s, offDelay: found.off_delay_s, touched: new Set()});
    change();
  }

  // The whole group, one station after the other: the number so far is on screen, any edit ends it.
  async function runAll() {
    const stations = selected(state.draft, state.stations);
    const run = {done: 0, all: stations.length, count: 0, seconds: 0, worst: null, failed: 0};
    state.group = run;
    for (const station of stations) {
      if (state.group !== run) return;
      try {
        const found = await server.preview({rule: toRule(state.draft), datastream: station.datastream, group: true});
        run.count += found.count;
        run.seconds += found.seconds;
        if (!run.worst || found.count > run.worst.count) run.worst = {count: found.count, name: station.name, datastream: station.datastream};
      } catch {
        run.failed += 1;
      }
      run.done += 1;
      if (state.group === run) render();
    }
  }

  function group() {
    const stations = selected(state.draft, state.stations);
    if (stations.length < 2 || !state.found) return null;
    const run = state.group;
    const start = button(say("run_all", {n: stations.length}), runAll, "link");
    if (!run) return element("div", "sug", start);
    const bar = element("progress", "pg");
    Object.assign(bar, {max: run.all, value: run.done});
    bar.setAttribute("aria-label", say("run_all", {n: run.all}));
    const days = state.history.days;
    const words = say("run_result", {done: run.done, all: run.all, count: run.count, time: clock.lasting(run.seconds), per_day: writer.number(run.count / days, 1)});
    const worst = run.worst?.count ? ` ${say("run_worst", {name: run.worst.name, count: run.worst.count})}` : "";
    return element("div", "sug", words, worst, run.failed ? ` ${say("run_failed", {n: run.failed})}` : "", run.done < run.all ? bar : element("span", "", " ", start));
  }

  function overlap() {
    const rows = state.overlaps;
    if (rows.length === 0) return null;
    const lines = rows.map((row) => element("li", "", say("overlap_row", {name: row.name, version: row.version, n: row.stations})));
    return element("div", "sug", element("b", "", `${say("overlap")}: `), say("overlap_why"), element("ul", "", ...lines));
  }

  function reason() {
    if (state.error) return element("div", "sug err", element("b", "", state.error));
    if (!state.found?.needs_reason) return null;
    const control = text(state.draft.reason, (value) => { state.draft.reason = value; redraw(); }, {rows: 2, maxLength: 500, id: "rule-reason"});
    return element("div", "sug reason", element("b", "", `${say("loud")} `), say("loud_why", {per_hour: writer.number(state.found.per_hour, 0), share: writer.number(state.found.share * 100, 1)}), field(`${say("reason")} *`, control));
  }

  return {render};
}
