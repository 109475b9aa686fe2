// What the tablet remembers by itself: the last state, and words that wait for a line (IndexedDB).

const NAME = "ioc-brief";
const MEMORY = {state: new Map(), queue: new Map()}; // where a browser refuses to keep anything

let opened = null;
function open() {
  opened ??= new Promise((done, refuse) => {
    const asked = indexedDB.open(NAME, 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("state");
      asked.result.createObjectStore("queue", {keyPath: "key"});
    };
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => refuse(asked.error);
  });
  return opened;
}

async function within(store, mode, work) {
  const database = await open();
  return new Promise((done, refuse) => {
    const transaction = database.transaction(store, mode);
    const asked = work(transaction.objectStore(store));
    transaction.oncomplete = () => done(asked?.result);
    transaction.onerror = transaction.onabort = () => refuse(transaction.error);
  });
}

// The last state as the server sent it, or null.
export async function lastState() {
  return await within("state", "readonly", (store) => store.get("last")).catch(() => MEMORY.state.get("last")) ?? null;
}

export async function keepState(state) {
  MEMORY.state.set("last", state);
  await within("state", "readwrite", (store) => store.put(state, "last")).catch(() => null);
}

// The map that was drawn last: {address, text}, or null. A tablet has one.
export async function lastMap() {
  return await within("state", "readonly", (store) => store.get("map")).catch(() => null) ?? null;
}

export async function keepMap(map) {
  await within("state", "readwrite", (store) => store.put(map, "map")).catch(() => null);
}

// Words that wait, the oldest first; each {key, alert, place, kind, note, written, refused?}.
export async function waiting() {
  const found = await within("queue", "readonly", (store) => store.getAll()).catch(() => [...MEMORY.queue.values()]);
  return found.sort((a, b) => a.written - b.written);
}

// Resolves once the word is on disk: only then may the screen say that it waits.
export async function keepWord(word) {
  await within("queue", "readwrite", (store) => store.put(word)).catch(() => MEMORY.queue.set(word.key, word));
}

export async function forgetWord(key) {
  MEMORY.queue.delete(key);
  await within("queue", "readwrite", (store) => store.delete(key)).catch(() => null);
}

// Whoever logs out leaves nothing for the next person at this tablet.
export async function forgetAll() {
  for (const store of Object.values(MEMORY)) store.clear();
  for (const name of ["state", "queue"]) await within(name, "readwrite", (store) => store.clear()).catch(() => null);
  for (const name of await self.caches?.keys() ?? []) if (name.startsWith(NAME)) await caches.delete(name);
}
