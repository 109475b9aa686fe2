// Masks without an alert: planned work, and what is masked though nothing is on. Nobody forgets these.

import {element} from "../dom.mjs";

export function createMasks(box, told) {
  const {say, moment} = told;

  function render(masks) {
    box.hidden = masks.length === 0;
    if (box.hidden) return box.replaceChildren();
    const rows = masks.map((one) => element("li", "",
      element("b", "", one.about), ` ${say(`alert.mask.${one.kind}`)}: ${say("alerts.mask_from_to", {from: moment(one.starts), to: moment(one.ends)})}`,
      element("i", "", [one.reason, one.by].filter(Boolean).join(" · "))));
    return box.replaceChildren(element("h2", "", say("alerts.idle_masks", {n: masks.length})), element("ul", "", ...rows));
  }

  return {render};
}
