// Three patterns: critical repeats until somebody answers or silences it, high speaks once in 30 s, the rest never.
// Silence is of this console only, ends by itself after 120 s, and answers nothing.

export const SILENCE_MS = 120_000;
export const CRITICAL_EVERY_MS = 3_000;
export const HIGH_EVERY_MS = 30_000;
// [Hz, begin s, length s]: told apart by rhythm as well as by pitch.
const PATTERNS = {
  1: [[880, 0, 0.18], [1174, 0.22, 0.18], [1568, 0.44, 0.3]],
  2: [[659, 0, 0.22], [659, 0.34, 0.22]],
};
const LOUD = 0.25;

// What should sound now, from the rows that are owed an answer. Pure: `heard` is what was decided before.
export function decide(rows, heard, now) {
  const owed = rows.filter((row) => row.active && !row.acked && !row.mask && row.severity <= 2);
  const known = new Set(owed.map((row) => `${row.id}:${row.occurrence ?? 1}:${row.severity}`));
  // Something new speaks through a silence: that was meant for what was known.
  const fresh = heard.silentUntil > now && [...known].some((key) => !heard.silenced.has(key));
  const silentUntil = fresh ? 0 : heard.silentUntil;
  const pattern = owed.some((row) => row.severity === 1) ? 1 : owed.length ? 2 : null;
  const every = pattern === 1 ? CRITICAL_EVERY_MS : HIGH_EVERY_MS;
  const due = pattern !== null && silentUntil <= now && (pattern !== heard.pattern || now - heard.at >= every);
  return {play: due ? pattern : null, pattern, known, silentUntil, silenced: heard.silenced, at: due ? now : heard.at};
}

export const NOTHING = {pattern: null, known: new Set(), silentUntil: 0, silenced: new Set(), at: -Infinity};

// `changed(state)` is told {pattern, silentLeft ms, blocked}.
export function createSound(rows, changed, {Context = globalThis.AudioContext, clock = () => performance.now()} = {}) {
  let heard = NOTHING;
  let context = null;

  function turn() {
    const now = clock();
    const next = decide(rows(), heard, now);
    if (next.pattern !== null) wake();
    const blocked = next.pattern !== null && context?.state !== "running";
    // What could not be heard has not been played: it is due as soon as the browser lets it.
    heard = next.play !== null && blocked ? {...next, at: heard.at, pattern: null} : next;
    if (next.play !== null && !blocked) play(next.play);
    changed({pattern: next.pattern, silentLeft: Math.max(0, heard.silentUntil - now), blocked: blocked && heard.silentUntil <= now});
  }

  function wake() {
    if (!context && Context) context = new Context();
    if (context?.state === "suspended") context.resume().then(turn, () => {});
  }

  function play(pattern) {
    for (const [pitch, begin, length] of PATTERNS[pattern]) {
      const at = context.currentTime + begin;
      const tone = context.createOscillator();
      const gain = context.createGain();
      tone.type = "triangle";
      tone.frequency.value = pitch;
      gain.gain.setValueAtTime(0, at);
      gain.gain.linearRampToValueAtTime(LOUD, at + 0.02);
      gain.gain.setValueAtTime(LOUD, at + length - 0.04);
      gain.gain.linearRampToValueAtTime(0, at + length);
      tone.connect(gain).connect(context.destination);
      tone.start(at);
      tone.stop(at + length);
    }
  }

  function silence() {
    const now = clock();
    heard = heard.silentUntil > now
      ? {...heard, silentUntil: 0, pattern: null}
      : {...heard, silentUntil: now + SILENCE_MS, silenced: heard.known};
    turn();
  }

  // The daily test, and how somebody finds out that this machine's sound works.
  function test() {
    wake();
    context?.resume().then(() => play(2), () => {});
  }

  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, () => heard.pattern !== null || context ? (wake(), turn()) : null, {capture: true});
  setInterval(turn, 1_000);
  return {turn, silence, test};
}
