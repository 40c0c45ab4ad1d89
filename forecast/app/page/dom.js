// Elements without a framework, days, and figures that need no server. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const DAY_MS = 86_400_000;
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

/** @import { PageBlock, PageCell } from "./types" */

/**
 * @typedef {string | number | boolean | null | undefined | ((event: any) => void)} Value
 * @typedef {Node | string | null | undefined | false} Child
 */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Record<string, Value>} [attributes] on… are listeners; false and null leave the attribute away
 * @param {...Child} children @returns {HTMLElementTagNameMap[K]}
 */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** @param {string} tag @param {Record<string, Value>} [attributes] @param {...Child} children @returns {SVGElement} */
export function svg(tag, attributes = {}, ...children) {
  return fill(/** @type {SVGElement} */ (document.createElementNS(SVG, tag)), attributes, children);
}

/** @template {Element} T @param {T} node @param {Record<string, Value>} attributes @param {Child[]} children @returns {T} */
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, String(value));
  }
  for (const child of children) if (child) node.append(child);
  return node;
}

/** @param {string} id */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`no element ${id}`);
  return node;
}

/** The button that takes an act or a belief away. @param {string} key @param {string} what @param {() => void} onclick */
export const removal = (key, what, onclick) =>
  el("button", { type: "button", class: "quiet", "data-key": key, onclick }, "Remove", el("span", { class: "unseen" }, ` ${what}`));

/** Place a node on the scale of a chance. @template {HTMLElement} T @param {T} node @param {number} from @param {number} [to] @returns {T} */
export function onScale(node, from, to = from) {
  node.style.setProperty("--at", `${100 * Math.min(from, to)}%`);
  node.style.setProperty("--wide", `${100 * Math.abs(to - from)}%`);
  return node;
}

/** Blocks of the report. @param {PageBlock[]} blocks @returns {Child[]} */
export function report(blocks) {
  const cell = (/** @type {PageCell} */ { text, note, span }, /** @type {number} */ place) =>
    el(place ? "td" : "th", place ? { class: span ? "on-scale" : "right" } : { scope: "row" },
      span && el("div", { class: "line" }, onScale(el("i"), span[0], span[1])), text, note && el("span", { class: "fine" }, ` ${note}`));
  return blocks.flatMap(({ heading, text, heads, rows }) => [heading && el("h3", {}, heading), text && el("p", {}, text),
    rows.length > 0 && el("table", {},
      el("thead", {}, el("tr", {}, ...heads.map((head, place) => el("th", { scope: "col", class: place ? "right" : null }, head)))),
      el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell)))))]);
}

/** Put new children in place of the old ones; the focus stays on what has the same data-key. @param {Element} node @param {...Child} children */
export function replace(node, ...children) {
  const focused = document.activeElement;
  const key = focused instanceof HTMLElement && node.contains(focused) ? focused.dataset.key : undefined;
  node.replaceChildren(...children.filter((child) => child !== null && child !== undefined && child !== false));
  if (key) focusKey(node, key);
}

/** @param {Element} node @param {string} key */
export function focusKey(node, key) {
  const holder = node.querySelector(`[data-key="${CSS.escape(key)}"]`);
  if (holder instanceof HTMLElement) holder.focus({ preventScroll: true });
}

/** @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** @param {unknown} error */
export const reasonOf = (error) => (error instanceof Error ? error.message : String(error));

/** State something of an act or a belief, or leave it away. @template {object} T @param {T} thing @param {keyof T} key @param {any} value */
export function put(thing, key, value) {
  if (value) thing[key] = value;
  else delete thing[key];
}

/** @param {string} iso @param {number} [letters] of the month */
export function longDay(iso, letters) {
  const [year, month = 1, day] = iso.split("-").map(Number);
  return `${day} ${(MONTHS[month - 1] ?? "").slice(0, letters)} ${year}`;
}

/** @param {string} iso */
export const shortDay = (iso) => longDay(iso, 3);

/** @param {string} iso */
export const monthOf = (iso) => shortDay(iso).replace(/^\d+ /, "");

/** @param {string} from @param {string} to */
export const daysBetween = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS);

/** @param {string} iso @param {number} days */
export const dayAfter = (iso, days) => new Date(Date.parse(iso) + days * DAY_MS).toISOString().slice(0, 10);

/** Months between the named ticks of an axis of so many days. @param {number} days @param {number} most */
export const monthStep = (days, most) => [1, 2, 3, 6, 12, 24].find((months) => days / 30.44 / months <= most) ?? 60;

/** Whether a month begins a step, counted from January. @param {string} iso @param {number} step */
export const beginsStep = (iso, step) => (12 * Number(iso.slice(0, 4)) + Number(iso.slice(5, 7)) - 1) % step === 0;

/** First days of the months after a day, up to another. @param {string} first @param {string} last */
export function monthsBetween(first, last) {
  const days = [];
  for (let day = first; ;) {
    day = `${dayAfter(`${day.slice(0, 7)}-01`, 31).slice(0, 7)}-01`;
    if (day > last) return days;
    days.push(day);
  }
}

/** Chance of an act in percent. @param {number} chance */
export const chanceText = (chance) => `${Number((100 * chance).toPrecision(3))}%`;
