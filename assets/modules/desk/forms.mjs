// The small forms of the desk: a note, whose it is, a shelf or planned work with its reason and its end.

import {element, fill} from "../dom.mjs";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// Offered lengths in seconds; the server knows the longest of each kind.
const LENGTHS = {
  shelve: [15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR],
  maintenance: [2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 3 * DAY, 7 * DAY, 30 * DAY],
  out_of_service: [DAY, 7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY],
};
const LONGEST = {note: 2000, reason: 500, name: 200};

export function createForms(told, writer, store, {people}) {
  const {say} = told;

  function labelled(key, control) {
    const label = element("label", "", element("span", "", say(`alerts.form.${key}`)), control);
    control.classList.add("inp");
    return label;
  }

  function area(most) {
    const node = element("textarea");
    node.maxLength = most;
    node.required = true;
    node.rows = 2;
    return node;
  }

  function choice(options) {
    const node = element("select");
    node.replaceChildren(...options.map(([value, text]) => {
      const option = element("option", "", text);
      option.value = value;
      return option;
    }));
    return node;
  }

  function form(submit, ...parts) {
    const press = element("button", "btn p", submit);
    const leave = element("button", "btn", say("alerts.form.cancel"));
    leave.type = "button";
    leave.dataset.leave = "yes";
    return element("form", "fm", ...parts, element("div", "act", press, leave));
  }

  const forms = {
    note() {
      const text = area(LONGEST.note);
      return {node: form(say("alerts.form.send"), labelled("note", text)), request: () => ["comment", {note: text.value}]};
    },

    assign(row) {
      const name = element("input");
      name.maxLength = LONGEST.name;
      name.value = "";
      name.placeholder = row.assignee ?? "";
      name.setAttribute("list", "desk-people");
      const known = element("datalist");
      known.id = "desk-people";
      known.replaceChildren(...people().map(([, display]) => {
        const option = element("option");
        option.value = display;
        return option;
      }));
      // People are known by their display names; whoever is not listed is a unit outside.
      const chosen = () => people().find(([, display]) => display === name.value.trim())?.[0] ?? name.value.trim();
      return {node: form(say("alerts.form.send"), labelled("assignee", name), known), request: () => ["assign", {assignee: chosen() || null}]};
    },

    shelve(row) {
      const kind = choice(["shelve", "maintenance", "out_of_service"].map((name) => [name, say(`alert.mask.${name}`)]));
      const length = choice([]);
      const scope = choice([["thing", say("alerts.form.whole_thing")], ["datastream", say("alerts.form.one_property", {property: row.property_name})]]);
      const reason = area(LONGEST.reason);
      reason.maxLength = LONGEST.reason;
      const once = element("input");
      once.type = "checkbox";
      const onceLabel = element("label", "tick", once, element("span", "", say("alerts.form.one_shot")));
      const ends = element("p", "dim");
      const scoped = labelled("scope", scope);
      const end = () => store.now() + Number(length.value) * 1000;
      const drawEnd = () => fill(ends, say("alerts.form.ends", {time: `${writer.time(end()).slice(0, 5)} ${writer.date(end())}`}));
      function drawKind() {
        length.replaceChildren(...choice(LENGTHS[kind.value].map((s) => [s, lasting(s)])).childNodes);
        length.selectedIndex = 2;
        scoped.hidden = kind.value === "shelve";
        onceLabel.hidden = kind.value !== "shelve" || !row.active;
        drawEnd();
      }
      kind.addEventListener("change", drawKind);
      length.addEventListener("change", drawEnd);
      const node = form(say("alerts.form.hold"), labelled("mask", kind), labelled("length", length), scoped, labelled("reason", reason), onceLabel, ends);
      drawKind();
      const matcher = () => scope.value === "thing" ? {thing: row.thing} : {datastream: row.datastream};
      return {node, request: () => kind.value === "shelve"
        ? ["shelve", {seconds: Number(length.value), reason: reason.value, one_shot: once.checked && row.active}]
        : ["/masks", {kind: kind.value, matcher: matcher(), ends: new Date(end()).toISOString(), reason: reason.value}]};
    },

    step(row, step) {
      const text = area(LONGEST.note);
      text.required = step.note;
      const name = element("input");
      name.maxLength = LONGEST.name;
      name.required = !row.assignee;
      const parts = [labelled("note", text), step.assignee ? labelled("assignee", name) : null].filter(Boolean);
      return {node: form(say(`alerts.step.${step.to}`), ...parts), request: () => ["handling", {to: step.to, note: text.value, assignee: step.assignee ? name.value.trim() : ""}]};
    },
  };

  function lasting(seconds) {
    if (seconds < HOUR) return say("alerts.form.minutes", {n: seconds / MINUTE});
    return seconds < DAY ? say("alerts.form.hours", {n: seconds / HOUR}) : say("alerts.form.days", {n: seconds / DAY});
  }

  return forms;
}
