// Charts need scatter traces only: the basic bundle (1.2 MB) in place of Dash's full one (4.8 MB).
// Dash writes the address of its own bundle into this variable; it keeps ours.
{
  const address = new URL("vendor/plotly-basic.min.js", document.currentScript.src).href;
  Object.defineProperty(window, "_dashPlotlyJSURL", {get: () => address, set: () => {}});
}
