// Directions and comments: kept on the tablet first, sent with their own key, sent again until answered.

import {element, fill} from "../dom.mjs";
import {forgetWord, keepWord, waiting} from "./keep.mjs";

const EVERY_MS = 10_000; // while something waits and nothing says that the line is back
const SAID_MS = 8_000;
const SHOWN = 60; // characters of a waiting word

export function createOrders(parts, {writer, store, user, onSent}) {
  const {say} = writer;
  const note = parts.order.querySelector("[name=note]");
  const press = parts.order.querySelector("[data-send]");
  let about = null; // the alert that is spoken of: {id, place}
  let words = [];
  let said = null;
  let sending = false;

  const kind = () => parts.order.querySelector("[name=kind]:checked").value;

  function choose(row, {focus = false} = {}) {
    about = row;
    draw();
    if (!focus) return;
    parts.order.scrollIntoView({block: "nearest"});
    note.focus();
  }

  function draw() {
    fill(parts.about, ...(about ? [element("b", "", about.place), say("brief.about", {place: ""})] : [say("brief.about_none")]));
    press.disabled = !about || !note.value.trim();
    note.disabled = !about;
    note.placeholder = say(kind() === "direction" ? "brief.write" : "brief.write_comment");
    note.style.height = "auto";
    note.style.height = `${Math.min(note.scrollHeight + 2, 160)}px`;
    const refused = words.filter((word) => word.refused);
    const held = words.filter((word) => !word.refused);
    parts.queue.hidden = !words.length && !said;
    const rows = refused.map((word) => {
      const drop = element("button", "btn t", say("brief.dismiss"));
      drop.type = "button";
      drop.dataset.drop = word.key;
      return element("div", "", element("span", "", say("brief.refused", {note: short(word.note), reason: word.refused})), drop);
    });
    if (held.length) rows.push(element("div", "", element("b", "", say("brief.waiting", {n: held.length})), " ", element("span", "", say("brief.waiting_why", {note: short(held[0].note)}))));
    else if (said) rows.push(element("div", "", said));
    fill(parts.queue, ...rows);
  }

  async function give() {
    const text = note.value.trim();
    if (!about || !text) return;
    const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const word = {key, by: user, alert: about.id, place: about.place, kind: kind(), note: text, written: Math.round(store.now())};
    await keepWord(word);
    note.value = "";
    said = null;
    await read();
    await send();
  }

  // What somebody else left waiting at this tablet is not said in this person's name.
  const mine = async () => (await waiting()).filter((word) => word.by === user);

  async function read() {
    words = await mine();
    draw();
  }

  // One at a time, in the order in which they were written. A repeated one is answered, not done twice.
  async function send() {
    if (sending) return;
    sending = true;
    try {
      for (const word of await mine()) {
        if (word.refused) continue;
        const outcome = await post(word);
        if (outcome === "later") break;
        if (outcome === "sent") {
          await forgetWord(word.key);
          onSent();
          said = say("brief.sent", {time: writer.time(store.now()).slice(0, 5)});
          setTimeout(() => { said = null; draw(); }, SAID_MS);
        } else await keepWord({...word, refused: outcome});
        await read();
      }
    } finally {
      sending = false;
    }
    await read();
  }

  async function post(word) {
    let answer;
    try {
      answer = await fetch(`/api/v1/alerts/${word.alert}/direction`, {
        method: "POST",
        headers: {"Content-Type": "application/json", "Idempotency-Key": word.key},
        body: JSON.stringify({note: word.note, kind: word.kind, written_at: new Date(word.written).toISOString()}),
      });
    } catch {
      return "later";
    }
    if (answer.ok) return "sent";
    // Not for ever: no line, no session, a busy or broken server. All else would be refused again.
    if (answer.status === 401 || answer.status === 429 || answer.status >= 500) return "later";
    return (await answer.json().catch(() => ({}))).detail ?? String(answer.status);
  }

  press.addEventListener("click", give);
  parts.form.addEventListener("submit", (event) => event.preventDefault());
  note.addEventListener("input", draw);
  note.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) give();
  });
  parts.order.addEventListener("change", draw);
  parts.queue.addEventListener("click", async (event) => {
    const drop = event.target.closest("[data-drop]");
    if (drop) { await forgetWord(drop.dataset.drop); await read(); }
  });
  addEventListener("online", send);
  store.subscribe((changed) => changed.has("connected") && store.connected && send());
  setInterval(() => words.some((word) => !word.refused) && send(), EVERY_MS);
  parts.order.hidden = false;
  read().then(send);
  return {choose, get about() { return about; }, get waits() { return words.length; }};
}

const short = (text) => (text.length > SHOWN ? `${text.slice(0, SHOWN).trimEnd()}…` : text);
