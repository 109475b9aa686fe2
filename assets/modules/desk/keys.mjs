// The keyboard: single letters only where nobody types, so that no word acknowledges anything.

const PAGE = 10; // rows

export function createKeys(root, {list, detail, filters, actions, toolbar, mayAct, bulk, silence, close}) {
  const keys = {
    ArrowDown: () => list.step(1),
    j: () => list.step(1),
    ArrowUp: () => list.step(-1),
    k: () => list.step(-1),
    PageDown: () => list.step(PAGE),
    PageUp: () => list.step(-PAGE),
    Home: () => list.step(-Infinity),
    End: () => list.step(Infinity),
    "/": () => filters.focus(),
    "?": () => toolbar.help(),
    Enter: () => { root.classList.add("opened"); root.querySelector(".dh h2")?.focus(); },
    ...(mayAct && {
      a: () => list.current && actions.acknowledge([list.current]),
      A: bulk,
      x: () => list.current && list.toggle(list.current.id),
      " ": () => list.current && list.toggle(list.current.id),
      s: silence,
    }),
    ...actions.keys,
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector("dialog[open]")) return;
    const {target} = event;
    if (event.key === "Escape") return leave(target);
    if (target.closest("input:not([type=checkbox]), select, textarea") || (target !== document.body && !root.contains(target))) return;
    // A button takes Enter and space itself; in the detail the arrows scroll.
    if (["Enter", " "].includes(event.key) && target.closest("button, a, summary")) return;
    if (event.key.length > 1 && event.key !== "Enter" && target.closest("[data-part=detail]")) return;
    const deed = keys[event.key] ?? keys[event.shiftKey ? event.key : event.key.toLowerCase()];
    if (!deed) return;
    event.preventDefault();
    // A key held down moves; it never does a deed twice.
    if (event.repeat && event.key.length === 1 && !"jk".includes(event.key)) return;
    deed();
  });

  function leave(target) {
    if (actions.close()) return;
    if (target.closest("[data-part=detail]") || target.closest("[data-part=filters]")) list.focus();
    close();
  }
}
