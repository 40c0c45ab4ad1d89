// Beliefs: priors by influence, each low, the run's, or high; finer by a slider or quantiles. Reactions, whose chance is a
// slider; and targets that are so many times as likely in a window.

import { dayAfter, el, replace } from "./dom.js";

/** @import { Belief, Hands, PageModel, PagePrior, PriorStop, Statement, Triple } from "./types" */

const FIRST = 4;
const WORDS = ["Low", "The run's", "High"];
/** @type {[string, string][]} */
const QUANTILES = [["q05", "5%"], ["median", "50%"], ["q95", "95%"]];

/** @param {PageModel} model @param {Hands} hands */
export function beliefControls(model, hands) {
  const priors = model.priors.filter((prior) => !prior.reaction), key = priors.filter((prior) => prior.key);
  const first = (key.length ? key : priors).slice(0, FIRST);
  const rest = priors.filter((prior) => !first.includes(prior));
  /** @type {(() => void)[]} */
  const updates = [];
  const make = (/** @type {PagePrior} */ prior) => {
    const control = belief(prior, hands);
    updates.push(control.update);
    return control.node;
  };
  const node = el("div", { class: "beliefs" }, ...first.map(make),
    rest.length > 0 && folded("more", `All other beliefs (${rest.length})`, () => rest.map(make)));
  return { node, update: () => updates.forEach((update) => update()) };
}

/** Named reactions: the chance of an answer, as learned or as stated. @param {PageModel} model @param {Hands} hands */
export function reactionControls(model, hands) {
  const controls = model.priors.filter((prior) => prior.reaction).map((prior) => belief(prior, hands, true));
  const node = el("div", { class: "beliefs reactions" }, ...controls.map((control) => control.node));
  return { node, none: !controls.length, update: () => controls.forEach((control) => control.update()) };
}

/** Beliefs on targets: so many times as likely on each day of a window. @param {PageModel} model @param {Hands} hands */
export function ratioControls(model, hands) {
  const first = dayAfter(model.as_of, 1);
  const last = dayAfter(model.milestones.map(({ date }) => date).sort().at(-1) ?? first, -1);
  const rows = el("div", { class: "cards", id: "ratios" });
  const node = el("div", { class: "ratios" }, rows, el("div", { class: "row" }, el("button", { type: "button", id: "add-ratio", onclick: () =>
    hands.change((state) => state.beliefs.push({ target: state.target, window: [first, last], ratio: 2 })) },
  "Make a target more or less likely for a while")));

  /** @param {Belief} stated @param {number} index */
  function row(stated, index) {
    const on = (/** @type {(belief: Belief, value: string) => void} */ change) => (/** @type {any} */ event) =>
      hands.change((state) => state.beliefs[index] && event.target.value && change(state.beliefs[index], event.target.value));
    const day = (/** @type {0 | 1} */ end) => el("input", { type: "date", value: stated.window[end], min: first, max: last,
      "data-key": `ratio-${end ? "last" : "first"}-${index}`, onchange: on((one, value) => { one.window[end] = value; }) });
    return el("fieldset", { class: "card" }, el("legend", {}, `Belief ${index + 1}`), el("div", { class: "fields" },
      el("label", { class: "whole" }, "What", el("select", { "data-key": `ratio-target-${index}`, onchange: on((one, value) => { one.target = value; }) },
        ...model.targets.map(({ name, label }) => el("option", { value: name, selected: name === stated.target }, label)))),
      el("label", {}, "Times as likely on each day", el("input", { type: "number", min: 0.01, max: 1000, step: "any", value: stated.ratio,
        "data-key": `ratio-${index}`, onchange: on((one, value) => { if (Number(value) > 0) one.ratio = Number(value); }) })),
      el("label", {}, "From", day(0)), el("label", {}, "To", day(1)),
      el("button", { type: "button", class: "quiet", "data-key": `ratio-remove-${index}`, onclick: () =>
        hands.change((state) => state.beliefs.splice(index, 1)) }, "Remove", el("span", { class: "unseen" }, ` belief ${index + 1}`))));
  }
  return { node, update: () => replace(rows, ...hands.state().beliefs.map(row)) };
}

/** A fold whose content, dozens of sliders that few will open, is made when it is wanted.
 * @param {string} kind @param {string | Node} head @param {() => Node[]} content
 */
function folded(kind, head, content) {
  const inside = el("div", {});
  const node = el("details", { class: kind, ontoggle: () => {
    if (node.open && !inside.children.length) inside.append(...content());
  } }, el("summary", {}, head), inside);
  return node;
}

/** @param {PagePrior} prior @param {Hands} hands @param {boolean} [open] whether its slider is seen at once, and no buttons */
function belief(prior, hands, open) {
  const id = `belief-${prior.name.replace(/[^a-z0-9]/gi, "-")}`;
  const places = prior.stops.filter(({ steps }) => [-1, 0, 1].includes(steps)).sort((a, b) => a.quantiles[1] - b.quantiles[1]);
  const presets = el("div", { class: "presets", role: "group", "aria-labelledby": `${id}-label`, "aria-describedby": `${id}-help` },
    ...places.map(({ steps, statement, short }, place) => el("button", {
      type: "button", "data-preset": WORDS[place], "data-statement": steps ? statement : "", "aria-pressed": "false", onclick: () => put(steps ? statement : null),
    }, el("span", { class: "block" }, WORDS[place]), el("strong", {}, short))));
  const reading = el("p", { class: "reading" });
  /** @type {{ nodes: Node[], update: () => void } | null} */
  let fine = null;
  const finer = () => {
    fine = fineControls(prior, id, hands, put);
    return fine.nodes;
  };
  const [slider, ...own] = open ? finer() : [];
  const folds = (/** @type {string} */ head, /** @type {() => Node[]} */ content) =>
    folded("finer", el("span", {}, head, el("span", { class: "unseen" }, `: ${prior.label}`)), content);
  const node = el("section", { class: "belief", "data-belief": prior.name, "aria-labelledby": `${id}-label` },
    el("div", { class: "belief-head" }, el("h3", { id: `${id}-label` }, prior.label), !open && el("span", { class: "fine" }, prior.effect)),
    el("p", { class: "fine help", id: `${id}-help` }, `${prior.help}.`),
    ...(open ? [slider, reading, folds("Your own quantiles", () => own)] : [presets, reading, folds("Finer", finer)]));

  /** @param {Statement | null} statement @param {boolean} [commit] */
  function put(statement, commit) {
    hands.change((state) => {
      if (statement === null) delete state.priors[prior.name];
      else state.priors[prior.name] = statement;
    }, commit);
  }

  function update() {
    const stated = hands.state().priors[prior.name];
    node.classList.toggle("moved", stated !== undefined);
    for (const button of presets.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset["statement"] === (stated ?? "")));
    }
    const { stop, text } = beliefIn(prior, stated);
    replace(reading, el("span", {}, `Stated${stated === undefined ? " by the run" : ""}: ${text}.`),
      stop && el("span", {}, " With the record: ", el("strong", {}, stop.told), "."));
    fine?.update();
  }
  update();
  return { node, update };
}

/** What a stated belief is: the place of the slider, if it has one, its quantiles, and its words.
 * @param {PagePrior} prior @param {Statement | undefined} stated
 */
function beliefIn(prior, stated) {
  const stop = prior.stops.find(({ steps, statement }) => (stated === undefined ? steps === 0 : statement === stated));
  if (stop) return { stop, quantiles: stop.quantiles, text: stop.text };
  const inner = typeof stated === "object" ? Object(stated[prior.scale] ?? stated) : {};
  const own = QUANTILES.map(([name]) => Number(inner[name]));
  if (!own.every(Number.isFinite)) {
    const run = /** @type {PriorStop} */ (prior.stops.find(({ steps }) => steps === 0));
    return { stop, quantiles: run.quantiles, text: typeof stated === "string" ? stated : JSON.stringify(stated) };
  }
  const text = `${own[1]}, 90% between ${own[0]} and ${own[2]} (${prior.unit})`;
  return { stop, quantiles: /** @type {Triple} */ (own), text };
}

/** Slider and quantiles. @param {PagePrior} prior @param {string} id @param {Hands} hands @param {(statement: Statement | null, commit?: boolean) => void} put */
function fineControls(prior, id, hands, put) {
  const slider = el("input", {
    type: "range", min: 0, max: prior.stops.length - 1, step: 1, id, "aria-label": prior.label, "data-prior": prior.name,
    oninput: () => set(false), onchange: () => set(true),
  });
  const inputs = QUANTILES.map(([name, label]) => el("input", {
    type: "text", inputmode: "decimal", id: `${id}-${name}`, autocomplete: "off", "aria-label": `${prior.label}: ${label} quantile`,
    onkeydown: (/** @type {KeyboardEvent} */ event) => event.key === "Enter" && use(),
  }));
  const problem = el("p", { class: "problem", role: "alert" });
  const parts = ["effect", "chance", "share"].includes(prior.scale) ? ", as a fraction (−0.5 is −50%)" : "";

  /** @param {boolean} commit */
  function set(commit) {
    const stop = prior.stops[Number(slider.value)];
    if (stop) put(stop.steps === 0 ? null : stop.statement, commit);
  }

  function use() {
    const [low = NaN, middle = NaN, high = NaN] = inputs.map(({ value }) => Number(value.trim().replace("−", "-").replace(",", ".")));
    if (low < middle && middle < high) put({ [prior.scale]: { q05: low, median: middle, q95: high } });
    else replace(problem, "Give three numbers, each larger than the one before.");
  }

  function update() {
    const stated = hands.state().priors[prior.name];
    const { stop, quantiles, text } = beliefIn(prior, stated);
    const far = prior.stops.map((one) => Math.abs(one.quantiles[1] - quantiles[1]));
    const place = stop ? prior.stops.indexOf(stop) : far.indexOf(Math.min(...far));
    if (document.activeElement !== slider || Number(slider.value) !== place) slider.value = String(place);
    slider.setAttribute("aria-valuetext", text);
    replace(problem);
    if (inputs.some((input) => input === document.activeElement)) return;
    inputs.forEach((input, at) => { input.value = String(Number(quantiles[at]?.toPrecision(2))); });
  }
  update();
  const row = inputs.map((input, at) => el("span", {}, el("span", { class: "fine block", "aria-hidden": "true" }, QUANTILES[at]?.[1]), input));
  return { update, nodes: [slider, el("p", { class: "fine" }, `Your own quantiles: ${prior.unit}${parts}.`),
    el("div", { class: "quantile-row" }, ...row, el("button", { type: "button", onclick: use }, "Use")), problem] };
}
