// Are the cameras working: never what they see. Bright cells in a grey field, then the longest outages.

import {element} from "../dom.mjs";
import {svg} from "../marks.mjs";
import {createView, head, nothing} from "./data.mjs";

const SHOWN = ["offline", "no_signal", "not_recording", "unknown"];
const DRAWN = {offline: "M7 7L17 17M17 7L7 17", no_signal: "M6 18L18 6", not_recording: "M12 7a5 5 0 1 0 .01 0Z", unknown: "M9 9.5a3 3 0 1 1 3.6 2.9V14M12 16.8v.6", planned: "M7 12h10"};
const MOST_CELLS = 640; // beyond it cells are too small to be seen from a desk: only faults are drawn
const MOST_OWNERS = 5;
const SCALE_FROM = 0.98; // the bar begins here: what matters lies within two hundredths

export function createCameras(box, {writer}) {
  const {say} = writer;

  function draw(found) {
    if (!found.total) return [nothing(say("cameras.none"), say("cameras.none_hint"))];
    const left = element("div", "vcol", counts(found), ...cells(found));
    const right = element("div", "vcol", head(say("cameras.longest")), ...longest(found), head(say("cameras.ready", {month: found.month}), say("cameras.sla", {share: percent(found.sla)})), ...found.owners.slice(0, MOST_OWNERS).map((owner) => ready(owner, found.sla)), communes(found), figures(found));
    return [left, right];
  }

  function counts(found) {
    const tiles = [["online", found.counts.online], ...SHOWN.map((state) => [state, found.counts[state]])];
    if (found.counts.planned) tiles.push(["planned", found.counts.planned]);
    return element("div", "cam-counts", ...tiles.map(([state, n]) => element("div", "kt", element("div", n || state === "online" ? "kv" : "kv zero", cell(state), element("b", "", writer.number(n))), element("div", "kl", say(`cameras.state.${state}`)))));
  }

  function cells(found) {
    const all = found.total <= MOST_CELLS;
    const owners = [...found.owners.slice(0, MOST_OWNERS - 1), ...rest(found.owners.slice(MOST_OWNERS - 1))];
    return owners.flatMap((owner) => {
      const cameras = all ? owner.cameras : owner.cameras.filter(([, state]) => state !== "online");
      return [head(owner.name || say("cameras.no_owner"), say("cameras.faults", {n: writer.number(owner.faults), all: writer.number(owner.total)})),
        element("div", "cam-cells", ...cameras.slice(0, MOST_CELLS).map(([, state, name]) => Object.assign(cell(state), {title: name})))];
    });
  }

  // Small owners stand together: a wall has room for a handful of rows.
  function rest(owners) {
    if (owners.length < 2) return owners;
    const sum = (key) => owners.reduce((total, owner) => total + owner[key], 0);
    return [{name: say("cameras.others", {n: owners.length}), total: sum("total"), faults: sum("faults"), cameras: owners.flatMap((owner) => owner.cameras)}];
  }

  function cell(state) {
    return element("span", `cam ${state}`, DRAWN[state] ? svg(DRAWN[state]) : null);
  }

  function longest(found) {
    if (!found.longest.length) return [element("p", "quiet", say("cameras.all_well"))];
    return found.longest.map((one) => element("div", "vrow", cell(one.state), element("div", "vname", element("b", "", one.name), element("span", "", one.owner)), element("div", "vend", one.since === null ? "–" : writer.age(found.now - one.since + (Date.now() - found.had)))));
  }

  function ready(owner, sla) {
    const short = owner.uptime !== null && owner.uptime < sla;
    const used = element("u");
    used.style.width = `${(place(owner.uptime) * 100).toFixed(1)}%`;
    const tick = element("s");
    tick.style.left = `${(place(sla) * 100).toFixed(1)}%`;
    return element("div", short ? "cam-ready short" : "cam-ready", element("span", "n", owner.name || say("cameras.no_owner")), element("div", "br", used, tick), element("b", "", owner.uptime === null ? "–" : percent(owner.uptime)));
  }

  function communes({communes: found}) {
    if (!found.length) return null;
    const list = found.slice().sort((a, b) => b.faults + b.unknown - a.faults - a.unknown).slice(0, 4);
    return element("div", "cam-communes", element("b", "", say("cameras.communes")), ...list.map((one) => element("span", "", `${one.name || say("cameras.no_commune")} ${writer.number(one.faults + one.unknown)}/${writer.number(one.total)}`)));
  }

  function figures(found) {
    const tiles = [[found.working === null ? "–" : percent(found.working), say("cameras.working")], [found.mttr === null ? "–" : writer.age(found.mttr), say("cameras.mttr")], [found.uptime === null ? "–" : percent(found.uptime), say("cameras.uptime")]];
    return element("div", "kpi", ...tiles.map(([value, label]) => element("div", "kt", element("div", "kv", element("b", "", value)), element("div", "kl", label))));
  }

  const percent = (share) => `${writer.number(share * 100, 1)}\u00a0%`;
  const place = (share) => Math.min(1, Math.max(0, ((share ?? 0) - SCALE_FROM) / (1 - SCALE_FROM)));
  return createView(box, "/wall-data/cameras", writer, draw);
}

