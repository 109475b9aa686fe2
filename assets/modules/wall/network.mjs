// The dedicated network beside its map: what is suspected to be cut, and who has been away longest.

import {element} from "../dom.mjs";
import {SIGNS, svg} from "../marks.mjs";
import {createView, figure, head} from "./data.mjs";

const MOST_CUTS = 3;
const MOST_DOWN = 5;

export function createNetwork(box, {writer, store}) {
  const {say} = writer;

  function draw(found) {
    const kinds = store.counts.kinds;
    const tiles = ["network", "bts"].filter((kind) => kinds[kind]).map((kind) => figure(writer, say(`wallnet.${kind}`), Math.max(kinds[kind].bad, found.totals[kind] ?? 0), kinds[kind].total));
    return [element("div", "vcol",
      tiles.length ? element("div", "kpi top", ...tiles) : element("p", "quiet", say("wallnet.none")),
      head(say("wallnet.cuts")), ...cuts(found),
      head(say("wallnet.longest")), ...down(found),
      ...communes(found))];
  }

  function cuts(found) {
    if (!found.cuts.length) return [element("p", "quiet", say("wallnet.no_cuts"))];
    return found.cuts.slice(0, MOST_CUTS).map((one) => row(SIGNS.warn, one.name, say(one.doubted ? "wallnet.doubted" : "wallnet.points", {n: writer.number(one.points)}), found, one.since));
  }

  function down(found) {
    if (!found.down.length) return [element("p", "quiet", say("wallnet.all_well"))];
    return found.down.slice(0, MOST_DOWN).map((one) => row(SIGNS.silent, one.name, [say(one.silent ? "wallnet.silent" : "wallnet.down"), one.commune].filter(Boolean).join(" · "), found, one.since));
  }

  function row(sign, name, more, found, since) {
    return element("div", "vrow", element("span", "vsign", svg(sign)), element("div", "vname", element("b", "", name), element("span", "", more)), element("div", "vend", writer.age(found.now - since + (Date.now() - found.had))));
  }

  function communes({communes: found}) {
    if (!found.length) return [];
    return [head(say("wallnet.communes")), element("div", "cats", ...found.map((one) => element("span", "", `${one.name} `, element("b", "", writer.number(one.n)))))];
  }

  return createView(box, "/wall-data/network", writer, draw);
}
