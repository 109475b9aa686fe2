// The four answers as elements. Names come from files of carriers: text only, never markup.

import {element} from "../dom.mjs";

const KINDS = ["tslcd_point", "bts", "camera"];
const MOST = 200; // rows of one list; the count says how many there are

export function createViews(writer, {onCut}) {
  const {say, number} = writer;
  const share = (value) => (value === null ? "–" : `${number(value * 100, 1)}\u00a0%`);

  const figures = (pairs) => element("div", "net-figures", ...pairs.map(([value, name]) => element("div", "", element("b", "", value), element("span", "", name))));
  const list = (rows) => element("ul", "net-list", ...rows);
  const nothing = (name) => element("div", "net-empty", element("b", "", say(`network.${name}`)), say(`network.${name}_why`), ["empty", "no_core"].includes(name) ? element("p", "", Object.assign(element("a", "", say("network.open_layers")), {href: "/layers"})) : null);
  const pressable = (title, detail, act) => {
    const button = element("button", "", element("span", "", title), element("small", "", detail));
    button.type = "button";
    button.addEventListener("click", act);
    return element("li", "", button);
  };
  const counted = (counts) => KINDS.filter((kind) => counts[kind]).map((kind) => `${number(counts[kind])} ${say(`network.kind_${kind}`)}`).join(" · ");

  function sites(rows) {
    const shown = rows.slice(0, MOST).map((row) => element("li", "", element("span", "", row.name), element("small", "", [say(`network.kind_${row.kind}`), row.commune].filter(Boolean).join(" · "))));
    if (rows.length > MOST) shown.push(element("li", "", element("span", "dim", say("network.more", {n: number(rows.length - MOST)}))));
    return list(shown);
  }

  function impact(answer) {
    if (!answer) return [element("p", "net-note", say("network.hint"))];
    if (!answer.segments.length) return [element("h2", "", say("network.cut_nothing"))];
    const title = answer.at ? say("network.cut_place", {m: number(answer.radius), n: answer.segments.length}) : say("network.cut_of", {title: answer.title});
    const parts = [
      element("h2", "", title),
      figures([...KINDS.map((kind) => [number(answer.counts[kind]), say(`network.kind_${kind}`)]), [number(answer.survivors.length), say("network.survivors")]]),
    ];
    if (answer.communes.length) {
      parts.push(element("h3", "", say("network.communes")), list(answer.communes.map((row) =>
        element("li", "", element("span", "", row.name), element("small", "", row.cut_off ? `${say("network.cut_off")} · ${row.lost}/${row.of}` : say("network.partly", row))))));
    }
    parts.push(element("h3", "", `${say("network.lost")} (${number(answer.lost.length)})`), answer.lost.length ? sites(answer.lost) : element("p", "net-note", say("network.nobody")));
    if (answer.survivors.length) parts.push(element("h3", "", `${say("network.survivors")} (${number(answer.survivors.length)})`), sites(answer.survivors));
    return parts;
  }

  function points(answer) {
    if (answer === undefined) return [element("p", "net-note", say("network.loading"))];
    if (!answer) return [nothing("failed")];
    return [
      element("h2", "", say("network.points_title")),
      element("p", "net-note", say("network.points_weight")),
      list(answer.items.map((row) => pressable(
        row.node ? `${row.title} (${say("network.node")})` : row.segments.length > 1 ? `${row.title} · ${say("network.chain", {n: row.segments.length})}` : row.title,
        counted(row.counts), () => onCut(row.node ? row.segments : row.segments.slice(0, 1)),
      ))),
    ];
  }

  function suspects(answer) {
    if (answer === undefined) return [element("p", "net-note", say("network.asking"))];
    if (!answer) return [nothing("failed")];
    const parts = [element("h2", "", say("network.suspects_title"))];
    if (!answer.standing.length) parts.push(element("p", "net-note", say("network.suspects_none")));
    for (const row of answer.standing) {
      const link = row.alert ? Object.assign(element("a", "", say("network.open_alert")), {href: `/alerts?id=${row.alert}`}) : null;
      const detail = [say("network.suspects_points", {n: number(row.points)}), row.doubted ? say("network.doubted") : ""].filter(Boolean).join(" · ");
      parts.push(list([pressable(row.title, detail, () => onCut(row.segments.slice(0, 1)))]), element("p", "net-note", link));
    }
    if (answer.candidates.length) {
      parts.push(element("h3", "", say("network.candidates", {n: number(answer.silent)})), list(answer.candidates.map((row) =>
        pressable(row.title, say("network.candidate", row), () => onCut(row.segments.slice(0, 1))))));
    }
    return parts;
  }

  function table(head, lines) {
    const cells = (tag, values) => element("tr", "", ...values.map((value) => element(tag, "", value)));
    return element("table", "net-table", element("thead", "", cells("th", head)), element("tbody", "", ...lines.map((line) => cells("td", line))));
  }
  const head = (first) => [say(`network.coverage_${first}`), say("network.coverage_hamlets"), say("network.coverage_none"), say("network.coverage_partial"), say("network.coverage_reached"), say("network.coverage_people")];
  const line = (row) => [row.name || say("network.coverage_nowhere"), number(row.hamlets.known), number(row.hamlets.none), number(row.hamlets.partial), share(row.hamlets.reached_share), share(row.people.reached_share)];

  // By distance alone: never beside the figures of what somebody went and saw.
  function suggested(answer) {
    const {grid, suggestions} = answer;
    const km = number(answer.suggestion_reach_km, 1);
    const rows = suggestions.slice(0, MOST).map((row) => element("li", "",
      element("span", "", row.name),
      element("small", "", [row.commune, say(`network.says_${row.says}`), row.mast_km === null ? say("network.mast_none", {km}) : say("network.mast_at", {km: number(row.mast_km, 1)})].filter(Boolean).join(" · "))));
    const worst = answer.communes.filter((row) => row.out_of_reach).sort((a, b) => b.out_of_reach - a.out_of_reach);
    return [
      element("h2", "net-suggested", say("network.suggested_title")),
      element("p", "net-note", say("network.suggested_why", {km})),
      element("p", "net-note", grid.people ? say("network.suggested_people", {n: number(grid.out_of_reach), share: share(grid.out_share), m: number(grid.cell_m)}) : say("network.suggested_nobody")),
      worst.length ? element("details", "", element("summary", "", say("network.suggested_communes", {n: number(worst.length)})), list(worst.map((row) => element("li", "", element("span", "", row.name || say("network.coverage_nowhere")), element("small", "", say("network.people", {n: number(row.out_of_reach)})))))) : null,
      suggestions.length ? element("details", "", element("summary", "", say("network.suggested_hamlets", {n: number(suggestions.length)})), list(rows)) : null,
    ].filter(Boolean);
  }

  function coverage(answer) {
    if (answer === undefined) return [element("p", "net-note", say("network.loading"))];
    if (!answer) return [nothing("failed")];
    const {hamlets, people} = answer.all;
    if (!hamlets.known && !hamlets.unknown) return [element("p", "net-note", say("network.coverage_empty"))];
    return [
      element("h2", "", say("network.coverage_title")),
      figures([
        [`${number(hamlets.none)} · ${share(hamlets.none_share)}`, say("network.coverage_none")],
        [`${number(hamlets.partial)} · ${share(hamlets.partial_share)}`, say("network.coverage_partial")],
        [share(hamlets.reached_share), say("network.coverage_reached")],
        [share(people.reached_share), say("network.coverage_people")],
      ]),
      element("p", "net-note", [
        say("network.coverage_denominators", {known: number(hamlets.known), with_signal: number(hamlets.with_signal)}),
        say("network.coverage_power", {n: number(answer.all.without_power)}),
      ].join(" ")),
      table(head("operator"), answer.operators.map(line)),
      element("h3", "", say("network.coverage_by_commune")),
      table(head("commune"), answer.communes.map(line)),
      ...suggested(answer),
    ];
  }

  return {impact, points, suspects, coverage, nothing: (box, name) => box.replaceChildren(nothing(name))};
}
