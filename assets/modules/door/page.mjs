// What both pages share: header, words, a state in place of the body, dialogs, a moment in words.

import {element} from "../dom.mjs";
import {createHeader} from "../header.mjs";
import {connect} from "../live.mjs";
import {createStore} from "../store.mjs";
import {createWriter, loadWords} from "../words.mjs";

export async function openPage(root) {
  const find = (name) => root.querySelector(`[data-part=${name}]`) ?? document.createElement("span");
  const {language, zone, actor} = root.dataset;
  const writer = createWriter(await loadWords(language), language, zone);
  const store = createStore();
  const header = createHeader(Object.fromEntries(["clock", "date", "sim", "trial", "banner"].map((name) => [name, find(name)]).concat([["root", root]])), store, writer);
  connect(store);
  setInterval(header.tick, 1_000);
  const date = new Intl.DateTimeFormat("vi-VN", {timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit", day: "2-digit", month: "2-digit", year: "numeric"});
  const moment = (iso) => {
    const part = Object.fromEntries(date.formatToParts(new Date(iso)).map(({type, value}) => [type, value]));
    return `${part.hour}:${part.minute}:${part.second} ${part.day}/${part.month}/${part.year}`;
  };
  return {root, actor, zone, moment, say: writer.say, tools: find("tools"), body: find("body")};
}

export function boot(name, start) {
  const begin = () => {
    const root = document.querySelector(`[data-desk=${name}]`);
    if (!root || root.dataset.started) return;
    root.dataset.started = "yes";
    start(root).catch(() => { delete root.dataset.started; setTimeout(begin, 3_000); });
  };
  new MutationObserver(begin).observe(document.documentElement, {childList: true, subtree: true});
  begin();
}

// `again` runs when the button of the state is pressed.
export function showFailure(page, error, again) {
  const reason = error.code === "away" ? page.say("users.away") : error.message;
  page.body.replaceChildren(element("div", "state", element("b", "", page.say("users.failed", {reason}))));
  page.root.removeAttribute("aria-busy");
  if (error.code === "away") setTimeout(again, 5_000);
}

export function button(words, press, className = "btn") {
  const made = element("button", className, words);
  made.type = "button";
  made.addEventListener("click", press);
  return made;
}

export function labelled(words, control, hint = "") {
  const label = element("label", "door-field", element("span", "", words), control);
  if (hint) label.append(element("small", "dim", hint));
  return label;
}

export function input(name, value = "", options = {}) {
  return Object.assign(element("input", "inp"), {name, value, autocomplete: "off", ...options});
}

export function select(name, choices, chosen) {
  const made = Object.assign(element("select", "inp"), {name});
  for (const [value, words] of choices) made.append(Object.assign(element("option", "", words), {value, selected: value === chosen}));
  return made;
}

// Opens a dialog; `submit(form)` may throw, and its message is shown. Closed: the dialog is gone.
export function dialog(page, title, parts, {submit, words} = {}) {
  const form = element("form", "door-form", element("h2", "", title), ...parts);
  const error = element("p", "door-error");
  error.setAttribute("role", "alert");
  const made = element("dialog", "", form);
  const close = button(page.say(submit ? "users.cancel" : "users.close"), () => made.close());
  const ways = element("div", "door-ways", close);
  if (submit) ways.prepend(Object.assign(element("button", "btn p", words ?? page.say("users.save")), {type: "submit"}));
  form.append(error, ways);
  form.method = "dialog";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!submit || form.dataset.busy) return;
    form.dataset.busy = "yes";
    try {
      await submit(form);
      made.close();
    } catch (failure) {
      error.textContent = failure.code === "away" ? page.say("users.away") : failure.message;
    }
    delete form.dataset.busy;
  });
  made.addEventListener("close", () => made.remove());
  page.root.append(made);
  made.showModal();
  return made;
}
