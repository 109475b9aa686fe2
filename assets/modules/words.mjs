// Words come from /text/<language>.json; numbers, units, ages and clock times are written here.

const NBSP = "\u00a0"; // a number and its unit never part
const MINUS = "\u2212";

export async function loadWords(language) {
  const answer = await fetch(`/text/${language}.json`);
  if (!answer.ok) throw new Error(`words: ${answer.status}`);
  return await answer.json();
}

export function createWriter(words, language, zone) {
  const locale = language === "vi" ? "vi-VN" : "en-GB";
  const clock = new Intl.DateTimeFormat("en-GB", {timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23"});
  const date = new Intl.DateTimeFormat("en-GB", {timeZone: zone, day: "2-digit", month: "2-digit", year: "numeric"});
  const weekday = new Intl.DateTimeFormat(locale, {timeZone: zone, weekday: "long"});
  const numbers = new Map();

  function say(key, values = {}) {
    const text = words[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  function number(value, decimals = 0) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    if (!numbers.has(decimals)) {
      numbers.set(decimals, new Intl.NumberFormat(locale === "vi-VN" ? "vi-VN" : "en-GB", {minimumFractionDigits: decimals, maximumFractionDigits: decimals}));
    }
    return numbers.get(decimals).format(value).replace("-", MINUS);
  }

  // Seconds below two minutes, then minutes, then hours and minutes, then days.
  function age(ms) {
    const s = Math.max(0, Math.floor(ms / 1000));
    if (s < 120) return say("common.age_s", {s}).replaceAll(" ", NBSP);
    const m = Math.floor(s / 60);
    if (m < 60) return say("common.age_min", {m}).replaceAll(" ", NBSP);
    const h = Math.floor(m / 60);
    if (h < 48) return say("common.age_h", {h, m: String(m % 60).padStart(2, "0")}).replaceAll(" ", NBSP);
    return say("common.age_d", {d: Math.floor(h / 24)}).replaceAll(" ", NBSP);
  }

  return {
    say,
    number,
    age,
    value: (value, decimals, unit) => number(value, decimals) + (unit ? NBSP + unit : ""),
    time: (ms) => clock.format(ms),
    date: (ms) => date.format(ms),
    weekday: (ms) => capital(weekday.format(ms)),
  };
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
