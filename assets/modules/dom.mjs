// Elements from values: text is always a text node, so a name from a sensor stays a name.

export function element(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
}

// Puts `children` into `parent` only when they read otherwise than what stands there: focus stays.
export function fill(parent, ...children) {
  const next = element("div", "", ...children);
  if (parent.innerHTML !== next.innerHTML) parent.replaceChildren(...next.childNodes);
}
