// Beliefs: priors by influence, moved by a slider, a word, or quantiles.

import { el, replace, svg } from "./dom.js";
import { capital, onScale, plainNumber } from "./words.js";

/** @import { Hands, PageModel, PagePrior, Statement, PriorStop, Triple } from "./types" */

const FIRST = 6;

/** @param {PageModel} model @param {Hands} hands */
export function beliefControls(model, hands) {
  const movable = model.priors.filter((one) => one.stops.length);
  const shown = movable.filter((one) => one.key);
  const first = (shown.length ? shown : movable).slice(0, FIRST);
  const rest = movable.filter((one) => !first.includes(one));
  const update = /** @type {(() => void)[]} */ ([]);
  const make = (/** @type {PagePrior} */ one) => {
    const made = belief(one, hands);
    update.push(made.update);
    return made.node;
  };
  const holder = el("div", { class: "beliefs" }, ...first.map(make));
  if (rest.length) {
    const inside = el("div", {});
    const more = el("details", { class: "more" },
      el("summary", {}, `All other beliefs (${rest.length})`), inside);
    // Dozens of sliders that few will open are made when they are wanted.
    more.addEventListener("toggle", () => {
      if (more.open && !inside.children.length) {
        inside.append(...rest.map(make));
        for (const one of update) one();
      }
    });
    holder.append(more);
  }
  return { node: holder, update: () => update.forEach((one) => one()) };
}

/** @param {PagePrior} prior @param {Hands} hands */
function belief(prior, hands) {
  const id = `belief-${prior.name.replace(/[^a-z0-9]/gi, "-")}`;
  const zero = prior.stops.findIndex((one) => one.steps === 0);
  const slider = el("input", {
    type: "range", min: 0, max: prior.stops.length - 1, step: 1, id, "aria-describedby": `${id}-help`,
    oninput: () => set(false), onchange: () => set(true),
  });
  slider.dataset["prior"] = prior.name;
  const reading = el("p", { class: "reading" });
  const strip = el("div", { class: "strip" });
  const reset = el("button", { type: "button", class: "quiet", onclick: () => put(null) },
    "As in the run", el("span", { class: "unseen" }, `: ${prior.label}`));
  const words = el("div", { class: "words", role: "group", "aria-label": `${prior.label} in words` },
    ...prior.words.map((one) => el("button", {
      type: "button", "data-word": one.word, "aria-pressed": "false", onclick: () => put(one.word),
    }, one.word.replace(/_/g, " "))));
  const quantiles = quantileInputs(prior, id, (/** @type {Statement} */ value) => put(value));
  const node = el("section", { class: "belief", "aria-labelledby": `${id}-label` },
    el("div", { class: "belief-head" },
      el("h3", {}, el("label", { for: id, id: `${id}-label` }, prior.label)),
      effectNote(prior)),
    el("p", { class: "fine help", id: `${id}-help` }, prior.help),
    slider, reading, strip,
    el("div", { class: "belief-foot" }, prior.words.length ? words : null, reset),
    quantiles.node);

  /** @param {boolean} commit */
  function set(commit) {
    const stop = prior.stops[Number(slider.value)];
    if (!stop) return;
    hands.change((state) => {
      if (stop.steps === 0) delete state.priors[prior.name];
      else state.priors[prior.name] = stop.statement;
    }, { commit });
  }

  /** @param {Statement | null} statement */
  function put(statement) {
    hands.change((state) => {
      if (statement === null) delete state.priors[prior.name];
      else state.priors[prior.name] = statement;
    });
  }

  function update() {
    const stated = hands.state().priors[prior.name];
    const { stop, now } = quantilesOf(prior, stated);
    const place = stated === undefined ? zero : stop ? prior.stops.indexOf(stop) : nearestStop(prior, now);
    if (document.activeElement !== slider || Number(slider.value) !== place) slider.value = String(place);
    const said = readingOf(prior, stated, stop, now);
    slider.setAttribute("aria-valuetext", said);
    const moved = stated !== undefined;
    node.classList.toggle("moved", moved);
    reset.disabled = !moved;
    for (const one of words.querySelectorAll("button")) {
      one.setAttribute("aria-pressed", String(one.dataset.word === stated));
    }
    const beyond = stop && (stop.steps < prior.reliable[0] || stop.steps > prior.reliable[1]);
    replace(reading, capital(said), beyond ? el("span", { class: "beyond" }, " Needs a new fit.") : null);
    replace(strip, ranges(prior, now, moved));
    quantiles.update(now);
  }
  update();
  return { node, update };
}

/** @param {PagePrior} prior */
function effectNote(prior) {
  if (prior.effect === null) return el("span", { class: "fine" }, "effect not known without a new fit");
  const size = Math.abs(prior.effect);
  const word = size > 0.3 ? "strong" : size > 0.1 ? "moderate" : size > 0.02 ? "small" : "hardly any";
  return el("span", { class: "fine effect", title: `One step multiplies the odds by ${Math.exp(prior.effect).toFixed(2)}` },
    `${word} effect`);
}

/** What a stated belief is: the place of the slider, if it has one, and its quantiles.
 * @param {PagePrior} prior @param {Statement | undefined} stated
 */
export function quantilesOf(prior, stated) {
  const stop = prior.stops.find((one) => one.statement === stated);
  const word = prior.words.find((one) => one.word === stated);
  return { stop, now: stop?.quantiles ?? word?.quantiles ?? ownQuantiles(prior, stated) ?? prior.prior.quantiles };
}

/** @param {PagePrior} prior @param {Statement | undefined} stated @param {PriorStop | undefined} stop @param {Triple} now */
export function readingOf(prior, stated, stop, now) {
  if (stop?.text) return stop.text;
  if (stated === undefined) return prior.stops.find((one) => one.steps === 0)?.text ?? prior.prior.text;
  const [low, middle, high] = [...now].sort((a, b) => a - b);
  const show = (/** @type {number | undefined} */ value) => onScale(value ?? 0, prior.scale.name);
  return `${show(middle)} (90% between ${show(low)} and ${show(high)})`;
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

/** Three ranges on one axis: run's prior, this prior, what the run found. @param {PagePrior} prior
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
  const show = (/** @type {Triple} */ one) => {
    const sorted = [...one].sort((a, b) => a - b);
    return `${onScale(sorted[0] ?? 0, prior.scale.name)} to ${onScale(sorted[2] ?? 0, prior.scale.name)}`;
  };
  return el("div", {},
    svg("svg", { class: "ranges", width: "100%", height: 22, "aria-hidden": "true", focusable: "false" },
      row(prior.posterior.quantiles, 16, "found"),
      row(moved ? now : prior.prior.quantiles, 6, moved ? "now" : "was")),
    el("p", { class: "fine legend" },
      el("span", { class: moved ? "key now" : "key was" }), moved ? "your belief " : "belief of the run ",
      el("span", { class: "key found" }), `after the data: ${show(prior.posterior.quantiles)}`));
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
  const node = el("details", { class: "quantiles" },
    el("summary", {}, "Quantiles", el("span", { class: "unseen" }, ` of ${prior.label}`)),
    el("p", { class: "fine" }, `In ${prior.scale.meaning}${prior.scale.name === "effect" || prior.scale.name === "chance" || prior.scale.name === "share" ? ", as a part of one (−0.5 is −50%)" : ""}.`),
    el("div", { class: "quantile-row" },
      ...inputs.map((one, place) => el("span", {}, el("span", { class: "fine block", "aria-hidden": "true" }, names[place]?.[1] ?? ""), one)),
      el("button", { type: "button", onclick: apply }, "Use")),
    problem);
  for (const one of inputs) one.addEventListener("keydown", (event) => {
    if (event.key === "Enter") apply();
  });
  return {
    node,
    update: (/** @type {Triple} */ now) => {
      if (node.contains(document.activeElement)) return;
      const sorted = [...now].sort((a, b) => a - b);
      inputs.forEach((one, place) => {
        one.value = plainNumber(sorted[place] ?? 0).replace("−", "-");
      });
    },
  };
}
