// What one shift leaves to the next: what stands, what was noted, and two people who sign for it.

import {element} from "./modules/dom.mjs";
import {SHAPES, svg} from "./modules/marks.mjs";
import {ask, boot, button, feed, openPage, table} from "./modules/register/page.mjs";

const MOST_ROWS = 100;

async function start(root) {
  const page = await openPage(root);
  const {say} = page;
  const names = (one) => say("handover.given", {given: one.given_name || one.given_by, taken: one.taken_name || one.taken_by});
  const counts = (n) => say("handover.counts", n);
  const number = location.pathname.match(/^\/handover\/(\d+)$/)?.[1];
  page.tools.replaceChildren(button(say("handover.print"), () => print()));
  if (number) {
    const refresh = feed(page, () => ask(`/desk/handover/${number}`), (one) => page.body.replaceChildren(...signed(one)));
    await refresh();
    return;
  }

  const live = element("div");
  const form = element("div", "shift-forms noprint");
  let found = null;
  const refresh = feed(page, () => ask("/desk/handover"), (now) => {
    const first = found === null;
    const people = JSON.stringify(found?.people) !== JSON.stringify(now.people);
    found = now;
    live.replaceChildren(element("p", "shift-since", element("b", "", say("handover.running", {time: page.moment(now.since)}))), ...content(now));
    if (first || people) form.replaceChildren(noting(), signing());
    if (first) page.body.replaceChildren(live, form, element("div", "shift-past noprint"));
    else if (!page.body.contains(live)) page.body.replaceChildren(live, form, element("div", "shift-past noprint"));
    page.body.querySelector(".shift-past").replaceChildren(...past(now.past));
  });

  function noting() {
    const text = Object.assign(element("textarea", "inp"), {name: "note", maxLength: 2000, required: true, rows: 3});
    return sending(say("handover.add_note"), [field(say("handover.note"), text)], say("handover.add"), async () => {
      await post("/desk/handover/notes", {note: text.value});
      text.value = "";
      await refresh();
      return "";
    });
  }

  function signing() {
    const who = Object.assign(element("select", "inp"), {name: "receiver", required: true});
    who.append(Object.assign(element("option", "", say("handover.choose")), {value: ""}), ...found.people.map(([name, shown]) => Object.assign(element("option", "", shown ? `${shown} (${name})` : name), {value: name})));
    const password = Object.assign(element("input", "inp"), {type: "password", name: "password", autocomplete: "off", required: true, maxLength: 1024});
    const remark = Object.assign(element("textarea", "inp"), {name: "remark", maxLength: 4000, rows: 3});
    return sending(say("handover.sign"), [field(say("handover.remark"), remark), field(say("handover.receiver"), who), field(say("handover.password"), password), element("p", "dim", say("handover.why"))], say("handover.sign"), async () => {
      try {
        const {id} = await post("/desk/handover", {receiver: who.value, password: password.value, remark: remark.value, after: found.last});
        remark.value = "";
        await refresh();
        return say("handover.done", {n: id});
      } finally {
        password.value = "";
      }
    });
  }

  function sending(title, fields, words, press) {
    const said = element("p", "shift-said");
    said.setAttribute("role", "status");
    const go = Object.assign(element("button", "btn p", words), {type: "submit"});
    const made = element("form", "shift-form", element("h2", "", title), ...fields, element("div", "shift-go", go, said));
    made.addEventListener("submit", async (event) => {
      event.preventDefault();
      go.disabled = true;
      said.textContent = say("handover.signing");
      try {
        said.textContent = await press();
      } catch (error) {
        said.textContent = error.away ? say("register.away") : error.message;
      }
      go.disabled = false;
    });
    return made;
  }

  const field = (words, input) => element("label", "shift-field", element("span", "", words), input);
  const post = async (path, body) => {
    const answer = await fetch(path, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)}).catch(() => { throw Object.assign(new Error("away"), {away: true}); });
    const told = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(told.detail ?? String(answer.status)), {away: answer.status >= 502});
    return told;
  };

  function past(rows) {
    if (!rows.length) return [element("h2", "", say("handover.history")), element("p", "dim", say("handover.no_history"))];
    return [element("h2", "", say("handover.history")), table([[say("handover.time")], [say("handover.by")], [say("handover.state")]], rows.map((one) => element("tr", "", element("td", "", Object.assign(element("a", "", page.moment(one.at)), {href: `/handover/${one.id}`})), element("td", "", names(one)), element("td", "", counts(one.counts)))))];
  }

  function signed(one) {
    const back = Object.assign(element("a", "btn noprint", say("handover.back")), {href: "/handover"});
    return [element("div", "shift-head", element("h2", "", say("handover.signed", {n: one.id})), back),
      element("p", "", `${say("handover.since", {time: page.moment(one.since)})} ${say("handover.to", {time: page.moment(one.at)})} · ${names(one)}`),
      one.remark ? element("blockquote", "shift-remark", one.remark) : element("span"),
      ...content(one.content),
      element("div", "shift-signatures", element("div", "", say("handover.giver_sign"), element("b", "", one.given_name || one.given_by)), element("div", "", say("handover.receiver_sign"), element("b", "", one.taken_name || one.taken_by)))];
  }


  function content(now) {
    return [element("p", "shift-counts", element("b", "", counts(now.counts)), ` · ${say("handover.moved", now.counts)}`),
      ...part("open", now.alerts, now.counts.open, ["time", "place", "what", "state"], alert),
      ...part("held", now.masks, now.counts.masks, ["until", "place", "note", "by"], (one) => [page.moment(one.ends), `${one.about} · ${say(`alert.mask.${one.kind}`)}`, one.reason, one.by]),
      ...part("silent", now.silent, now.counts.silent, ["newest", "place"], (one) => [one.newest === null ? say("handover.never") : page.moment(one.newest), [one.name, one.commune].filter(Boolean).join(" · ")]),
      ...part("notes", now.notes, now.notes.length, ["time", "by", "note"], (one) => [page.moment(one.at), one.by ?? "", [one.about && `${say("handover.about", {name: one.about})}:`, one.note].filter(Boolean).join(" ")])];
  }

  function alert(one) {
    const mark = element("span", `reg-severity k${one.severity}`, svg(SHAPES[one.severity]), one.name);
    const taken = one.mask ? say(`alert.mask.${one.mask}`) : one.acked_by ?? say("wall.unacknowledged");
    return [page.moment(one.raised), [one.place, one.commune].filter(Boolean).join(" · "), mark, [taken, one.assignee && say("wall.owner", {name: one.assignee})].filter(Boolean).join(" · ")];
  }

  function part(name, rows, total, heads, cells) {
    const title = element("h2", "", `${say(`handover.${name}`)} (${page.number(total)})`);
    if (!rows.length) return [title, element("p", "dim", say(`handover.none_${name}`))];
    const shown = rows.slice(0, MOST_ROWS).map((row) => element("tr", "", ...cells(row).map((cell) => element("td", "", cell))));
    const more = total > shown.length ? element("p", "dim", say("handover.more", {n: page.number(total - shown.length)})) : element("span");
    return [title, table(heads.map((head) => [say(`handover.${head}`)]), shown), more];
  }

  await refresh();
}

boot("handover", start);
