// Two states side by side, A kept and B shown, with the difference between them.

import { el, replace } from "./dom.js";
import { intervalPercent, percent, points, signedPoints } from "./words.js";

/** @import { Answer } from "./types" */

/**
 * @param {object} hands
 * @param {() => void} hands.keep
 * @param {() => void} hands.swap
 * @param {() => void} hands.drop
 */
export function comparison(hands) {
  const body = el("div", { id: "comparison" });
  const keep = el("button", { type: "button", id: "keep-a", onclick: hands.keep }, "Keep this as A");
  const swap = el("button", { type: "button", id: "swap-ab", class: "quiet", onclick: hands.swap }, "Swap A and B");
  const drop = el("button", { type: "button", id: "drop-a", class: "quiet", onclick: hands.drop }, "End comparison");
  const node = el("section", { class: "compare", "aria-labelledby": "compare-label" },
    el("h2", { id: "compare-label" }, "Compare two states"),
    el("p", { class: "fine", id: "compare-help" },
      "Keep what is shown as A, change something, and read the difference. Both are computed on the same draws and the same random numbers, unless one was fitted again."),
    body, el("div", { class: "row" }, keep, swap, drop));

  /**
   * @param {Answer | null} a
   * @param {Answer | null} b
   * @param {string[]} [ofA] what each assumes
   * @param {string[]} [ofB]
   */
  function update(a, b, ofA = [], ofB = []) {
    swap.hidden = drop.hidden = !a;
    replace(keep, a ? "Keep this as A instead" : "Keep this as A");
    if (!a) {
      replace(body);
      return;
    }
    const side = (/** @type {string} */ name, /** @type {Answer | null} */ one, /** @type {string[]} */ assumed) =>
      el("div", { class: "side", "data-side": name },
        el("h3", {}, name),
        one && one.probability !== null && one.status === "ready"
          ? el("p", { class: "side-number" }, percent(one.probability), el("span", { class: "fine block" }, intervalPercent(one.low ?? 0, one.high ?? 1)))
          : el("p", { class: "side-number muted" }, one ? "Withheld" : "…"),
        el("ul", { class: "changes" }, ...(assumed.length ? assumed : ["As in the run"]).map((text) => el("li", {}, text))));
    replace(body, el("div", { class: "sides" }, side("A", a, ofA), side("B", b, ofB)), difference(a, b));
  }

  update(null, null);
  return { node, update };
}

/** @param {Answer} a @param {Answer | null} b */
function difference(a, b) {
  if (!b || a.status !== "ready" || b.status !== "ready" || a.difference === null || b.difference === null) return null;
  if (a.target !== b.target || a.milestone !== b.milestone) {
    return el("p", { class: "fine" }, "A and B answer different questions, so their difference means nothing.");
  }
  // Both differences are from the same run on the same luck; the error of their difference is at most the sum.
  const change = b.difference - a.difference;
  const error = 2 * ((a.difference_mcse ?? 0) + (b.difference_mcse ?? 0));
  return el("p", { class: "paired", "data-paired": String(change) }, el("strong", {}, `B − A: ${signedPoints(change)} points`),
    `, give or take at most ${points(error)}.`);
}
