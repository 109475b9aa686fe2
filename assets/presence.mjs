// Tells the server that a person stirs, and asks for the password once nobody did for too long.
// A change that the lock refused is sent again by itself after the password: nothing typed is lost.

import {element} from "./modules/dom.mjs";
import {loadWords} from "./modules/words.mjs";

const EVERY_MS = 60_000;
const send = window.fetch.bind(window);
let told = 0;
let asking = null;

function stir() {
  if (Date.now() - told < EVERY_MS) return;
  told = Date.now();
  send("/session/stir", {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}", keepalive: true})
    .then((answer) => { if (answer.status === 403 || answer.status === 404) told = Infinity; }) // a wall: nobody to speak of
    .catch(() => { told = 0; });
}
for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) window.addEventListener(kind, stir, {passive: true, capture: true});

window.fetch = async (resource, options) => {
  const answer = await send(resource, options);
  if (answer.status !== 403 || !(answer.headers.get("content-type") ?? "").startsWith("application/problem+json")) return answer;
  const {type} = await answer.clone().json().catch(() => ({}));
  if (type !== "urn:ioc:problem:idle" || resource instanceof Request) return answer;
  asking ??= askPassword().finally(() => { asking = null; });
  return (await asking) ? send(resource, options) : answer;
};

async function askPassword() {
  const words = await loadWords(document.documentElement.lang || "vi");
  const say = (key) => words[`idle.${key}`] ?? key;
  const field = Object.assign(element("input"), {type: "password", autocomplete: "current-password", maxLength: 1024, required: true});
  const error = element("p", "idle-error");
  error.setAttribute("role", "alert");
  const cancel = Object.assign(element("button", "btn", say("cancel")), {type: "button"});
  const form = element("form", "", element("h2", "", say("title")), element("p", "", say("why")), element("label", "", say("password"), field), error, element("div", "", cancel, Object.assign(element("button", "btn p", say("submit")), {type: "submit"})));
  const dialog = element("dialog", "idle-lock", form);
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  return new Promise((resolve) => {
    const done = (open) => { dialog.remove(); resolve(open); };
    cancel.addEventListener("click", () => done(false));
    dialog.addEventListener("cancel", () => done(false));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const answer = await send("/session/wake", {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({password: field.value})}).catch(() => null);
      if (answer?.ok) { told = Date.now(); done(true); return; }
      if (answer?.status === 401) { location.reload(); return; }
      error.textContent = (await answer?.json().catch(() => null))?.detail ?? say("away");
      field.value = "";
      field.focus();
    });
  });
}
