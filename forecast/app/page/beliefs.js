// Beliefs: priors by influence, each a slider; reactions, whose chance is one; and targets that are so many times as likely in
// a window.

import { dayAfter, el, reasonOf, removal, replace, report } from "./dom.js";
import { askJson } from "./state.js";

/** @import { Belief, Hands, PageModel, PagePrior } from "./types" */

const FIRST = 4;

/** @param {PageModel} model @param {Hands} hands */
export function beliefControls(model, hands) {
  // Those that move the headline stand first.
  const priors = model.priors.filter((prior) => !prior.reaction), first = priors.slice(0, FIRST), rest = priors.slice(FIRST);
  /** @type {(() => void)[]} */
  const updates = [];
  const make = (/** @type {PagePrior} */ prior) => {
    const control = belief(prior, hands);
    updates.push(control.update);
    return control.node;
  };
  // Dozens of sliders that few will open are made when they are wanted.
  const inside = el("div", {});
  const more = el("details", { class: "more", ontoggle: () => {
    if (more.open && !inside.children.length) inside.append(...rest.map(make));
  } }, el("summary", {}, `All other beliefs (${rest.length})`), inside);
  const node = el("div", { class: "beliefs" }, ...first.map(make), rest.length > 0 && more);
  return { node, update: () => updates.forEach((update) => update()) };
}

/** Named reactions: the chance of an answer, as learned or as stated. @param {PageModel} model @param {Hands} hands */
export function reactionControls(model, hands) {
  const controls = model.priors.filter((prior) => prior.reaction).map((prior) => belief(prior, hands));
  const node = el("div", { class: "beliefs reactions" }, ...controls.map((control) => control.node));
  return { node, none: !controls.length, update: () => controls.forEach((control) => control.update()) };
}

/** Beliefs on targets: so many times as likely on each day of a window. @param {PageModel} model @param {Hands} hands */
export function ratioControls(model, hands) {
  const first = dayAfter(model.as_of, 1);
  const last = dayAfter(model.milestones.map(({ date }) => date).sort().at(-1) ?? first, -1);
  const rows = el("div", { class: "cards", id: "ratios" });
  // The one belief that takes the forecast of the run to what is held: S to the power of the ratio is 1 less that.
  const held = el("div", { id: "held", "aria-live": "polite" });
  const hold = (/** @type {any} */ event) => {
    const probability = Number(event.target.value) / 100;
    believe(probability);
    const { run, target, milestone } = hands.state();
    replace(held, el("p", { class: "fine" }, "Looking for what it takes …"));
    askJson("reconcile", { run, target, milestone, probability }).then(
      (found) => replace(held, ...report(found.blocks)), (error) => replace(held, el("p", { class: "problem" }, reasonOf(error))));
  };
  const believe = (/** @type {number} */ held) => hands.change((state) => {
    const chances = model.targets.find(({ name }) => name === state.target)?.chances;
    const date = model.milestones.find(({ name }) => name === state.milestone)?.date;
    if (!chances || !date) return;
    const ratio = Math.log1p(-held) / Math.log1p(-(chances.mean[chances.day.indexOf(date)] ?? 0));
    if (!(ratio > 0 && Number.isFinite(ratio))) return;
    state.beliefs = [...state.beliefs.filter(({ target }) => target !== state.target),
      { target: state.target, window: [first, dayAfter(date, -1)], ratio: Number(ratio.toPrecision(6)) }];
  });
  const node = el("div", { class: "ratios" }, rows, el("div", { class: "row" }, el("button", { type: "button", id: "add-ratio", onclick: () =>
    hands.change((state) => state.beliefs.push({ target: state.target, window: [first, last], ratio: 2 })) },
  "Make a target more or less likely for a while"),
  el("label", {}, "Or say what you hold, in %", el("input", { type: "number", min: 0.1, max: 99.9, step: "any", "data-key": "hold", onchange: hold }))), held);

  /** @param {Belief} stated @param {number} index */
  function row(stated, index) {
    const on = (/** @type {(belief: Belief, value: string) => void} */ change) => (/** @type {any} */ event) =>
      hands.change((state) => state.beliefs[index] && event.target.value && change(state.beliefs[index], event.target.value));
    const day = (/** @type {0 | 1} */ end) => el("input", { type: "date", value: stated.window[end], min: first, max: last,
      "data-key": `ratio-${end ? "last" : "first"}-${index}`, onchange: on((belief, value) => { belief.window[end] = value; }) });
    return el("fieldset", { class: "card" }, el("legend", {}, `Belief ${index + 1}`), el("div", { class: "fields" },
      el("label", { class: "whole" }, "What", el("select", { "data-key": `ratio-target-${index}`, onchange: on((belief, value) => { belief.target = value; }) },
        ...model.targets.map(({ name, label }) => el("option", { value: name, selected: name === stated.target }, label)))),
      el("label", {}, "Times as likely on each day", el("input", { type: "number", min: 0.01, max: 1000, step: "any", value: stated.ratio,
        "data-key": `ratio-${index}`, onchange: on((belief, value) => { if (Number(value) > 0) belief.ratio = Number(value); }) })),
      el("label", {}, "From", day(0)), el("label", {}, "To", day(1)),
      removal(`ratio-remove-${index}`, `belief ${index + 1}`, () => hands.change((state) => state.beliefs.splice(index, 1)))));
  }
  return { node, update: () => replace(rows, ...hands.state().beliefs.map(row)) };
}

/** A belief: its slider, what is stated, and what the model then takes it to be. @param {PagePrior} prior @param {Hands} hands */
function belief(prior, hands) {
  const id = `belief-${prior.name.replace(/[^a-z0-9]/gi, "-")}`, { stops } = prior;
  const slider = el("input", { type: "range", min: 0, max: stops.length - 1, step: 1, id, "aria-describedby": `${id}-help`,
    "data-prior": prior.name, "data-key": id, oninput: () => put(false), onchange: () => put(true) });
  const reading = el("p", { class: "reading" });
  const ends = el("div", { class: "slider-ends fine", "aria-hidden": "true" },
    ...[stops[0], stops.find(({ steps }) => steps === 0), stops.at(-1)].map((stop) => el("span", {}, stop?.short)));
  const node = el("section", { class: "belief", "data-belief": prior.name },
    el("h3", {}, el("label", { for: id }, prior.label)),
    el("p", { class: "fine help", id: `${id}-help` }, `${prior.help}.`), slider, ends, reading);

  /** @param {boolean} commit */
  function put(commit) {
    const stop = stops[Number(slider.value)];
    hands.change((state) => {
      if (!stop?.steps) delete state.priors[prior.name];
      else state.priors[prior.name] = stop.statement;
    }, commit);
  }

  function update() {
    const stated = hands.state().priors[prior.name], moved = stated !== undefined;
    const stop = stops.find(({ steps, statement }) => (moved ? statement === stated : steps === 0));
    const text = stop?.text ?? (typeof stated === "string" ? stated : JSON.stringify(stated));
    node.classList.toggle("moved", moved);
    if (stop && stops[Number(slider.value)] !== stop) slider.value = String(stops.indexOf(stop));
    slider.setAttribute("aria-valuetext", text);
    replace(reading, el("span", {}, `Stated${moved ? "" : " by the run"}: ${text}.`),
      stop && el("span", {}, " With the record: ", el("strong", {}, stop.with_record), "."));
  }
  update();
  return { node, update };
}
