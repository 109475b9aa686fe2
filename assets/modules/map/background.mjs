// The customer's own map below ours: tiles of our origin, drawn without hue.

const AREA = /earth|land|water|park|forest|building/i;

// Draws it where there is one; returns whom it is owed to, or null.
export async function drawBackground(map, style) {
  const answer = await fetch("/background.json").catch(() => null);
  const told = answer?.ok ? await answer.json() : null;
  if (!told) return null;
  const above = map.getStyle().layers[1]?.id; // over the ground, below everything of ours
  const tiles = [location.origin + told.tiles];
  const zooms = {minzoom: told.minzoom, maxzoom: told.maxzoom};
  if (told.kind === "raster") {
    map.addSource("background", {type: "raster", tiles, tileSize: 256, ...zooms});
    map.addLayer({id: "background", type: "raster", source: "background", paint: {"raster-saturation": -1, "raster-brightness-max": 0.45}}, above);
  } else {
    map.addSource("background", {type: "vector", tiles, ...zooms});
    for (const name of told.layers) {
      const from = {source: "background", "source-layer": name};
      map.addLayer({id: `background-${name}-area`, type: "fill", ...from, filter: ["==", ["geometry-type"], "Polygon"], paint: {"fill-color": style("--map-commune"), "fill-opacity": AREA.test(name) ? 0.25 : 0.12}}, above);
      map.addLayer({id: `background-${name}-line`, type: "line", ...from, filter: ["==", ["geometry-type"], "LineString"], paint: {"line-color": style("--map-commune"), "line-width": ["interpolate", ["linear"], ["zoom"], 8, 0.6, 14, 2]}}, above);
    }
  }
  // Ours would cover it: the province's ground lets it through.
  for (const id of ["province", "neighbours"]) if (map.getLayer(id)) map.setPaintProperty(id, "fill-opacity", 0.35);
  return told.attribution || null;
}
