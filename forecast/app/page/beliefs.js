// Beliefs: priors by influence, each low, as the data say, or high; finer by a slider or quantiles.

import { el, replace, svg } from "./dom.js";
import { capital, plainNumber } from "./words.js";

/** @import { Hands, PageModel, PagePrior, Statement, PriorStop, Triple } from "./types" */

const FIRST = 4;

/** @param {PageModel} model @param {Hands} hands */
export function beliefControls(model, hands) {
  const shown = model.priors.filter((one) => one.key);
  const first = (shown.length ? shown : model.priors).slice(0, FIRST);
  const rest = model.priors.filter((one) => !first.includes(one));
  const update = /** @type {(() => void)[]} */ ([]);
  const make = (/** @type {PagePrior} */ one) => {
    const made = belief(one, hands);
    update.push(made.update);
    return made.node;
  };
  const holder = el("div", { class: "beliefs" }, ...first.map(make));
  if (rest.length) holder.append(folded("more", `All other beliefs (${rest.length})`, () => rest.map(make)).node);
  return { node: holder, update: () => update.forEach((one) => one()) };
}

/** A fold whose content, dozens of sliders that few will open, is made when it is wanted.
 * @param {string} kind @param {string | Node} head @param {() => Node[]} content
 */
function folded(kind, head, content) {
  const inside = el("div", {});
  const make = () => {
    if (!inside.children.length) inside.append(...content());
  };
  const node = el("details", { class: kind, ontoggle: () => node.open && make() }, el("summary", {}, head), inside);
  return { node };
}

/** @param {PagePrior} prior @param {Hands} hands */
function belief(prior, hands) {
  const id = `belief-${prior.name.replace(/[^a-z0-9]/gi, "-")}`;
  const presets = el("div", { class: "presets", role: "group", "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-help` },
    ...prior.presets.map((one) => el("button", {
      type: "button", "data-preset": one.word, "data-statement": one.statement ?? "", "aria-pressed": "false", onclick: () => put(one.statement),
    }, el("span", { class: "block" }, capital(one.word)), el("strong", {}, one.value))));
  const said = el("p", { class: "reading" });
  /** @type {{ node: Node[], update: () => void } | null} */
  let fine = null;
  const finer = folded("finer", el("span", {}, "Finer", el("span", { class: "unseen" }, `: ${prior.label}`)), () => {
    fine = fineControls(prior, id, hands, put);
    return fine.node;
  });
  const node = el("section", { class: "belief", "data-belief": prior.name, "aria-labelledby": `${id}-label` },
    el("div", { class: "belief-head" }, el("h3", { id: `${id}-label` }, prior.label), effectNote(prior)),
    el("p", { class: "fine help", id: `${id}-help` }, `${prior.help}.`), presets, said, finer.node);

  /** @param {Statement | null} statement @param {boolean} [commit] */
  function put(statement, commit = true) {
    hands.change((state) => {
      if (statement === null) delete state.priors[prior.name];
      else state.priors[prior.name] = statement;
    }, { commit });
  }

  function update() {
    const stated = hands.state().priors[prior.name];
    const moved = stated !== undefined;
    node.classList.toggle("moved", moved);
    for (const one of presets.querySelectorAll("button")) {
      one.setAttribute("aria-pressed", String((one.dataset["statement"] ?? "") === (stated ?? "")));
    }
    const stop = prior.stops.find((one) => one.statement === stated);
    const beyond = stop && (stop.steps < prior.reliable[0] || stop.steps > prior.reliable[1]);
    replace(said, moved ? `Assumed before the data: ${readingOf(prior, stated)}.` : null,
      beyond ? el("span", { class: "beyond" }, " Needs a new fit.") : null);
    fine?.update();
  }
  update();
  return { node, update };
}

/** Slider, ranges and quantiles. @param {PagePrior} prior @param {string} id @param {Hands} hands @param {(statement: Statement | null, commit?: boolean) => void} put */
function fineControls(prior, id, hands, put) {
  const zero = prior.stops.findIndex((one) => one.steps === 0);
  const slider = el("input", {
    type: "range", min: 0, max: prior.stops.length - 1, step: 1, id, "aria-label": prior.label,
    oninput: () => set(false), onchange: () => set(true),
  });
  slider.dataset["prior"] = prior.name;
  const strip = el("div", {});
  const quantiles = quantileInputs(prior, id, put);

  /** @param {boolean} commit */
  function set(commit) {
    const stop = prior.stops[Number(slider.value)];
    if (stop) put(stop.steps === 0 ? null : stop.statement, commit);
  }

  function update() {
    const stated = hands.state().priors[prior.name];
    const { stop, now } = quantilesOf(prior, stated);
    const place = stated === undefined ? zero : stop ? prior.stops.indexOf(stop) : nearestStop(prior, now);
    if (document.activeElement !== slider || Number(slider.value) !== place) slider.value = String(place);
    slider.setAttribute("aria-valuetext", readingOf(prior, stated));
    replace(strip, ranges(prior, now, stated !== undefined));
    quantiles.update(now);
  }
  update();
  return { node: [slider, strip, ...quantiles.nodes], update };
}

/** @param {PagePrior} prior */
function effectNote(prior) {
  if (prior.effect === null) return el("span", { class: "fine" }, "effect not known without a new fit");
  const size = Math.abs(prior.effect);
  const word = size > 0.3 ? "strong" : size > 0.1 ? "moderate" : size > 0.02 ? "small" : "hardly any";
  return el("span", { class: "fine effect", title: `One spread of the prior multiplies the odds by ${Math.exp(prior.effect).toFixed(2)}` },
    `${word} effect`);
}

/** What a stated belief is: the place of the slider, if it has one, and its quantiles.
 * @param {PagePrior} prior @param {Statement | undefined} stated
 */
function quantilesOf(prior, stated) {
  const stop = prior.stops.find((one) => one.statement === stated);
  const run = prior.stops.find((one) => one.steps === 0);
  return { stop, now: stop?.quantiles ?? ownQuantiles(prior, stated) ?? /** @type {PriorStop} */ (run).quantiles };
}

/** @param {PagePrior} prior @param {Statement | undefined} stated */
export function readingOf(prior, stated) {
  const { stop, now } = quantilesOf(prior, stated);
  if (stop) return stop.text;
  if (stated === undefined) return prior.stops.find((one) => one.steps === 0)?.text ?? "";
  if (typeof stated === "string") return stated;
  const [low, middle, high] = [...now].sort((a, b) => a - b).map(plainNumber);
  return `${middle}, 90% between ${low} and ${high} (${prior.scale.meaning})`;
}

/** @param {PagePrior} prior @param {Triple} now */
function nearestStop(prior, now) {
  const distance = (/** @type {PriorStop} */ one) => Math.abs(one.quantiles[1] - now[1]);
  return prior.stops.reduce((best, one, place) =>
    (distance(one) < distance(/** @type {PriorStop} */ (prior.stops[best])) ? place : best), 0);
}

/** @param {PagePrior} prior @param {Statement | undefined} stated @returns {Triple | null} */
function ownQuantiles(prior, stated) {
  if (typeof stated !== "object" || !stated) return null;
  const inner = /** @type {Record<string, unknown>} */ (stated[prior.scale.name] ?? stated);
  const found = [inner["q05"], inner["median"], inner["q95"]].map(Number);
  return found.every(Number.isFinite) ? /** @type {Triple} */ (found) : null;
}

/** Two ranges on one axis: what is assumed, and what the run found. @param {PagePrior} prior
 * @param {Triple} now @param {boolean} moved
 */
function ranges(prior, now, moved) {
  const { min, max, log } = prior.scale;
  const at = (/** @type {number} */ value) => {
    const inside = Math.min(Math.max(value, min), max);
    const part = log && min > 0 ? Math.log(inside / min) / Math.log(max / min) : (inside - min) / (max - min);
    return 1 + 98 * (Number.isFinite(part) ? part : 0);
  };
  const row = (/** @type {Triple} */ values, /** @type {number} */ y, /** @type {string} */ kind) => {
    const places = values.map(at).sort((a, b) => a - b);
    return svg("g", { class: kind },
      svg("line", { x1: `${places[0]}%`, x2: `${places[2]}%`, y1: y, y2: y }),
      svg("circle", { cx: `${places[1]}%`, cy: y, r: 3 }));
  };
  return el("div", {},
    svg("svg", { class: "ranges", width: "100%", height: 22, "aria-hidden": "true", focusable: "false" },
      row(prior.posterior.quantiles, 16, "found"), row(now, 6, moved ? "now" : "was")),
    el("p", { class: "fine legend" },
      el("span", { class: moved ? "key now" : "key was" }), moved ? "your assumption " : "assumption of the run ",
      el("span", { class: "key found" }), "after the data of the run"));
}

/** @param {PagePrior} prior @param {string} id @param {(value: Statement) => void} put */
function quantileInputs(prior, id, put) {
  /** @type {[string, string][]} */
  const names = [["q05", "5%"], ["median", "50%"], ["q95", "95%"]];
  const inputs = names.map(([name, label]) => el("input", {
    type: "text", inputmode: "decimal", id: `${id}-${name}`, autocomplete: "off", "aria-label": `${prior.label}: ${label} quantile`,
  }));
  const problem = el("p", { class: "problem", role: "alert" });
  const apply = () => {
    const values = inputs.map((one) => Number(one.value.trim().replace("−", "-").replace(",", ".")));
    const [low = NaN, middle = NaN, high = NaN] = values;
    if (!values.every(Number.isFinite) || !(low < middle && middle < high)) {
      replace(problem, "Give three numbers, each larger than the one before.");
      return;
    }
    replace(problem);
    put({ [prior.scale.name]: { q05: low, median: middle, q95: high } });
  };
  const parts = ["effect", "chance", "share"].includes(prior.scale.name) ? ", as a fraction (−0.5 is −50%)" : "";
  for (const one of inputs) one.addEventListener("keydown", (event) => {
    if (event.key === "Enter") apply();
  });
  return {
    nodes: [
      el("p", { class: "fine" }, `Your own quantiles: ${prior.scale.meaning}${parts}.`),
      el("div", { class: "quantile-row" },
        ...inputs.map((one, place) => el("span", {}, el("span", { class: "fine block", "aria-hidden": "true" }, names[place]?.[1] ?? ""), one)),
        el("button", { type: "button", onclick: apply }, "Use")),
      problem],
    update: (/** @type {Triple} */ now) => {
      if (inputs.some((one) => one === document.activeElement)) return;
      const sorted = [...now].sort((a, b) => a - b);
      inputs.forEach((one, place) => {
        one.value = plainNumber(sorted[place] ?? 0).replace("−", "-");
      });
    },
  };
}
