// A station's month: which one stands in the address, so that a link shows the same again.

import {element} from "./modules/dom.mjs";
import {ask, boot, button, feed, openPage, select, state} from "./modules/register/page.mjs";

async function start(root) {
  const page = await openPage(root);
  const find = (name) => root.querySelector(`[data-part=${name}]`);
  const thing = root.dataset.station;
  const here = new URLSearchParams(location.search).get("month");
  let wanted = /^20\d\d-(0[1-9]|1[0-2])$/.test(here ?? "") ? here : "";
  const query = () => (wanted ? `?month=${wanted}` : "");
  const refresh = feed(page, () => ask(`/desk/station/${thing}${query()}`).catch(unknown), show);

  function unknown(error) {
    if (error.status === 404) throw Object.assign(new Error(page.say("station.unknown")), {cause: error});
    throw error;
  }

  function go(month) {
    wanted = month;
    history.replaceState(history.state, "", `/station/${thing}${query()}`);
    refresh();
  }

  function show(found) {
    document.title = found.title;
    find("title").textContent = found.title;
    find("lines").textContent = found.lines.join(" · ");
    tools(found);
    const shown = new DOMParser().parseFromString(found.html, "text/html").body;
    page.body.replaceChildren(...(found.empty ? [state(page.say("station.empty"), page.say("station.empty_hint"))] : shown.childNodes));
    for (const table of page.body.querySelectorAll("table")) {
      const heads = [...table.querySelectorAll("th")].map((cell) => cell.textContent);
      for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, place) => { cell.dataset.head = heads[place]; }); // a phone shows each row as a card
      const frame = element("div", "st-table");
      frame.tabIndex = 0; // wider than a phone: a keyboard scrolls it, too
      frame.setAttribute("role", "group");
      frame.setAttribute("aria-label", table.closest("section")?.querySelector("h2")?.textContent ?? "");
      table.replaceWith(frame);
      frame.append(table);
    }
    page.spoken.textContent = page.body.querySelector(".said")?.textContent ?? page.say("station.empty");
  }

  function tools(found) {
    const focused = find("tools").contains(document.activeElement) ? document.activeElement.name : "";
    const list = months(found.since ?? found.month, page);
    const at = list.indexOf(found.month);
    const choice = select("month", page.say("station.month"), list.map((month) => [month, page.say("station.month_name", {month: `${month.slice(5)}/${month.slice(0, 4)}`})]), found.month, (event) => go(event.target.value));
    const step = (by, key) => {
      const made = button(page.say(key), () => go(list[at + by]));
      made.name = key;
      made.disabled = !list[at + by];
      return made;
    };
    const files = ["pdf", "xlsx"].map((form) => Object.assign(element("a", "btn", page.say("register.download", {form: form.toUpperCase()})), {href: `/desk/station/${thing}/report?format=${form}&month=${found.month}`}));
    const more = Object.assign(element("a", "btn", page.say("station.to_thing")), {href: `/thing/${thing}`});
    find("tools").replaceChildren(step(1, "station.earlier"), choice, step(-1, "station.later"), ...files, more);
    if (focused) find("tools").querySelector(`[name="${focused}"]`)?.focus();
  }

  await refresh();
}

// The months from now back to `since`, the newest first; at most five years are offered.
function months(since, page) {
  const [day, month, year] = page.date(Date.now()).split("/").map(Number);
  const found = [];
  for (let back = 0; back < 60 && day; back += 1) {
    const at = new Date(Date.UTC(year, month - 1 - back, 1)).toISOString().slice(0, 7);
    found.push(at);
    if (at <= since) break;
  }
  return found;
}

boot("station", start);
