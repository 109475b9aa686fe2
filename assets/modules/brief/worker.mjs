// The service worker: the page opens without a line, and alerts arrive while it is closed.
// The server puts `KEPT` in front: {version, files}. State is not here, the page keeps its own.

const CACHE = `ioc-brief-${KEPT.version}`;
const PAGE = "/brief";
const PATIENCE_MS = 4_000; // a network that takes longer for the page is none

self.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    // Past the browser's own cache: what is kept under a version is of that version.
    await cache.addAll(KEPT.files.map((file) => new Request(file, {cache: "no-cache"})));
    const answer = await fetch(PAGE); // opened once is enough to have it without a line
    if (answer.ok && !answer.redirected) await cache.put(PAGE, answer);
    await self.skipWaiting();
  })());
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) {
      if (name.startsWith("ioc-brief-") && name !== CACHE) await caches.delete(name);
    }
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const {request} = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && url.pathname === PAGE) event.respondWith(page(request));
  else if (KEPT.files.includes(url.pathname)) event.respondWith(kept(request));
});

// The page of the server while there is one; a redirect to the login is the server's answer too.
async function page(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await Promise.race([fetch(request), late()]);
    if (answer.ok && !answer.redirected) await cache.put(PAGE, answer.clone());
    if (answer.status < 500) return answer;
    return await cache.match(PAGE) ?? answer;
  } catch {
    return await cache.match(PAGE) ?? Response.error();
  }
}

const late = () => new Promise((_, refuse) => setTimeout(() => refuse(new Error("late")), PATIENCE_MS));

async function kept(request) {
  const cache = await caches.open(CACHE);
  return await cache.match(request, {ignoreSearch: true}) ?? fetch(request);
}

// ---------------------------------------------------------------- web push

self.addEventListener("push", (event) => {
  let news = {};
  try {
    news = event.data?.json() ?? {};
  } catch {
    return; // not of ours
  }
  const {title = "IOC", body = "", key = "", severity = 4, url = PAGE} = news;
  // The newer message of an alert takes the place of the unread one; critical ones stay until read.
  const tag = String(key).split(":")[0];
  event.waitUntil(self.registration.showNotification(title, {body, tag, renotify: Boolean(tag), requireInteraction: severity === 1, lang: "vi", icon: "/assets/modules/brief/icon-192.png", data: {url}}));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(show(event.notification.data?.url));
});

// Only a page of ours is opened, whatever a message says.
async function show(address) {
  const asked = new URL(address || PAGE, self.location.origin);
  const target = asked.origin === self.location.origin ? asked.pathname + asked.search : PAGE;
  for (const client of await self.clients.matchAll({type: "window"})) {
    if (new URL(client.url).pathname === new URL(target, self.location.origin).pathname) return client.focus();
  }
  return self.clients.openWindow(target);
}
