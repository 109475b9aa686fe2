// The map on paper: the picture as it stands, its scale, the time of the data and whom it is owed to.

import {element} from "../dom.mjs";

const M_PER_PX = 156_543.03392 / 2; // at zoom 0 on the equator, tiles of 512 px
const NICE = [1, 2, 5];
const BAR_PX = 140;
const PAPER_MM = {width: 267, height: 145}; // A4 lying, less its margins and the lines below

export function createPrint(parts, live, store, writer) {
  const {say} = writer;
  const {map} = live;

  async function print() {
    const picture = element("img");
    picture.alt = say("wall.map");
    picture.src = await shot();
    await picture.decode();
    // In mm, so that the scale is true on paper whatever the window was.
    const width = Math.min(PAPER_MM.width, (PAPER_MM.height * picture.naturalWidth) / picture.naturalHeight);
    picture.style.width = `${width}mm`;
    const section = parts.printed.closest(".printed");
    const now = store.now();
    parts.printed.replaceChildren(
      picture,
      element("div", "bar", ...scale(width)),
      element("p", "", say("map.printed_at", {time: `${writer.time(now)} ${writer.date(now)}`})),
      element("div", "key", ...[...parts.key.children].map((child) => child.cloneNode(true))),
      element("p", "", parts.attribution.textContent),
      parts.approx.hidden ? "" : element("p", "", parts.approx.textContent),
      store.simulated ? element("p", "", element("b", "", say("wall.simulated"))) : "",
    );
    section.hidden = false;
    window.print();
    section.hidden = true;
  }

  // The canvas holds its picture only while it is being drawn.
  function shot() {
    return new Promise((done) => {
      map.once("render", () => done(map.getCanvas().toDataURL("image/png")));
      map.triggerRepaint();
    });
  }

  // `width`: of the picture on paper, mm.
  function scale(width) {
    const metresPerPx = (M_PER_PX * Math.cos((map.getCenter().lat * Math.PI) / 180)) / 2 ** map.getZoom();
    const most = metresPerPx * BAR_PX;
    const power = 10 ** Math.floor(Math.log10(most));
    const nice = power * NICE.filter((one) => one * power <= most).at(-1);
    const bar = element("i");
    const metresPerMm = (metresPerPx * map.getContainer().clientWidth) / width;
    bar.style.width = `${nice / metresPerMm}mm`;
    const long = nice < 1000 ? writer.value(nice, 0, "m") : writer.value(nice / 1000, 0, "km");
    const ratio = Math.round(metresPerMm) * 1000;
    return [bar, element("span", "", `${long} · ${say("map.scale", {ratio: writer.number(ratio)})}`)];
  }
  return {print, scale};
}
