// The headline's number itself: move it to what you hold, and read which least changes would make the run say so.

import { followJob } from "./answer.js";
import { byId, el, replace } from "./dom.js";
import * as source from "./source.js";
import { capital, percent } from "./words.js";

/** @import { Answer, Hands, PageChange, PageReconciled } from "./types" */

const PIXELS_A_POINT = 4;
/** How far a key moves the number, in points. @type {Record<string, number>} */
const KEY_POINTS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -99, End: 99 };

/** @param {Hands} hands @param {() => Answer} shown @param {() => void} back shows the answer again */
export function heldNumber(hands, shown, back) {
  const number = byId("number");
  const field = el("input", { type: "number", min: 1, max: 99, step: 1, id: "held", oninput: () => field.value && put(Number(field.value)),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // else the same key presses Cancel, which gets the focus
      ask();
    } });
  const found = el("div", { id: "reconciled" });
  byId("held-here").append(
    el("p", { class: "row held-row" }, el("label", { for: "held" }, "Your own view? Drag the number, or type:"),
      el("span", { class: "nobreak" }, field, " %"), el("button", { type: "button", id: "reconcile", onclick: () => ask() }, "What must change?")),
    found);
  /** @type {number | null} */
  let held = null;
  let question = "";
  let drag = { from: 0, x: 0, moved: false };
  let job = /** @type {{ cancel: () => void } | null} */ (null);

  for (const [name, value] of Object.entries({ role: "slider", tabindex: "0", "aria-valuemin": "1", "aria-valuemax": "99",
    "aria-label": "Probability: move it to what you hold, then press Enter" })) number.setAttribute(name, value);
  number.addEventListener("keydown", (event) => {
    const points = KEY_POINTS[event.key];
    if (points) put(now() + points);
    else if (event.key === "Enter") ask();
    else if (event.key === "Escape" && held !== null) drop();
    else return;
    event.preventDefault();
  });
  number.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    number.setPointerCapture(event.pointerId);
    drag = { from: now(), x: event.clientX, moved: false };
  });
  number.addEventListener("pointermove", (event) => {
    const points = Math.round((event.clientX - drag.x) / PIXELS_A_POINT);
    if (!number.hasPointerCapture(event.pointerId) || (!points && !drag.moved)) return;
    drag.moved = true;
    put(drag.from + points);
  });
  number.addEventListener("pointerup", () => drag.moved && ask());
  number.addEventListener("pointercancel", drop);

  /** What the number says, in whole percent. */
  function now() {
    return held ?? Math.round(100 * (shown().probability ?? shown().base.probability));
  }

  /** @param {number} points */
  function put(points) {
    if (!Number.isFinite(points)) return;
    job?.cancel();
    held = Math.min(Math.max(Math.round(points), 1), 99);
    number.classList.add("held");
    number.classList.remove("long");
    replace(number, `${held}%`);
    replace(byId("range"), `What you hold. Shown before: ${percent(shown().probability ?? shown().base.probability)}`);
    replace(found);
    mark();
  }

  function mark() {
    number.setAttribute("aria-valuenow", String(now()));
    number.setAttribute("aria-valuetext", number.textContent ?? "");
    if (document.activeElement !== field) field.value = String(now());
  }

  function drop() {
    held = null;
    replace(found);
    back();
  }

  function ask() {
    if (held === null) {
      replace(found, el("p", { class: "fine" }, "Move the number first."));
      return;
    }
    const { run, target, milestone } = hands.state();
    const goal = { run, target, milestone, probability: held / 100 };
    job?.cancel();
    const task = { name: "search", said: "Searching the least changes …", start: () => source.startReconcile(goal) };
    job = followJob(found, task, ({ reconciled }) => reconciled && list(reconciled), () => replace(found));
  }

  /** @param {PageReconciled} told */
  function list({ sentence, changes, reading }) {
    // What is said aloud: the list itself is long.
    replace(byId("done"), changes.length ? `${changes.length} changes are listed below the number.` : "No single change is enough.");
    replace(found, el("p", {}, sentence),
      changes.length ? el("ol", { class: "held-list" }, ...changes.map(item)) : null,
      changes.length ? el("p", { class: "fine" }, `${reading} Apply puts one change in place of all others on this page.`) : null);
  }

  /** @param {PageChange} change */
  function item({ lines, plausibility, probability, setting }) {
    const [whole = "", ...parts] = lines.map(([what, from, to]) => (from ? `${what}: ${from} → ${to}` : what));
    const apply = () => hands.change((state) => {
      Object.assign(state, { priors: {}, events: [], calendar: {}, without: [] }, setting);
    });
    return el("li", {}, el("div", { class: "held-change" },
      el("div", {}, capital(whole),
        parts.length ? el("ul", {}, ...parts.map((one) => el("li", {}, one))) : null,
        el("span", { class: "fine block" }, `Plausible ${plausibility.toFixed(2)}; gives `, el("strong", {}, percent(probability)))),
      el("button", { type: "button", onclick: apply }, "Apply", el("span", { class: "unseen" }, `: ${whole}`))));
  }

  /** After every answer: the number is that of the answer again; a list stays while the question does. */
  function update() {
    const { target, milestone } = hands.state();
    job?.cancel();
    held = null;
    number.classList.remove("held");
    if (question !== `${target} ${milestone}` || found.querySelector("progress")) replace(found);
    question = `${target} ${milestone}`;
    mark();
  }

  return { update };
}
