// The live counter: what the rule would have done in the past 30 days at the previewed station.

import {element, fill} from "../dom.mjs";
import {SHAPES, svg} from "../marks.mjs";
import {SEVERITIES} from "./draft.mjs";

const ENOUGH = 0.75; // of the days must have values, else the count says too little to be read alone
const LOAD_PER_DAY = 144; // one alert in ten minutes, round the clock

export function createCounter(box, {writer, clock}) {
  box.setAttribute("role", "status");

  function show(found, days) {
    box.removeAttribute("aria-busy");
    if (!found) return fill(box, element("p", "mut", writer.say("rules.no_count")));
    const number = (value, decimals = 1) => writer.number(value, decimals);
    const levels = found.levels.map((level) => {
      const rank = SEVERITIES.indexOf(level.severity) + 1;
      return [svg(SHAPES[rank], {class: `k${rank}`}), element("b", "", number(level.count, 0))];
    }).flat();
    const cells = [
      element("div", "big", ...levels, element("span", "", writer.say("rules.times", {days}))),
      element("div", "", element("b", "", clock.lasting(found.seconds)), element("span", "", writer.say("rules.share", {share: number(found.share * 100)}))),
      element("div", "", element("b", "", `~${number(found.per_day, found.per_day < 0.95 ? 2 : 1)}`), element("span", "", writer.say("rules.per_day", {load: number((found.per_day / LOAD_PER_DAY) * 100)}))),
    ];
    // Second, so that nobody reads "0 times" of a station that has just begun as a calm month.
    if (found.coverage < ENOUGH) cells.splice(1, 0, element("div", "df few", element("b", "", `${number(found.coverage * 100)} %`), element("span", "", writer.say("rules.few"))));
    if (found.diff) cells.push(element("div", "df", element("b", "", `+${found.diff.added} \u2212${found.diff.gone}`), element("span", "", writer.say("rules.against", {version: found.diff.version}))));
    fill(box, ...cells);
    box.dataset.count = found.count;
    box.dataset.seconds = found.seconds;
    box.dataset.took = found.took_ms;
    return null;
  }

  return {show, busy: () => box.setAttribute("aria-busy", "true")};
}
