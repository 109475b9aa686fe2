// The layer of the table as a file: all of it, or what the filter lets through.

import {element} from "../dom.mjs";

const FORMS = ["geojson", "gpkg", "csv", "xlsx"];

// `asked()` gives {layer, codes}: codes are null for the whole layer.
export function createHandover(writer, {asked, tell}) {
  const {say} = writer;
  const box = element("select", "inp");
  box.setAttribute("aria-label", say("map.export"));
  box.dataset.tool = "export";
  box.append(...[["", say("map.export")], ...FORMS.map((form) => [form, say(`map.export_as.${form}`)])].map(([form, words]) => Object.assign(element("option", "", words), {value: form})));
  box.addEventListener("change", async () => {
    const form = box.value;
    box.value = "";
    if (!form) return;
    const {layer, codes} = asked();
    tell(say("map.exporting"));
    tell(await fetched(layer, form, codes));
  });

  async function fetched(layer, form, codes) {
    const address = `/geo/${layer}/export?format=${form}`;
    try {
      const answer = await (codes === null ? fetch(address) : fetch(address, {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({codes})}));
      if (answer.status === 413) return say("map.export_too_large");
      if (!answer.ok) return say("map.export_failed");
      save(await answer.blob(), `${layer}.${form}`);
      return say("map.exported", {name: `${layer}.${form}`});
    } catch {
      return say("map.export_failed");
    }
  }
  return box;
}

function save(blob, name) {
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
