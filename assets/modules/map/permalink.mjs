// The view as an address: place, what is switched off and on, what is picked. A link shows somebody
// else the same.

export function readPlace(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const [zoom, lat, lon] = (given.get("map") ?? "").split("/").map(Number);
  const isPlace = [zoom, lat, lon].every(Number.isFinite) && Math.abs(lat) <= 85 && Math.abs(lon) <= 180 && zoom >= 0;
  const list = (name) => (given.get(name) ?? "").split(",").filter(Boolean);
  const pick = /^([a-z_]{1,40}):(.{1,200})$/.exec(given.get("pick") ?? "");
  return {place: isPlace ? {zoom, lat, lon} : null, off: list("off"), on: list("on"), pick: pick && {layer: pick[1], key: pick[2]}};
}

export function createPermalink(map, {off, on, picked}) {
  function write() {
    const {lng, lat} = map.getCenter();
    const parts = [`map=${map.getZoom().toFixed(2)}/${lat.toFixed(4)}/${lng.toFixed(4)}`];
    if (off().length) parts.push(`off=${off().join(",")}`);
    if (on().length) parts.push(`on=${on().join(",")}`);
    const own = picked();
    if (own) parts.push(`pick=${own.layer}:${encodeURIComponent(own.id ?? own.code)}`);
    history.replaceState(history.state, "", `#${parts.join("&")}`);
  }
  map.on("moveend", write);
  return {write};
}
