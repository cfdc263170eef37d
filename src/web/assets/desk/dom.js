// Elements from code. Whatever comes from outside becomes a text node or an attribute's value,
// never markup; no address and no handler is ever made from it.

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "path", "line", "circle", "rect", "text", "title", "polyline", "g"]);

/** `h("p", {class: "quiet"}, "text", child)`; a prop `onclick` is a listener. */
export function h(tag, props = {}, ...children) {
  const element = DRAWN.has(tag)
    ? document.createElementNS(SVG, tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  put(element, children);
  return element;
}

function put(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Shows `children` in `place` if `key` differs from what was shown there last: what has not
    changed keeps its focus, its selection and its place on the screen. */
export function show(place, key, make) {
  const text = JSON.stringify(key);
  if (place.dataset.shown === text) return false;
  place.dataset.shown = text;
  const children = make();
  const focused = place.contains(document.activeElement) ? markOf(document.activeElement) : null;
  place.replaceChildren();
  put(place, [children]);
  // The same button, drawn anew, has the focus again; where it is gone, its place has it.
  if (focused !== null) (place.querySelector(focused || ":not(*)") ?? place).focus({ preventScroll: true });
  return true;
}

function markOf(element) {
  if (element.id) return `#${CSS.escape(element.id)}`;
  const name = ["data-act", "data-copy", "aria-keyshortcuts"].find((one) => element.hasAttribute(one));
  return name ? `[${name}="${CSS.escape(element.getAttribute(name))}"]` : element.localName === "summary" ? "summary" : "";
}

/** A button with its key beside it. */
export function button(text, key, props = {}) {
  const hint = key ? h("kbd", { "aria-hidden": "true" }, key) : null;
  return h("button", { type: "button", "aria-keyshortcuts": key, ...props }, h("span", {}, text), hint);
}

/** `0:41`, `12:07`, `1:02:03`. */
export function span(ms) {
  const all = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const two = (n) => String(n).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** `order_number` → `order number`. */
export const words = (name) => name.replaceAll("_", " ");

// The server's clock, as far as messages tell.
let ahead = 0;
export const setClock = (unixMs) => { ahead = unixMs - Date.now(); };
export const now = () => Date.now() + ahead;

/** A clock that counts up from `since`, or down to `until`; ticked by `tickAll`. */
export function clock({ since, until }, props = {}) {
  const element = h("span", { class: "clock", ...props });
  if (since) element.dataset.since = since;
  if (until) element.dataset.until = until;
  tick(element);
  return element;
}

function tick(element) {
  const { since, until } = element.dataset;
  const text = since ? span(now() - Number(since)) : span(Number(until) - now() + 999);
  if (element.textContent !== text) element.textContent = text;
  if (until) element.classList.toggle("soon", Number(until) - now() < 10_000);
}

export const tickAll = () => document.querySelectorAll("[data-since],[data-until]").forEach(tick);
