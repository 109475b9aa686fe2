// One file at a time, by the button or dropped: sent as it is, with its progress.

import {element} from "../dom.mjs";

export function createDrop(box, writer, {onJob}) {
  const {say} = writer;
  const input = element("input");
  input.type = "file";
  input.accept = ".gpkg,.zip,.shp,.geojson,.json,.kml,.kmz,.csv,.xlsx,.dxf,.tab,.mif,.fgb,.parquet,.gpx";
  input.setAttribute("aria-label", say("layers.page.choose_file"));
  const label = element("label", "btn p", say("layers.page.choose_file"), input);
  const hint = element("span", "dim", say("layers.page.formats"));
  const bar = element("progress");
  bar.max = 1;
  bar.hidden = true;
  const stop = button(say("layers.page.stop_upload"));
  stop.hidden = true;
  const told = element("p", "told");
  told.setAttribute("role", "alert");
  box.replaceChildren(label, hint, bar, stop, told);
  let running = null;

  function send(file) {
    if (!file || running) return;
    told.textContent = "";
    const request = running = new XMLHttpRequest();
    request.open("POST", `/desk/layers/uploads?name=${encodeURIComponent(file.name.slice(-400))}`);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      bar.value = event.total ? event.loaded / event.total : 0;
      hint.textContent = say("layers.page.sending", {name: file.name, share: Math.round(bar.value * 100)});
    });
    request.addEventListener("load", () => {
      if (request.status === 401) return location.reload();
      if (request.status === 201) return end("", request.response.job);
      end(request.response?.detail ?? say("layers.page.not_sent"));
    });
    request.addEventListener("error", () => end(say("layers.page.not_sent")));
    request.addEventListener("abort", () => end(say("layers.page.upload_stopped")));
    bar.hidden = stop.hidden = false;
    bar.value = 0;
    request.send(file);
  }

  function end(text, job = null) {
    running = null;
    bar.hidden = stop.hidden = true;
    input.value = "";
    hint.textContent = say("layers.page.formats");
    told.textContent = text;
    if (job) onJob(job);
  }

  input.addEventListener("change", () => send(input.files[0]));
  stop.addEventListener("click", () => running?.abort());
  box.addEventListener("dragover", (event) => { event.preventDefault(); box.classList.add("over"); });
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    send(event.dataTransfer.files[0]);
  });
  return {send};
}

export function button(text, className = "btn") {
  const node = element("button", className, text);
  node.type = "button";
  return node;
}
