// Instants and durations as the province writes them, whatever the zone of the viewer's machine.

const DAY = 86_400_000;

export function createClock(writer, zone) {
  const format = (options) => new Intl.DateTimeFormat("en-GB", {timeZone: zone, hourCycle: "h23", ...options});
  const day = format({day: "2-digit", month: "2-digit"});
  const moment = format({day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit"});
  const date = format({day: "2-digit", month: "2-digit", year: "numeric"});
  const time = format({hour: "2-digit", minute: "2-digit"});
  const second = format({hour: "2-digit", minute: "2-digit", second: "2-digit"});

  // Midnights of the province within a window, at most `most` of them.
  function days(since, until, most) {
    const [h, m, s] = second.format(since).split(":").map(Number);
    const first = since - ((h * 60 + m) * 60 + s) * 1000 + DAY;
    const every = Math.ceil((until - since) / DAY / most);
    const found = [];
    for (let at = first; at <= until; at += every * DAY) found.push({at, words: day.format(at)});
    return found;
  }

  // Seconds as people say them: 90 -> 1,5 phút; 7200 -> 2 giờ.
  function lasting(seconds) {
    const trim = (value) => writer.number(value, Number.isInteger(Math.round(value * 10) / 10) ? 0 : 1);
    if (seconds >= 172_800) return writer.say("rules.days", {n: trim(seconds / 86_400)});
    if (seconds >= 3_600) return writer.say("rules.hours", {n: trim(seconds / 3_600)});
    return writer.say("rules.minutes", {n: trim(seconds / 60)});
  }

  return {days, lasting, date: (at) => date.format(at), moment: (at) => `${time.format(at)} ${day.format(at)}`};
}
