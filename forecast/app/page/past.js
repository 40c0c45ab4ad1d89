// Past acts by influence, each of which can be left out (which needs a new fit).

import { el } from "./dom.js";
import { points, shortDay, signedPoints } from "./words.js";

/** @import { PageModel, PastAct } from "./types" */
/** @import { Hands } from "./beliefs.js" */

const FIRST = 5;

/** @param {PageModel} model @param {Hands} hands */
export function pastActs(model, hands) {
  const boxes = /** @type {Map<string, HTMLInputElement>} */ (new Map());
  const row = (/** @type {PastAct} */ act) => {
    const box = el("input", { type: "checkbox", id: `past-${act.id}`, onchange: () => {
      hands.change((state) => {
        state.without = state.without.filter((one) => one !== act.id);
        if (box.checked) state.without.push(act.id);
      });
    } });
    boxes.set(act.id, box);
    return el("li", {}, box, el("label", { for: `past-${act.id}` },
      el("span", { class: "unseen" }, "Leave out: "),
      el("strong", {}, shortDay(act.date)), ` ${act.text} `,
      el("span", { class: "fine nobreak" }, `${signedPoints(act.effect)} ± ${points(2 * act.error)}`)));
  };
  const first = model.past.slice(0, FIRST);
  const rest = model.past.slice(FIRST);
  const node = el("div", { class: "past" },
    el("p", { class: "fine" },
      "Tick an act to leave it out. The figure is what it adds to the headline. The model then has to be fitted again."),
    model.past.length ? el("ul", {}, ...first.map(row)) : el("p", {}, "The run names no acts of influence."),
    rest.length ? el("details", { class: "more" }, el("summary", {}, `More past acts (${rest.length})`), el("ul", {}, ...rest.map(row))) : null);
  const update = () => {
    const out = new Set(hands.state().without);
    for (const [id, box] of boxes) box.checked = out.has(id);
  };
  update();
  return { node, update };
}
