// The page of one thing: keys for ranges and channels, and notes at its chart.

import {element} from "./modules/dom.mjs";
import {createWriter, loadWords} from "./modules/words.mjs";

const HOUR_MS = 3_600_000;
let writer = null;

document.addEventListener("keydown", (event) => {
  const page = document.querySelector(".thing-page");
  if (!page || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  if (/^[1-7]$/.test(event.key)) page.querySelectorAll(".chartbar-ranges a")[Number(event.key) - 1]?.click();
  else if (event.key === "[" || event.key === "]") step(page, event.key === "[" ? -1 : 1);
  else if (event.key.toLowerCase() === "n") page.querySelector("[data-note]")?.click();
});

function step(page, by) {
  const all = [...page.querySelectorAll(".thing-value")];
  const at = all.findIndex((one) => one.getAttribute("aria-pressed") === "true");
  all[(at + by + all.length) % all.length]?.click();
}

document.addEventListener("click", async (event) => {
  const add = event.target.closest?.("[data-note]");
  const gone = event.target.closest?.("[data-remove]");
  if (!add && !gone) return;
  writer ??= createWriter(await loadWords("vi"), "vi", "Asia/Ho_Chi_Minh");
  if (add) write(add.dataset);
  else take(gone);
});

async function send(path, method, body) {
  const answer = await fetch(path, {method, headers: {"Content-Type": "application/json"}, body: body && JSON.stringify(body)}).catch(() => null);
  if (answer?.ok) return "";
  const found = await answer?.json().catch(() => null);
  return writer.say("chart_page.failed", {reason: found?.detail ?? writer.say("register.away")});
}

async function take(button) {
  const thing = document.querySelector("[data-note]").dataset.note;
  button.disabled = true;
  const failed = await send(`/desk/thing/${thing}/notes/${button.dataset.remove}`, "DELETE");
  if (!failed) location.reload();
  else button.replaceWith(element("small", "", failed));
}

// Instants of the form are the province's, whatever the machine of who writes says.
function local(ms, zone) {
  const part = Object.fromEntries(new Intl.DateTimeFormat("en-GB", {timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23"}).formatToParts(ms).map(({type, value}) => [type, value]));
  return `${part.year}-${part.month}-${part.day}T${part.hour}:${part.minute}`;
}

function instant(text, zone) {
  const guess = Date.parse(`${text}:00Z`);
  return new Date(guess - (Date.parse(`${local(guess, zone)}:00Z`) - guess)).toISOString();
}

function write({note, code, zone}) {
  const {say} = writer;
  const moment = (ms) => Object.assign(element("input", "inp"), {type: "datetime-local", required: true, value: local(ms, zone)});
  const field = (key, control) => element("label", "", element("span", "", say(`chart_page.${key}`)), control);
  const [since, until] = [moment(Date.now() - HOUR_MS), moment(Date.now())];
  const words = Object.assign(element("textarea", "inp"), {required: true, maxLength: 2000, rows: 4});
  const only = Object.assign(element("input"), {type: "checkbox", checked: true});
  const error = element("p", "");
  error.setAttribute("role", "alert");
  const cancel = Object.assign(element("button", "btn", say("chart_page.cancel")), {type: "button"});
  const save = Object.assign(element("button", "btn p", say("chart_page.save")), {type: "submit"});
  const form = element("form", "", element("h2", "", say("chart_page.add_note")), field("from", since), field("until", until), field("words", words), element("label", "chartbar-only", only, say("chart_page.only_this")), error, element("div", "chartbar-ways", save, cancel));
  const dialog = element("dialog", "chartbar-dialog", form);
  cancel.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    const body = {since: instant(since.value, zone), until: instant(until.value, zone), words: words.value, property: only.checked ? code : null};
    error.textContent = await send(`/desk/thing/${note}/notes`, "POST", body);
    save.disabled = false;
    if (!error.textContent) location.reload();
  });
  document.body.append(dialog);
  dialog.showModal();
  words.focus();
}
