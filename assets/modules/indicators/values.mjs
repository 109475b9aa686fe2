// How a figure, its target and its verdict are written, in the list and on an indicator's own page.

import {element} from "../dom.mjs";
import {SIGNS, svg} from "../marks.mjs";

const DAY_MS = 86_400_000;
const DAY_ONE = 719_163; // 1970-01-01 as the server numbers days

export const day = (text) => text.split("-").reverse().join("/");
export const ordinal = (text) => Date.parse(`${text}T00:00:00Z`) / DAY_MS + DAY_ONE;
export const fromOrdinal = (number) => day(new Date((number - DAY_ONE) * DAY_MS).toISOString().slice(0, 10));

export function createValues(page) {
  const {say, number} = page;
  // A share has its decimals; a count none, whatever the average of a forecast is.
  const figure = (row, value) => value === null ? "–" : page.value(value, row.decimals, row.unit);

  function target(row) {
    if (row.target === null) return say("indicators.no_target");
    const bound = say(row.direction === "up" ? "indicators.at_least" : "indicators.at_most");
    return say("indicators.target_of", {value: `${bound} ${figure(row, row.target)}`, year: row.year});
  }

  function standing(row) {
    const sign = {stale: SIGNS.clock, no_source: SIGNS.silent}[row.standing];
    return element("span", `ind-standing ind-is-${row.standing}${row.wrong ? " wrong" : ""}`, sign ? svg(sign) : "", say(`indicators.standing.${row.standing}`));
  }

  function forecast(row) {
    if (row.forecast === null || row.standing === "stale") return "";
    return say("indicators.forecast", {year: row.year, value: figure(row, row.forecast)});
  }

  function due(row) {
    if (row.due === null) return "";
    return say(row.standing === "stale" ? "indicators.late" : "indicators.due", {date: day(row.due)});
  }

  return {figure, target, standing, forecast, due, number};
}
