// The guides: a search that leaves the parts that hold every word, and a way to print them.

import {element} from "./modules/dom.mjs";
import {boot, button, openPage} from "./modules/register/page.mjs";

const fold = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").replaceAll("đ", "d").replaceAll("Đ", "D").toLowerCase();

async function start(root) {
  const page = await openPage(root);
  const parts = [...root.querySelectorAll(".help-part")].map((node) => ({node, text: fold(node.textContent), link: root.querySelector(`.help-contents a[href="#${node.id}"]`)}));
  const words = Object.assign(element("input", "inp"), {type: "search", placeholder: page.say("help.search_hint"), autocomplete: "off"});
  const label = element("label", "help-search", element("span", "", page.say("help.search")), words);
  page.tools.replaceChildren(label, button(page.say("help.print"), () => print()));
  words.addEventListener("input", () => {
    const wanted = fold(words.value).split(/\s+/).filter(Boolean);
    let left = 0;
    for (const {node, text, link} of parts) {
      node.hidden = !wanted.every((word) => text.includes(word));
      if (link) link.parentElement.hidden = node.hidden;
      left += node.hidden ? 0 : 1;
    }
    for (const head of root.querySelectorAll(".help-guide")) head.hidden = wanted.length > 0;
    root.querySelector("[data-part=none]").hidden = left > 0;
  });
  const show = () => document.getElementById(location.hash.slice(1))?.scrollIntoView();
  addEventListener("hashchange", show);
  show();
}

boot("help", start);
