// What a page of the wall fetches: while it is shown, each few seconds, and again until it came.

import {element, fill} from "../dom.mjs";
import {SIGNS, svg} from "../marks.mjs";

const EVERY_MS = 10_000;
const AGAIN_MS = 4_000;
const OLD_MS = 60_000; // six rounds were missed: nobody may take it for now
const WAIT_MS = 20_000;

// `draw(found)` returns the page's parts. What was had stays, hatched, while nobody answers.
export function createView(box, path, writer, draw) {
  let found = null;
  let failed = null;
  let timer = 0;
  let on = false;

  async function refresh() {
    clearTimeout(timer);
    let pause = EVERY_MS;
    try {
      const answer = await fetch(path, {cache: "no-store", signal: AbortSignal.timeout(WAIT_MS)});
      if (!answer.ok) throw Object.assign(new Error(String(answer.status)), {status: answer.status});
      found = await answer.json();
      found.had = Date.now();
      failed = null;
    } catch (error) {
      failed = error;
      pause = AGAIN_MS;
    }
    if (!on) return;
    render();
    timer = setTimeout(refresh, pause);
  }

  function render() {
    if (!on) return;
    if (found) return fill(box, ...draw(found), age());
    if (failed) fill(box, nothing(writer.say(failed.status === 403 ? "wallview.forbidden" : "wallview.failed")));
  }

  // The age is of the answer, by this machine's clock: it grows whatever the server does.
  function age() {
    const ms = Date.now() - found.had;
    box.classList.toggle("old", ms > OLD_MS);
    const words = writer.say("wallview.age", {age: writer.age(ms), time: writer.time(found.now)});
    return element("div", "view-age", ms > OLD_MS ? svg(SIGNS.clock) : null, words);
  }

  return {
    show(now) {
      if (on === now) return;
      on = now;
      clearTimeout(timer);
      if (on) { render(); refresh(); }
    },
    render,
    tick: () => { if (on && found) fill(box.querySelector(".view-age") ?? box, ...age().childNodes); },
  };
}

export function nothing(words, hint = "") {
  return element("div", "empty state", svg(SIGNS.tray), element("b", "", words), hint ? element("p", "", hint) : null);
}

export function head(words, more = "") {
  return element("h2", "vh", element("span", "", words), more ? element("small", "", more) : null);
}

// A number that counts what is wrong: zero is quiet.
export function figure(writer, label, value, total = null) {
  return element("div", "kt", element("div", "kl", label),
    element("div", value ? "kv" : "kv zero", element("b", "", writer.number(value)), total === null ? null : element("i", "", `/${writer.number(total)}`)));
}
