// The chart's arithmetic: values to pixels, round ticks, steps of a limit. Numbers in, numbers out.

const ROUND = [1, 2, 2.5, 5, 10];

// About `n` round numbers from `low` to `high`.
export function ticks(low, high, n = 6) {
  const raw = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ROUND.map((r) => r * power).find((s) => s >= raw) ?? raw;
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) found.push(Number(value.toPrecision(12)));
  return found;
}

// What an arrow key moves a limit by: one of the last digit shown, but not less than 1/500 of the range.
export function stepOf(decimals, low, high) {
  const least = 10 ** -decimals;
  const raw = Math.max(least, (high - low) / 500);
  const power = 10 ** Math.floor(Math.log10(raw) + 1e-9);
  const step = [1, 2, 5, 10].map((r) => r * power).find((s) => s >= raw - 1e-12);
  return Number(Math.max(least, step).toPrecision(12));
}

export const snap = (value, step) => Number((Math.round(value / step) * step).toPrecision(12));

// The range shown: the data and every limit, with room above, where limits are dragged to.
export function range(history, lines) {
  const floor = Math.min(...history.raw.low.filter((value) => value !== null)); // peaks of single values may pass the top
  const values = [Number.isFinite(floor) ? floor : null, history.low, history.high, ...lines.map((line) => line.value)].filter((value) => value !== null && value !== undefined);
  if (values.length === 0) return [0, 1];
  let low = Math.min(...values), high = Math.max(...values);
  if (low >= 0 && low < high * 0.5) low = 0; // a concentration starts at nothing
  const span = high - low || Math.abs(high) || 1;
  return [low === 0 ? 0 : low - span * 0.08, high + span * 0.12];
}

export function createScale(box, since, until, [low, high]) {
  return {
    x: (ms) => box.left + ((ms - since) / (until - since)) * (box.right - box.left),
    y: (value) => box.bottom - ((value - low) / (high - low)) * (box.bottom - box.top),
    value: (y) => low + ((box.bottom - y) / (box.bottom - box.top)) * (high - low),
    low,
    high,
  };
}
