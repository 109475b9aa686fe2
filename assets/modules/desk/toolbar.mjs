// What stands around the list: tabs with counts, the load, sound, bulk acknowledgement, pages, help.

import {element, fill} from "../dom.mjs";
import {MOST_SELECTED} from "./list.mjs";
import {exportQuery, TABS} from "./query.mjs";

const HELP = [["↑ ↓ J K", "move"], ["Enter", "open"], ["A", "acknowledge"], ["X", "select"], ["Shift+A", "bulk"], ["N", "note"], ["P", "assign"], ["G", "shelve"], ["S", "silence"], ["/", "search"], ["Esc", "back"], ["?", "help"]];
const ACTING = new Set(["acknowledge", "select", "bulk", "note", "assign", "shelve", "silence"]);

export function createToolbar(parts, writer, {mayAct, query, onChange, onBulk, onSilence, onTest}) {
  const {say} = writer;
  const made = {onPage: null};
  let selected = [];

  const button = (text, onclick, key) => {
    const node = element("button", "btn", element("span", "", text), key ? element("kbd", "", key) : null);
    node.type = "button";
    node.onclick = onclick;
    return node;
  };
  const silence = button(say("alerts.silence"), onSilence, "S");
  const help = button("?", () => dialog.showModal());
  help.setAttribute("aria-label", say("alerts.help"));
  silence.setAttribute("aria-pressed", "false");
  // What the filter shows, to take away; the address is that of the moment somebody presses.
  const files = ["csv", "xlsx"].map((form) => {
    const node = element("a", "btn", form.toUpperCase());
    node.href = "#";
    node.setAttribute("aria-label", say("alerts.export", {form: form.toUpperCase()}));
    node.addEventListener("click", () => { node.href = `/desk/alerts/export.${form}?${exportQuery(query.value)}`; });
    return node;
  });
  parts.tools.replaceChildren(...(mayAct ? [silence] : []), ...files, help);
  parts.muted.addEventListener("click", onTest);

  const bulk = button("", () => onBulk(), "Shift A");
  bulk.classList.add("p");
  const previous = button(say("alerts.previous"), () => made.onPage(false));
  const next = button(say("alerts.next"), () => made.onPage(true));
  const count = element("span");
  const picked = element("span", "picked", bulk);
  const legend = element("span", "keys", ...["↑", "↓"].map((key) => element("kbd", "", key)), ` ${say("alerts.key.move")}`, ...(mayAct ? [["A", "acknowledge"], ["X", "select"]] : []).flatMap(([key, name]) => [element("kbd", "", key), ` ${say(`alerts.key.${name}`)}`]), element("kbd", "", "?"), ` ${say("alerts.help")}`);
  parts.foot.replaceChildren(count, previous, next, picked, element("span", "sp"), legend);

  const tabs = Object.fromEntries(TABS.map((name) => {
    const node = button(say(`alerts.tab.${name}`), () => onChange({tab: name, state: null}));
    node.className = "dtab";
    node.append(element("b"));
    return [name, node];
  }));
  parts.tabs.replaceChildren(...Object.values(tabs));

  const dialog = element("dialog", "help");
  dialog.append(element("h2", "", say("alerts.help")), ...HELP.filter(([, name]) => mayAct || !ACTING.has(name)).map(([key, name]) => element("div", "", element("span", "", ...key.split(" ").map((one) => element("kbd", "", one))), element("span", "", say(`alerts.key.${name}`)))),
    mayAct ? button(say("alerts.sound_test"), onTest) : "", button(say("wall.close"), () => dialog.close()));
  parts.root.append(dialog);

  function draw(answer) {
    for (const [name, node] of Object.entries(tabs)) {
      const isOn = query.value.tab === name;
      node.setAttribute("aria-current", isOn ? "page" : "false");
      const n = answer?.counts[name];
      fill(node.lastChild, n === undefined ? "" : writer.number(n));
    }
    if (!answer) return;
    drawLoad(answer);
    const shown = answer.rows.length;
    count.hidden = answer.total === 0;
    fill(count, answer.groups.length ? say("alerts.grouped", {n: writer.number(answer.total), groups: answer.groups.length}) : say("alerts.shown", {n: writer.number(shown), total: writer.number(answer.total)}));
    const pages = ["late", "closed"].includes(query.value.tab);
    previous.hidden = !pages || !query.value.cursor;
    next.hidden = !pages || !answer.next;
    select(selected);
  }

  function drawLoad({flood, groups}) {
    const words = say("alerts.load", {n: writer.number(flood.raises), limit: flood.limit});
    if (flood.since === null) return fill(parts.load, element("span", "", words));
    const canGroup = query.value.tab === "open" && query.value.rule === null;
    const press = canGroup ? button(say(groups.length ? "alerts.ungroup" : "alerts.group"), () => onChange({flat: groups.length > 0})) : null;
    const back = !canGroup && query.value.tab === "open" ? button(say("alerts.back_to_groups"), () => onChange({area: null, rule: null, flat: false})) : null;
    const said = element("b", "floods", say("alerts.flood", {time: writer.time(flood.since).slice(0, 5), n: writer.number(flood.raises)}));
    if (parts.load.textContent !== said.textContent + (press?.textContent ?? "") + (back?.textContent ?? "")) parts.load.replaceChildren(said, ...[press, back].filter(Boolean));
  }

  function select(ids) {
    selected = ids;
    picked.hidden = ids.length === 0;
    legend.hidden = ids.length > 0;
    fill(bulk.firstChild, ids.length >= MOST_SELECTED ? say("alerts.bulk_most", {n: ids.length}) : say("alerts.bulk", {n: ids.length}));
  }

  function sound({pattern, silentLeft, blocked}) {
    parts.muted.hidden = !blocked;
    const isSilent = silentLeft > 0;
    silence.disabled = pattern === null && !isSilent;
    silence.setAttribute("aria-pressed", String(isSilent));
    fill(silence.firstChild, isSilent ? say("alerts.silent_left", {s: Math.ceil(silentLeft / 1000)}) : say("alerts.silence"));
  }

  return Object.assign(made, {draw, select, sound, help: () => dialog.showModal(), bulk: () => selected.length && onBulk()});
}
