// Web push of this tablet: whether the browser can, whether the vendor answers, whether alerts come.

const VENDOR_MS = 15_000; // a push service that takes longer is not there

export function createPush(parts, press, {writer}) {
  const {say} = writer;
  let server = {key: "", told: false};

  async function draw(said = null) {
    const mine = await subscription();
    press.hidden = !supported() || (!server.key && !mine);
    press.textContent = say(mine ? "brief.push_off" : "brief.push_on");
    press.dataset.on = mine ? "yes" : "no";
    parts["push-said"].textContent = said ?? say(mine ? (server.told ? "brief.push_is_on" : "brief.push_not_told") : !supported() ? "brief.push_unsupported" : server.key ? "brief.push_is_off" : "brief.push_no_key");
  }

  const supported = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

  async function subscription() {
    if (!supported()) return null;
    const registration = await navigator.serviceWorker.getRegistration("/brief");
    return await registration?.pushManager.getSubscription() ?? null;
  }

  async function ask(method, body) {
    const answer = await fetch("/brief/push", {method, headers: body ? {"Content-Type": "application/json"} : {}, body: body && JSON.stringify(body)});
    if (!answer.ok) throw new Error(String(answer.status));
    server = await answer.json();
  }

  async function on() {
    if (await Notification.requestPermission() !== "granted") return say("brief.push_denied");
    const registration = await navigator.serviceWorker.ready;
    let made;
    try {
      made = await Promise.race([registration.pushManager.subscribe({userVisibleOnly: true, applicationServerKey: bytes(server.key)}), late()]);
    } catch {
      return say("brief.push_unreachable");
    }
    const {endpoint, keys} = made.toJSON();
    try {
      await ask("POST", {endpoint, p256dh: keys.p256dh, auth: keys.auth});
    } catch {
      await made.unsubscribe();
      return say("brief.failed");
    }
    return null;
  }

  async function off() {
    const mine = await subscription();
    try {
      await ask("DELETE", {endpoint: mine.endpoint});
    } catch {
      return say("brief.failed");
    }
    await mine.unsubscribe();
    return null;
  }

  press.addEventListener("click", async () => {
    press.disabled = true;
    const said = press.dataset.on === "yes" ? await off() : await on();
    press.disabled = false;
    await draw(said);
  });

  async function show() {
    await ask("GET").catch(() => null);
    await draw();
  }
  return {show};
}

const late = () => new Promise((_, refuse) => setTimeout(() => refuse(new Error("late")), VENDOR_MS));

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}
