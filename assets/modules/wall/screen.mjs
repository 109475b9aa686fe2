// What keeps a wall alive for weeks: which page it shows, the room's light, the night, its own age.

const SEEN_MS = 30_000;
const SHIFT_MS = 300_000; // a picture that never moves burns in
const SHIFTS = [[0, 0], [4, 0], [4, 4], [0, 4], [-4, 4], [-4, 0], [-4, -4], [0, -4], [4, -4]];
const NIGHT = [22, 5]; // hours, of the province
const RELOAD_HOUR = 3;
const LEAST_AGE_MS = 6 * 3_600_000; // a page younger than this has nothing to leave behind
const ROOM = "ioc-room";

export const isNight = (hour) => hour >= NIGHT[0] || hour < NIGHT[1];

// Whether this page may begin anew now: only at night, old enough, whole, and nothing is owed.
export function mayReload({hour, age, store}) {
  return hour === RELOAD_HOUR && age >= LEAST_AGE_MS && store.connected && store.health.database === true && store.alerts.unacked === 0;
}

// The room's colours are needed before the map is drawn.
export function rememberedRoom(name) {
  return (name && localStorage.getItem(`${ROOM}-${name}`)) || "dark";
}

export function createScreen(root, store, {zone, onShow, reload = () => location.reload()}) {
  const name = root.dataset.screen;
  const hours = new Intl.DateTimeFormat("en-GB", {timeZone: zone, hour: "2-digit", hourCycle: "h23"});
  const opened = performance.now();
  // Not all walls in one minute; chosen once.
  const minute = Math.floor(Math.random() * 60);
  let layout = null;
  let told = -Infinity;
  let turn = 0;

  function follow() {
    const mine = name ? store.walls[name] : null;
    show(mine?.layout ?? root.dataset.layout);
    if (!mine) return;
    root.style.setProperty("--scale", mine.scale);
    if (mine.room !== document.documentElement.dataset.room) {
      localStorage.setItem(`${ROOM}-${name}`, mine.room);
      reload(); // the map's colours are drawn once
    }
  }

  function show(next) {
    if (next === layout) return;
    layout = next;
    root.dataset.layout = next;
    onShow(next);
    told = -Infinity;
  }

  function tick() {
    const now = performance.now();
    if (store.loaded) {
      const hour = Number(hours.format(store.now()));
      root.classList.toggle("night", isNight(hour) && store.alerts.unacked === 0);
      if (mayReload({hour, age: now - opened, store}) && new Date(store.now()).getUTCMinutes() >= minute) begin();
    }
    if (name && layout && now - told >= SEEN_MS) {
      told = now;
      say(layout);
    }
    const step = Math.floor((now - opened) / SHIFT_MS) % SHIFTS.length;
    if (step !== turn) {
      turn = step;
      root.style.translate = SHIFTS[step].map((px) => `${px}px`).join(" ");
    }
  }

  // Never into an error page: the server must answer first.
  let beginning = false;
  async function begin() {
    if (beginning) return;
    beginning = true;
    try {
      if ((await fetch("/healthz", {cache: "no-store"})).ok) reload();
    } catch {
      // the next second asks again
    }
    beginning = false;
  }

  function say(shown) {
    fetch(`/wall-data/screens/${name}/seen`, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({layout: shown})}).catch(() => {});
  }

  store.subscribe((changed) => (changed.has("walls") || changed.has("loaded")) && follow());
  follow();
  return {tick, layout: () => layout, paused: () => Boolean(name && store.walls[name]?.paused)};
}
