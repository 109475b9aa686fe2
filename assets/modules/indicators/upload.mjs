// A file of figures: sent to be looked at, shown with what it would change, recorded when confirmed.

import {element} from "../dom.mjs";
import {ask, button, table} from "../register/page.mjs";
import {day} from "./values.mjs";

const SHOWN = 50; // rows of a look; the server says how many there are

export function createUpload(page, done) {
  const {say} = page;
  const input = Object.assign(element("input"), {type: "file", accept: ".csv,.xlsx", hidden: true});
  input.setAttribute("aria-label", say("indicators.choose"));
  const open = button(say("indicators.upload"), () => input.click());
  const box = element("div", "ind-upload");
  box.setAttribute("role", "status");
  box.hidden = true;
  input.addEventListener("change", () => look(input.files[0]));

  const send = (file, more = {}) => ask(`/desk/indicators/file?${new URLSearchParams({name: file.name.slice(-400), ...more})}`, {method: "POST", body: file});

  async function look(file) {
    input.value = "";
    if (!file) return;
    tell(say("indicators.sending"));
    try {
      shown(file, await send(file));
    } catch (error) {
      failed(error);
    }
  }

  function shown(file, found) {
    const {rows, refused} = found;
    const parts = [element("b", "", say("indicators.preview", {name: found.name, n: page.number(rows.length), bad: page.number(refused.length)}))];
    if (refused.length) {
      parts.push(element("p", "", say("indicators.preview_all")), table([[say("indicators.row"), "n"], [say("indicators.why")]], refused.slice(0, SHOWN).map(({row, words}) => element("tr", "", element("td", "n", String(row)), element("td", "", words)))));
    } else {
      parts.push(element("p", "", say("indicators.changes", {n: page.number(found.changes)})), table(["row:n", "name:", "at:", "before:n", "after:n"].map((head) => head.split(":")).map(([name, kind]) => [say(`indicators.${name}`), kind]), rows.slice(0, SHOWN).map(line)));
    }
    const yes = button(say("indicators.confirm", {n: page.number(rows.length)}), () => put(file, found), "btn p");
    tell(...parts, element("div", "reg-tools", refused.length ? "" : yes, button(say("indicators.cancel"), close)));
  }

  function line(row) {
    return element("tr", "", element("td", "n", String(row.row)), element("td", "", row.name), element("td", "", day(row.at)), element("td", "n", plain(row.before)), element("td", "n", plain(row.value)));
  }

  // As many decimals as the file has: this is what will be recorded.
  const plain = (value) => value === null ? "–" : page.number(value, Math.min(6, (String(value).split(".")[1] ?? "").length));

  async function put(file, found) {
    try {
      const {figures, changed} = await send(file, {seen: found.digest});
      tell(element("b", "", say("indicators.saved", {n: page.number(figures), changed: page.number(changed)})), button(say("indicators.cancel"), close));
      done();
    } catch (error) {
      failed(error);
    }
  }

  const failed = (error) => tell(element("b", "", error.away ? say("register.away") : error.message), button(say("indicators.cancel"), close));

  function tell(...parts) {
    box.hidden = false;
    box.replaceChildren(...parts);
  }

  function close() {
    box.hidden = true;
    box.replaceChildren();
  }

  return {open, input, box, hint: say("indicators.columns")};
}
