// One station's chart, drawn by the server as SVG: a finger on it scrolls the page as anywhere else.

import {element, fill} from "../dom.mjs";
import {SIGNS, svg} from "../marks.mjs";

export function createChart(parts, dialog, {writer}) {
  let shown = null;

  async function show(row, hours = 24) {
    shown = {row, hours};
    fill(parts["chart-title"], row.place);
    parts["chart-link"].href = `/thing/${row.thing}?property=${encodeURIComponent(row.code)}`;
    dialog.querySelector(`[name=hours][value="${hours}"]`).checked = true;
    fill(parts.chart, element("div", "hold"));
    if (!dialog.open) dialog.showModal();
    const own = shown;
    const drawing = await load(row, hours);
    if (own === shown) parts.chart.replaceChildren(drawing);
  }

  async function load(row, hours) {
    try {
      const limit = row.limit === null || row.limit === undefined ? "" : `&limit=${row.limit}`;
      const answer = await fetch(`/brief/chart?thing=${row.thing}&code=${encodeURIComponent(row.code)}&hours=${hours}${limit}`);
      if (!answer.ok) throw new Error(String(answer.status));
      return document.adoptNode(new DOMParser().parseFromString(await answer.text(), "image/svg+xml").documentElement);
    } catch {
      return element("div", "state", svg(SIGNS.warn), element("b", "", writer.say("brief.failed")), element("p", "", writer.say("brief.chart_away")));
    }
  }

  dialog.addEventListener("change", (event) => {
    if (event.target.name === "hours") show(shown.row, Number(event.target.value));
  });
  return {show};
}
