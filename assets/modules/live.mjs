// The line to the server: EventSource, a watchdog that never gives up, and nothing else.

export const SILENCE_MS = 12_000; // two heartbeats of 5 s missed; the screen must say so within 15 s
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 4_000; // so that every screen is back within 5 s of the server
const ASK_DOOR_AFTER = 3; // failures in a row before asking whether we are logged out

// Keeps `store` fed from `url` for ever; returns a function that ends it.
export function connect(store, {url = "/live", Source = EventSource, random = Math.random} = {}) {
  let source = null;
  let heard = performance.now();  // last message, whatever the line did since
  let opened = 0;
  let failures = 0;
  let retry = null;

  function open() {
    retry = null;
    source?.close();
    opened = performance.now();
    const own = source = new Source(url);
    for (const kind of ["snapshot", "delta", "heartbeat"]) {
      own.addEventListener(kind, (event) => {
        if (own !== source) return;
        heard = performance.now();
        failures = 0;
        store.apply(kind, JSON.parse(event.data));
      });
    }
    // The browser's own reconnecting ends for good at an HTTP error (a proxy's 502): ours does not.
    own.addEventListener("error", () => own === source && again());
  }

  function again() {
    source?.close();
    source = null;
    if (retry !== null) return;
    failures += 1;
    if (failures % ASK_DOOR_AFTER === 0) askDoor();
    const base = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 4));
    retry = setTimeout(open, base * (0.5 + random() / 2)); // jitter: not all walls at one instant
  }

  const watchdog = setInterval(() => {
    const now = performance.now();
    if (now - heard > SILENCE_MS) store.setConnected(false);
    // Open but dead, as when a cable was pulled: no error event ever comes.
    if (source && now - Math.max(heard, opened) > SILENCE_MS) again();
  }, 1_000);

  open();
  return () => {
    clearInterval(watchdog);
    clearTimeout(retry);
    source?.close();
    source = null;
  };
}

// EventSource hides why it failed. A session that ended needs the login page, not patience.
async function askDoor() {
  try {
    const answer = await fetch("/text/vi.json", {cache: "no-store"});
    if (answer.status === 401 || answer.status === 403) location.reload();
  } catch {
    // no server: the retry goes on
  }
}
