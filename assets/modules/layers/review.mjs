// One file: how far its import is, what was found, what a person may change, and the yes.

import {ask} from "../desk/api.mjs";
import {element, fill} from "../dom.mjs";
import {SIGNS, svg} from "../marks.mjs";
import {button} from "./drop.mjs";
import {createChoices} from "./choices.mjs";

const STAGES = ["reading", "columns", "places", "difference", "commit"];
const SHOWN_REFUSED = 20;

export function createReview(box, {writer, book, onDone, onShown}) {
  const {say} = writer;
  let drawn = "";
  const choices = createChoices({say, book});

  function draw(one) {
    if (!one) {
      drawn = "";
      onShown(null);
      return fill(box, element("div", "state", svg(SIGNS.tray), element("b", "", say("layers.page.choose")), element("p", "", say("layers.page.choose_why"))));
    }
    const key = JSON.stringify([one.id, one.state, one.stage, one.stopping, one.result?.outcome, one.chosen]);
    if (key === drawn) return; // what somebody is choosing just now stays
    drawn = key;
    const body = {waiting: progress, running: progress, asking, done, failed, cancelled}[one.state](one);
    box.replaceChildren(element("h1", "", one.name), element("p", "dim", say("layers.page.sent_by", {by: one.by, size: one.bytes < 1e6 ? writer.value(one.bytes / 1e3, 0, "kB") : writer.value(one.bytes / 1e6, 1, "MB")})), ...body);
    onShown(one.state === "asking" ? one.id : null);
  }

  function progress(one) {
    const at = STAGES.indexOf(one.stage);
    const bar = element("progress");
    bar.max = STAGES.length;
    if (one.state === "running") bar.value = at + 0.5;
    const stages = STAGES.filter((name) => one.confirmed || name !== "commit").map((name, index) => element("li", index < at ? "past" : index === at ? "now" : "", say(`layers.page.stage.${name}`)));
    const stop = button(say(one.stopping ? "layers.page.stopping" : "layers.page.cancel"));
    stop.disabled = one.stopping;
    stop.addEventListener("click", () => act(one, "cancel"));
    return [bar, element("p", "", say(one.state === "waiting" ? "layers.page.waits" : "layers.page.runs")), element("ol", "stages", ...stages), element("div", "buttons", stop)];
  }

  function asking(one) {
    const found = one.result;
    const ready = found.outcome === "dry_run";
    const form = choices.draw(one);
    const yes = button(ready ? say("layers.page.confirm", {title: book[found.layer]?.title ?? found.layer}) : say("layers.page.cannot_confirm"), "btn p");
    const again = button(say("layers.page.look_again"));
    const no = button(say("layers.page.cancel"));
    yes.disabled = !ready;
    yes.addEventListener("click", () => act(one, "confirm"));
    again.addEventListener("click", () => act(one, "look", choices.read(form)));
    no.addEventListener("click", () => act(one, "cancel"));
    form.addEventListener("change", () => { yes.disabled = true; again.classList.add("p"); });
    return [
      found.error ? element("div", "says refused", svg(SIGNS.warn), element("p", "", found.error)) : null,
      ready || found.counts.read ? counts(found.counts) : null,
      told("layers.page.questions", found.questions, "says"),
      told("layers.page.notes", found.warnings.filter((text) => text !== found.error && !found.questions.includes(text)), "says dim"),
      form,
      refusedRows(one, found),
      element("div", "buttons", yes, again, no),
    ].filter(Boolean);
  }

  function counts(found) {
    const cells = ["added", "changed", "removed", "unchanged", "refused"].map((name) => element("div", found[name] ? "" : "zero", element("b", "", writer.number(found[name])), element("span", "", say(`layers.page.count.${name}`))));
    return element("div", "diff", ...cells);
  }

  function told(title, sentences, className) {
    if (!sentences.length) return null;
    return element("div", className, element("h3", "", say(title)), element("ul", "", ...sentences.map((text) => element("li", "", text))));
  }

  function refusedRows(one, found) {
    if (!found.counts.refused) return null;
    const link = element("a", "", say("layers.page.refused_file"));
    link.href = `/desk/layers/uploads/${one.id}/refused.csv`;
    link.download = "";
    const rows = found.refused.slice(0, SHOWN_REFUSED).map((row) => element("tr", "", element("td", "r", String(row.row)), element("td", "", row.code), element("td", "", row.field), element("td", "", row.reason)));
    return element("div", "refused-rows", element("h3", "", say("layers.page.refused_rows", {n: writer.number(found.counts.refused)})), element("table", "", element("tbody", "", ...rows)), link);
  }

  function done(one) {
    const {layer, version, counts: found} = one.result;
    const link = element("a", "btn", say("layers.page.see_on_map"));
    link.href = `/map#on=${layer}`;
    return [element("div", "says", element("p", "", say("layers.page.done", {title: book[layer]?.title ?? layer, version: version.slice(0, 8)}))), counts(found), element("div", "buttons", link), refusedRows(one, one.result)].filter(Boolean);
  }

  const failed = (one) => [element("div", "says refused", svg(SIGNS.warn), element("p", "", one.error ?? say("layers.page.failed")))];
  const cancelled = () => [element("p", "says", say("layers.page.was_cancelled"))];

  async function act(one, deed, body = null) {
    for (const press of box.querySelectorAll("button")) press.disabled = true;
    const options = {method: "POST"};
    if (body) Object.assign(options, {headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
    const answer = await ask(`/desk/layers/uploads/${one.id}/${deed}`, options);
    drawn = "";
    if (!answer.ok) box.prepend(element("p", "says refused", answer.body?.detail ?? say("layers.page.not_sent")));
    onDone();
  }

  return {draw, forget: () => { drawn = ""; }};
}
