// Which thing is looked at: the browser picks, the server draws (a Dash callback), Esc closes.

export function createPanel(parts) {
  let back = null;
  let picks = 0;

  function pick(thing, {property = null, alert = null} = {}) {
    if (parts.panel.hidden) back = document.activeElement;
    parts.panel.hidden = false;
    picks += 1;
    const limit = alert && alert.limit !== undefined ? {property: alert.property, limit: alert.limit, op: alert.op, legal: Boolean(alert.legal_ref)} : null;
    const data = {thing, property: property ?? alert?.property ?? null, limit: limit ?? (property ? last?.limit : null) ?? null, pick: picks};
    last = data;
    dash_clientside.set_props("picked", {data});
  }
  let last = null;

  function close() {
    if (parts.panel.hidden) return;
    parts.panel.hidden = true;
    back?.focus?.();
  }

  parts.panel.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) close();
    const press = event.target.closest("[data-property]");
    if (press && last) pick(last.thing, {property: press.dataset.property});
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
  });
  return {pick, close};
}
