// What would it take: the single changes that bring a state to a probability, as forecast/app/goals.py.
//
// A belief is moved by weights until the draws can no longer tell. The probability is linear in the chance of
// an act, since acts are drawn apart from the futures: two answers give the line.

import { StateError, distributionOf, distributionText, onHumanScale, quantileOf, shifted } from "./engine_priors.js";
import { meets, planState, share } from "./engine_states.js";
import { BANDS, dayAfter, daysBetween, likelihoodWords, longDay, onScale, percent } from "./words.js";

/** @import { Carried, CarriedPrior } from "./engine_types" */
/** @import { Act, Change, State } from "./types" */
/** @import { Engine, Weighing } from "./static_engine.js" */
/** @import { Plan } from "./engine_states.js" */

const SCANNED = [0, 0.25, 0.5, 0.75, 1, 1.5, 2];
const TOLERANCE = 1e-3;
const NEAR = 1e-9;
const SOON_DAYS = 30;
/** How much the chance of an act is moved to see what it adds: the part of all paths that is played. */
const TRIED_PART = 0.25;

/** @param {ArrayLike<number>} array @param {number} at @returns {number} */
const get = (array, at) => /** @type {number} */ (array[at]);

/** @param {Engine} engine @param {State} state @param {number | string} goal */
export function reachGoal(engine, state, goal) {
  const begun = performance.now();
  const now = engine.answer(state);
  if (!engine.carried) throw new StateError(engine.why);
  // The run's own numbers are told without unpacking the futures, which the search needs.
  engine.ensure();
  if (now.status === "withheld" || now.probability === null) {
    throw new StateError(`what it would take cannot be told from here: ${now.reason ?? ""}`);
  }
  const asked = { ...state, target: now.target, milestone: now.milestone };
  const bound = boundOf(goal, now.probability);
  /** @type {Change[]} */
  const changes = [];
  let text = `It is there already: ${percent(now.probability)} is ${now.words}.`;
  if (bound !== null) {
    changes.push(...beliefs(engine, asked, now.probability, bound), ...acts(engine, asked, now.probability, bound));
    changes.sort((a, b) => Number(b.reaches) - Number(a.reaches));
    const reached = changes.filter((one) => one.reaches).length;
    text = `${reached === 0 ? "No single changes" : reached === 1 ? "1 single change" : `${reached} single changes`} of those tried `
      + `${reached === 1 ? "takes" : "take"} it from ${percent(now.probability)} to ${percent(bound)}.`;
  }
  return { goal: bound ?? now.probability, probability: now.probability, text, changes, milliseconds: Math.round(10 * (performance.now() - begun)) / 10 };
}

/** The probability to reach; null where the goal is met. @param {number | string} goal @param {number} probability */
function boundOf(goal, probability) {
  if (typeof goal === "number") {
    if (!(goal > 0 && goal < 1)) throw new StateError("expected a number between 0 and 1, or a word of ICD 203", "goal");
    return Math.abs(goal - probability) < NEAR ? null : goal;
  }
  const band = BANDS.find(([word]) => word === goal);
  if (!band) throw new StateError("expected a number between 0 and 1, or a word of ICD 203", "goal");
  if (likelihoodWords(probability) === goal) return null;
  return (probability < band[1] / 100 ? band[1] : band[2]) / 100;
}

/** @param {Engine} engine @param {State} state @param {number} probability @param {number} bound @returns {Change[]} */
function beliefs(engine, state, probability, bound) {
  const carried = /** @type {Carried} */ (engine.carried);
  const plan = planState(state, carried, engine.model);
  const chance = chanceByWeights(engine, plan, state);
  /** @type {Change[]} */
  const found = [];
  for (const name of carried.key[state.target] ?? []) {
    const prior = carried.priors.find((one) => one.name === name);
    if (!prior) continue;
    const centre = plan.priors.get(name) ?? distributionOf(prior.now);
    if (shifted(centre, 1) === null) continue;
    /** @param {number} steps */
    const at = (steps) => {
      const moved = shifted(centre, steps) ?? centre;
      return chance(new Map([...plan.priors, [name, moved]]));
    };
    const search = crossing(at, probability, bound);
    if (search.steps !== null) {
      const moved = shifted(centre, search.steps) ?? centre;
      const [before, after] = [centre, moved].map((one) => onScale(onHumanScale(prior, quantileOf(one, 0.5) ?? NaN), prior.scale));
      found.push({
        kind: "prior", name, setting: { priors: { [name]: distributionText(moved) } },
        text: `${prior.label}: ${after} in place of ${before}.`, reaches: true, probability: bound,
      });
    } else {
      const [low, high] = [Math.min(...search.reached), Math.max(...search.reached)];
      const told = search.whole ? "" : " as far as the draws can tell";
      found.push({
        kind: "prior", name, setting: null, text: `${prior.label}: alone it gives ${percent(low)} to ${percent(high)}${told}.`,
        reaches: false, probability: Math.min(Math.max(bound, low), high),
      });
    }
  }
  return found;
}

/**
 * The nearest shift that takes the probability to a bound, scanned outwards while the draws can tell.
 * @param {(steps: number) => number | null} at @param {number} probability @param {number} bound
 */
export function crossing(at, probability, bound) {
  /** @type {number | null} */
  let nearest = null;
  const reached = [probability];
  let whole = true;
  for (const side of [-1, 1]) {
    let inner = 0, low = probability;
    for (const outer of SCANNED.slice(1)) {
      const high = at(side * outer);
      if (high === null) {
        whole = false;
        break;
      }
      reached.push(high);
      if (low < bound !== high < bound && (nearest === null || Math.abs(nearest) >= inner)) {
        let [a, b] = [inner, outer];
        while (b - a > TOLERANCE) {
          const middle = (a + b) / 2;
          const there = at(side * middle);
          if (there !== null && there < bound === low < bound) a = middle;
          else b = middle;
        }
        const steps = (side * (a + b)) / 2;
        if (nearest === null || Math.abs(steps) < Math.abs(nearest)) nearest = steps;
        break;
      }
      [inner, low] = [outer, high];
    }
  }
  return { steps: nearest, reached, whole };
}

/**
 * The probability under any beliefs in the futures of a plan; null where the draws cannot tell.
 * @param {Engine} engine @param {Plan} plan @param {State} state
 */
function chanceByWeights(engine, plan, state) {
  const carried = /** @type {Carried} */ (engine.carried);
  const day = engine.model.milestones.find((one) => one.name === state.milestone)?.day ?? 0;
  const start = engine.draws(carried.targets.indexOf(state.target), engine.weigh(plan.priors), plan);
  const { paths, few } = start;
  const kept = start.kept ? get(start.kept, day) : 1;
  /** Hit and whole weight of the first columns of every so many draws. @param {Int32Array} days @param {number} columns @param {number} every @param {number} wide */
  const sums = (days, columns, every, wide) => {
    const n = days.length / wide;
    const hit = new Float64Array(n), all = new Float64Array(n);
    for (let draw = 0; draw < n; draw++) for (let p = 0; p < columns; p++) {
      const weight = engine.before ? get(engine.before, draw * every * paths + p) : 1;
      all[draw] = get(all, draw) + weight;
      if (get(days, draw * wide + p) < day) hit[draw] = get(hit, draw) + weight;
    }
    return { hit, all };
  };
  const whole = sums(start.days, paths, 1, paths);
  const fresh = start.anew && sums(start.anew.fresh, few, carried.every, few);
  const old = start.anew && sums(start.anew.old, few, carried.every, few);
  /** @param {{ hit: Float64Array, all: Float64Array }} of @param {Float64Array} weights @param {number} every */
  const mean = (of, weights, every) => {
    let [hit, all] = [0, 0];
    of.hit.forEach((one, draw) => {
      hit += one * get(weights, draw * every);
      all += get(of.all, draw) * get(weights, draw * every);
    });
    return hit / all;
  };
  return (/** @type {Plan["priors"]} */ priors) => {
    const { ratio, trusted } = engine.quickly(priors);
    if (!trusted) return null;
    let found = mean(whole, ratio, 1);
    if (fresh && old) found = mean(fresh, ratio, carried.every) + kept * (found - mean(old, ratio, carried.every));
    return start.upon(Math.min(Math.max(found, 0), 1), day);
  };
}

/** @param {Engine} engine @param {State} state @param {number} probability @param {number} bound @returns {Change[]} */
function acts(engine, state, probability, bound) {
  const carried = /** @type {Carried} */ (engine.carried);
  const milestone = engine.model.milestones.find((one) => one.name === state.milestone);
  const rule = carried.rules.find((one) => one.name === state.target);
  if (!milestone || !rule) return [];
  /** @type {Change[]} */
  const found = [];
  /** @param {"act" | "calendar"} kind @param {string} name @param {number} before @param {(chance: number) => Partial<State>} setting */
  const tried = (kind, name, before, setting) => {
    const moved = before < 0.5 ? TRIED_PART : -TRIED_PART;
    const other = engine.answer({ ...state, ...setting(before + moved) }).probability;
    if (other === null) return;
    const slope = (other - probability) / moved;
    const needed = Math.abs(slope) > 1e-6 ? before + (bound - probability) / slope : Infinity;
    const ends = [0, 1].map((end) => Math.min(Math.max(probability + (end - before) * slope, 0), 1)).sort((a, b) => a - b);
    const [low, high] = [get(ends, 0), get(ends, 1)];
    if (needed >= 0 && needed <= 1) {
      const chance = Math.round(needed * 1e4) / 1e4;
      found.push({ kind, name, setting: setting(chance), text: `${name}: ${share(chance)} likely in place of ${share(before)}.`, reaches: true, probability: bound });
    } else {
      const span = percent(low) === percent(high) ? percent(low) : `${percent(low)} to ${percent(high)}`;
      found.push({ kind, name, setting: null, text: `${name}: whether or not it happens, ${span}.`, reaches: false, probability: Math.min(Math.max(bound, low), high) });
    }
  };
  for (const act of carried.calendar) {
    if (act.date >= milestone.date) continue;
    tried("calendar", act.label, state.calendar?.[act.label] ?? act.probability,
      (chance) => ({ calendar: { ...state.calendar, [act.label]: chance } }));
  }
  const events = state.events ?? [];
  events.forEach((event, place) => {
    const name = event.label || `${event.category.replaceAll("_", " ")} (severity ${event.severity})`;
    tried("act", name, event.probability ?? 1,
      (chance) => ({ events: events.map((one, at) => (at === place ? { ...one, probability: chance } : one)) }));
  });
  if (events.length >= engine.model.limits.acts) return found;
  const soon = dayAfter(carried.origin, Math.min(SOON_DAYS, Math.floor(daysBetween(carried.origin, milestone.date) / 2)));
  for (const category of bound > probability ? rule.anyOf : ["visit"]) {
    const severity = bound > probability ? rule.minSeverity : 4;
    /** @type {Act} */
    const act = { date: soon, category, severity, probability: 0 };
    const asAct = { ...act, date: soon, until: null, label: "" };
    if (bound > probability && !meets(asAct, rule)) continue;
    if (events.some((one) => one.date === soon && one.category === category && one.severity === severity && !one.label)) continue;
    tried("act", `one more ${category.replaceAll("_", " ")} (severity ${severity}) on ${longDay(soon)}`, 0,
      (chance) => ({ events: [...events, { ...act, probability: chance }] }));
  }
  return found;
}
