// The page of the audit: filters in the address, newest first, older ones on demand, the same as CSV.

import {ask} from "./modules/door/api.mjs";
import {changes} from "./modules/door/changes.mjs";
import {boot, button, input, labelled, openPage, select, showFailure} from "./modules/door/page.mjs";
import {element} from "./modules/dom.mjs";

const NAMES = ["actor", "action", "object", "since", "until"];
const PAGE = 100;

async function start(root) {
  const page = await openPage(root);
  const actions = await ask("/audit/actions").catch(() => []);
  const address = new URLSearchParams(location.search);
  const fields = {
    actor: input("actor", address.get("actor") ?? "", {maxLength: 200}),
    action: select("action", [["", page.say("audit.any")], ...actions.map((name) => [name, deed(name)])], address.get("action") ?? ""),
    object: input("object", address.get("object") ?? "", {maxLength: 200}),
    since: input("since", address.get("since") ?? "", {type: "date"}),
    until: input("until", address.get("until") ?? "", {type: "date"}),
  };
  const csv = Object.assign(element("a", "btn", page.say("audit.export")), {download: "audit.csv"});
  const submit = Object.assign(element("button", "btn p", page.say("audit.filter")), {type: "submit"});
  const form = element("form", "door-filters", ...NAMES.map((name) => labelled(page.say(`audit.${name}`), fields[name])), submit, csv);
  form.addEventListener("submit", (event) => { event.preventDefault(); refresh(); });
  page.tools.replaceChildren();

  // Known deeds in words; what another part of the product writes keeps its code.
  function deed(name) {
    const key = `audit.did.${name}`;
    const found = page.say(key);
    return found === key ? name : found;
  }

  // A day is the province's: its first instant in that zone, whatever this machine believes.
  function instant(day, plus) {
    const noon = new Date(`${day}T12:00:00Z`);
    const offset = new Intl.DateTimeFormat("en", {timeZone: page.zone, timeZoneName: "longOffset"}).formatToParts(noon).find(({type}) => type === "timeZoneName").value.replace("GMT", "") || "+00:00";
    const begin = new Date(`${day}T00:00:00${offset}`);
    return new Date(begin.getTime() + plus * 86_400_000).toISOString();
  }

  function query() {
    const given = new URLSearchParams();
    for (const name of ["actor", "action", "object"]) if (fields[name].value) given.set(name, fields[name].value);
    if (fields.since.value) given.set("since", instant(fields.since.value, 0));
    if (fields.until.value) given.set("until", instant(fields.until.value, 1));
    return given;
  }

  function remember() {
    const kept = new URLSearchParams(NAMES.filter((name) => fields[name].value).map((name) => [name, fields[name].value]));
    history.replaceState(history.state, "", `/audit${kept.size ? `?${kept}` : ""}`);
    csv.href = `/api/v1/audit.csv?${query()}`;
  }

  async function refresh() {
    remember();
    try {
      const first = await ask(`/audit?${query()}&limit=${PAGE}`);
      show(first);
      root.removeAttribute("aria-busy");
    } catch (error) {
      showFailure(page, error, refresh);
    }
  }

  function show(first) {
    const note = element("p", "dim", page.say("audit.chain"));
    if (!first.items.length) {
      page.body.replaceChildren(form, element("div", "state", element("b", "", page.say("audit.empty"))), note);
      return;
    }
    const heads = ["at", "actor", "action", "object", "detail", "address"].map((name) => Object.assign(element("th", "", page.say(`audit.${name}`)), {scope: "col"}));
    const rows = element("tbody", "", ...first.items.map(line));
    const more = button(page.say("audit.more"), older);
    let next = first.next;
    more.hidden = next === null;
    async function older() {
      more.disabled = true;
      try {
        const found = await ask(`/audit?${query()}&limit=${PAGE}&cursor=${next}`);
        rows.append(...found.items.map(line));
        next = found.next;
        more.hidden = next === null;
      } catch (error) {
        showFailure(page, error, refresh);
      }
      more.disabled = false;
    }
    page.body.replaceChildren(form, element("div", "door-table", element("table", "", element("thead", "", element("tr", "", ...heads)), rows)), more, note);
  }

  function line(row) {
    return element("tr", "", element("td", "n", page.moment(row.at)), element("td", "", row.actor), element("td", "", deed(row.action)), element("td", "", row.object), element("td", "", ...changes(page, row.detail)), element("td", "n", row.address ?? ""));
  }

  await refresh();
}

boot("audit", start);
