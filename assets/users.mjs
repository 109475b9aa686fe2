// The page of accounts and tokens.

import {ask} from "./modules/door/api.mjs";
import {boot, button, dialog, openPage, showFailure} from "./modules/door/page.mjs";
import {element} from "./modules/dom.mjs";
import {kindName, personForm, tokenForm} from "./modules/door/forms.mjs";

async function start(root) {
  const page = await openPage(root);
  let shown = new URLSearchParams(location.search).get("tab") === "tokens" ? "tokens" : "people";
  let options = null;

  async function refresh() {
    try {
      options ??= await ask("/user-options");
      if (shown === "people") people((await ask("/users")).items);
      else tokens((await ask("/tokens")).items);
      root.removeAttribute("aria-busy");
    } catch (error) {
      showFailure(page, error, refresh);
    }
  }

  function head() {
    const tab = (name) => {
      const made = button(page.say(`users.${name}`), () => { shown = name; refresh(); });
      made.setAttribute("aria-pressed", String(shown === name));
      return made;
    };
    const add = shown === "people"
      ? button(page.say("users.add"), () => personForm(page, options, null, secret, refresh), "btn p")
      : button(page.say("users.add_token"), () => tokenForm(page, options, secret, refresh), "btn p");
    page.tools.className = "door-tools";
    page.tools.replaceChildren(tab("people"), tab("tokens"), add);
  }

  function table(names, rows) {
    const heads = names.map((name) => Object.assign(element("th", "", page.say(`users.${name}`)), {scope: "col"}));
    return element("div", "door-table", element("table", "", element("thead", "", element("tr", "", ...heads)), element("tbody", "", ...rows)));
  }

  function people(rows) {
    head();
    page.body.replaceChildren(table(["name", "role", "scope", "state", "seen", "actions"], rows.map(person)));
  }

  function person(row) {
    const name = element("td", "", element("b", "", row.display_name), element("small", "", row.username));
    const seen = row.last_seen ? page.moment(row.last_seen) : page.say("users.never");
    return element("tr", row.disabled ? "off" : "", name, element("td", "", page.say(`role.${row.role}`)), element("td", "", scope(row)), element("td", "", ...state(row)), element("td", "n", seen), actions(row));
  }

  function scope(row) {
    const areas = row.areas === null ? page.say("users.whole") : page.say("users.communes", {n: row.areas.length});
    const domains = row.domains === null ? page.say("users.every_domain") : row.domains.map((kind) => kindName(page, kind)).join(", ");
    return `${areas} · ${domains}`;
  }

  function state(row) {
    const locked = row.locked_until && new Date(row.locked_until) > new Date();
    const first = row.disabled ? page.say("users.shut") : locked ? page.say("users.locked", {until: page.moment(row.locked_until)}) : page.say("users.open");
    const more = [row.must_change && "must_change", row.second_factor && !row.signed_on && "second_on", row.signed_on && "sso"].filter(Boolean);
    return [element("span", "", first), ...more.map((name) => element("small", "", page.say(`users.${name}`)))];
  }

  function actions(row) {
    const path = `/users/${encodeURIComponent(row.username)}`;
    const ways = [button(page.say("users.edit"), () => personForm(page, options, row, secret, refresh))];
    if (row.username !== page.actor) {
      const locked = row.disabled || (row.locked_until && new Date(row.locked_until) > new Date());
      ways.push(locked
        ? button(page.say("users.unlock"), () => act(`${path}/unlock`))
        : button(page.say("users.lock"), () => sure(page.say("users.lock_ask", {name: row.display_name}), page.say("users.lock"), () => ask(`${path}/lock`, "POST", {}))));
      if (!row.signed_on) ways.push(button(page.say("users.reset"), () => sure(page.say("users.reset_ask", {name: row.display_name}), page.say("users.reset"), async () => secret(await ask(`${path}/reset`, "POST", {}), "secret_password"))));
    }
    ways.push(button(page.say("users.show_sessions", {n: row.sessions}), () => sessions(row, path)));
    return element("td", "", element("div", "door-actions", ...ways));
  }

  async function act(path, method = "POST") {
    try {
      await ask(path, method, method === "POST" ? {} : undefined);
    } catch (error) {
      dialog(page, error.code === "away" ? page.say("users.away") : error.message, []);
    }
    refresh();
  }

  function sure(question, words, deed) {
    dialog(page, question, [], {words, submit: async () => { await deed(); refresh(); }});
  }

  function secret(made, key) {
    const shownSecret = element("code", "door-secret", made.secret);
    shownSecret.tabIndex = 0;
    dialog(page, page.say("users.secret_title"), [element("p", "", page.say(`users.${key}`, {name: made.name})), shownSecret]);
  }

  async function sessions(row, path) {
    try {
      const {items} = await ask(`${path}/sessions`);
      const lines = items.map((one) => element("li", "", element("span", "", one.address ?? "–", element("small", "", `${page.moment(one.created_at)} → ${page.moment(one.active_at)}`), element("small", "", one.agent.slice(0, 80))), button(page.say("users.end"), async (event) => { await act(`${path}/sessions/${one.number}`, "DELETE"); event.target.closest("li")?.remove(); })));
      const body = lines.length ? [element("ul", "door-list", ...lines), button(page.say("users.end_all"), async (event) => { await act(`${path}/sessions`, "DELETE"); event.target.closest("dialog")?.close(); })] : [element("p", "", page.say("users.no_sessions"))];
      dialog(page, `${row.display_name} · ${page.say("users.sessions")}`, body);
    } catch (error) {
      showFailure(page, error, refresh);
    }
  }

  function tokens(rows) {
    head();
    if (!rows.length) {
      page.body.replaceChildren(element("div", "state", element("b", "", page.say("users.none"))));
      return;
    }
    page.body.replaceChildren(table(["label", "kind", "role", "scope", "expires", "actions"], rows.map(token)));
  }

  function token(row) {
    const over = row.revoked_at ?? (row.expires_at && new Date(row.expires_at) < new Date() ? row.expires_at : null);
    const end = row.revoked_at ? `${page.say("users.revoked")} ${page.moment(row.revoked_at)}` : over ? page.say("users.expired") : row.expires_at ? page.moment(row.expires_at) : page.say("users.no_end");
    const way = over ? "" : button(page.say("users.revoke"), () => sure(page.say("users.revoke_ask", {name: row.label}), page.say("users.revoke"), () => ask(`/tokens/${row.id}`, "DELETE")));
    return element("tr", over ? "off" : "", element("td", "", element("b", "", row.label), element("small", "", row.source ?? "")), element("td", "", page.say(`users.${row.kind}`)), element("td", "", page.say(`role.${row.role}`)), element("td", "", scope(row)), element("td", "n", end), element("td", "", way));
  }

  await refresh();
}

boot("users", start);
