// The menus of the top bar: one open at a time, shut by Escape, by a click elsewhere, by leaving it.

const open = () => document.querySelectorAll(".top nav details[open]");

document.addEventListener("toggle", (event) => {
  if (!event.target.open || !event.target.matches(".top nav details")) return;
  for (const other of open()) if (other !== event.target) other.open = false;
}, true);

document.addEventListener("pointerdown", (event) => {
  for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest?.(".top nav details[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of open()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
