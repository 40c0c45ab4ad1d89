// Answers of the page in one file, from the draws that it carries: the sums of forecast/scenarios.
//
// The page shows the numbers of the whole run; what a state changes is worked out on the carried draws and
// put upon them. Where these cannot stand for a state the answer is withheld, with the command that gets it.

import { StateError, distributionOf, logDensity } from "./engine_priors.js";
import { Futures } from "./engine_paths.js";
import { reachGoal } from "./engine_goals.js";
import { chanceOfOtherActs, meets, planState, shareBefore, stateCommand, stateYaml } from "./engine_states.js";
import { StateDraws } from "./engine_draws.js";
import { effectiveDraws, hitShare, importanceWeights, normalised } from "./engine_weights.js";
import { likelihoodWords, percent } from "./words.js";

/** @import { Carried, CarriedPlain, Distribution, Payload, Place, Unpacked } from "./engine_types" */
/** @import { Answer, AnswerMilestone, PageModel, State } from "./types" */
/** @import { Plan } from "./engine_states.js" */

/** @param {ArrayLike<number>} array @param {number} at @returns {number} */
const get = (array, at) => /** @type {number} */ (array[at]);

/** Draws whose futures are played in one go while the page waits, and how long after it opens. */
const WORKED_DRAWS = 20;
const WORK_AFTER_MS = 100;
const KEPT_FUTURES = 40;
/** Far above what carried probabilities are rounded by, and far below any change. */
const ROUNDED = 1e-7;

/**
 * What the weights of a state's beliefs are worth, and the weights of all carried paths.
 * @typedef {{ weights: Float64Array, joint: Float64Array | null, ofDraws: Float64Array, even: boolean,
 *   k: number | null, effective: number | null }} Weighing
 */

/** Read a payload, and answer from it. @param {Payload} payload */
export async function createEngine(payload) {
  const { unpacked, arrays } = await unpack(payload.packed);
  const engine = new Engine(unpacked.model, unpacked.folder, unpacked.why, unpacked.run && assembled(unpacked.run, arrays));
  // In small parts, so that the page shows and answers to hands meanwhile.
  const work = () => {
    if (engine.futures && engine.futures.done < engine.futures.draws) {
      engine.futures.work(WORKED_DRAWS);
      setTimeout(work);
    }
  };
  setTimeout(work, WORK_AFTER_MS);
  return engine;
}

/** @param {string} packed base64 of gzip: length of the JSON, JSON, arrays */
async function unpack(packed) {
  const zipped = Uint8Array.from(atob(packed), (one) => one.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const unpacked = /** @type {Unpacked} */ (JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length))));
  const kinds = { uint16: Uint16Array, uint32: Uint32Array, int16: Int16Array, float64: Float64Array, int64: BigInt64Array };
  /** @param {string} name */
  const arrays = (name) => {
    const place = unpacked.arrays[name];
    if (!place) return null;
    const size = place.shape.reduce((product, one) => product * one, 1);
    return { array: /** @type {any} */ (new kinds[place.type](buffer, 8 + length + place.at, size)), place };
  };
  return { unpacked, arrays };
}

/** @param {CarriedPlain} run @param {(name: string) => { array: any, place: Place } | null} arrays @returns {Carried} */
function assembled(run, arrays) {
  /** @param {string} name */
  const one = (name) => arrays(name)?.array ?? null;
  const shape = arrays("firstDay")?.place.shape ?? [0, 0, 0];
  const draws = shape[1] ?? 0;
  const inRun = /** @type {Uint32Array} */ (one("draws"));
  const played = Uint32Array.from({ length: Math.ceil(draws / run.every) }, (_, place) => place * run.every);
  return {
    ...run,
    draws,
    pathsPerDraw: shape[2] ?? 0,
    played,
    playedInRun: played.map((place) => get(inRun, place)),
    parameters: one("parameters"),
    parameterEnds: one("parameterEnds"),
    firstDay: one("firstDay"),
    pathWeights: one("pathWeights"),
    pathWeight: one("pathWeight"),
    dispersion: one("dispersion"),
    curve: one("curve"),
    felt: one("felt"),
    severePast: one("severePast"),
    tension: one("tension"),
    tensionNormals: one("tensionNormals"),
    drift: one("drift"),
    driftNormals: one("driftNormals"),
  };
}

export class Engine {
  /** @param {PageModel} model @param {string} folder @param {string} why @param {Carried | null} carried */
  constructor(model, folder, why, carried) {
    this.model = model;
    this.folder = folder;
    this.why = why;
    this.carried = carried;
    /** @type {Map<number, Float64Array>} */
    this.columns = new Map();
    /** @type {Map<string, Int32Array>} */
    this.known = new Map();
    if (!carried) return;
    const byName = new Map(carried.priors.map((one) => [one.name, one]));
    this.futures = new Futures(carried, (name, draw) => {
      const prior = byName.get(name);
      return prior ? get(this.column(prior.column), draw) : NaN;
    });
    const { draws, pathsPerDraw: paths } = carried;
    this.before = carried.pathWeights && carried.pathWeight
      ? normalised(Float64Array.from(carried.pathWeight, (place) => get(/** @type {Float64Array} */ (carried.pathWeights), place)))
      : null;
    this.beforeOfDraws = this.before && rowSums(this.before, paths);
    const equal = new Float64Array(draws).fill(1 / draws);
    this.equal = equal;
    /** @type {Int32Array[]} */
    this.days = [];
    /** @type {Float64Array[]} */
    this.shares = [];
  }

  /** Have all futures of the run ready. */
  ensure() {
    const { carried, futures, equal } = this;
    if (!carried || !futures || !equal || this.days.length) return;
    futures.work(Infinity);
    const { draws, pathsPerDraw: paths, every } = carried;
    // The played futures stand in the place of the run's, so that an unchanged future is exactly the same.
    /** @type {Int32Array[]} by target, shape (draw, path) */
    this.days = carried.targets.map((name, target) => {
      const days = Int32Array.from(carried.firstDay.subarray(target * draws * paths, (target + 1) * draws * paths));
      const old = this.oldDays(name);
      const few = carried.simulation.paths;
      for (let t = 0; t * few < old.length; t++) {
        for (let p = 0; p < few; p++) days[t * every * paths + p] = get(old, t * few + p);
      }
      return days;
    });
    this.shares = this.days.map((days) => hitShare(days, paths, carried.simulation.horizon, this.before ?? equal));
  }

  /** Draws of a parameter. @param {number} place */
  column(place) {
    let found = this.columns.get(place);
    if (!found) {
      const { draws, parameters, parameterEnds, priors } = /** @type {Carried} */ (this.carried);
      const low = get(parameterEnds, 2 * place), high = get(parameterEnds, 2 * place + 1);
      const unit = (high - low || 1) / 65535;
      const support = priors[place]?.support;
      found = Float64Array.from(parameters.subarray(place * draws, (place + 1) * draws), (one) => {
        const linked = low + one * unit;
        return support === "positive" ? Math.exp(linked) : support === "unit" ? 1 / (1 + Math.exp(-linked)) : linked;
      });
      this.columns.set(place, found);
    }
    return found;
  }

  /** First days of a target in the played futures of the run. @param {string} target */
  oldDays(target) {
    const place = /** @type {Carried} */ (this.carried).rules.findIndex((rule) => rule.name === target);
    return /** @type {Int32Array} */ (/** @type {Futures} */ (this.futures).old[place]);
  }

  /** First days of a target under a plan of acts, kept for the next question. @param {Plan} plan @param {string} target */
  newDays(plan, target) {
    const key = JSON.stringify([target, plan.acts]);
    let found = this.known.get(key);
    if (!found) {
      const { rules } = /** @type {Carried} */ (this.carried);
      found = /** @type {Futures} */ (this.futures).with(plan.acts, rules.findIndex((rule) => rule.name === target));
      if (this.known.size >= KEPT_FUTURES) this.known.delete(/** @type {string} */ (this.known.keys().next().value));
      this.known.set(key, found);
    }
    return found;
  }

  /** Log of new over old prior density at every draw. @param {ReadonlyMap<string, Distribution>} priors those that are changed */
  logRatio(priors) {
    const { priors: all, draws } = /** @type {Carried} */ (this.carried);
    const ratio = new Float64Array(draws);
    for (const prior of all) {
      const next = priors.get(prior.name);
      if (!next) continue;
      const now = distributionOf(prior.now), column = this.column(prior.column);
      for (let draw = 0; draw < draws; draw++) {
        const value = get(column, draw);
        ratio[draw] = get(ratio, draw) + logDensity(next, value) - logDensity(now, value);
      }
    }
    return ratio;
  }

  /** Weights of the draws alone, and whether they pass both gates. @param {ReadonlyMap<string, Distribution>} priors */
  quickly(priors) {
    const { gates } = /** @type {Carried} */ (this.carried);
    const { weights, k } = importanceWeights(this.logRatio(priors));
    const before = this.beforeOfDraws;
    const together = before ? normalised(weights.map((one, draw) => one * get(before, draw))) : weights;
    return { ratio: weights, trusted: k <= gates.k && effectiveDraws(together) >= gates.draws };
  }

  /** @param {ReadonlyMap<string, Distribution>} priors those that are changed @returns {Weighing} */
  weigh(priors) {
    const carried = /** @type {Carried} */ (this.carried);
    const { draws, pathsPerDraw: paths } = carried;
    const before = this.before ?? null;
    const equal = /** @type {Float64Array} */ (this.equal);
    if (priors.size === 0) {
      return { weights: equal, joint: before, ofDraws: this.beforeOfDraws ?? equal, even: true, k: null, effective: null };
    }
    const { weights, k } = importanceWeights(this.logRatio(priors));
    const even = weights.every((one) => one === weights[0]);
    /** @type {Float64Array | null} */
    let joint = before;
    if (!even) {
      joint = normalised(Float64Array.from({ length: draws * paths }, (_, place) =>
        get(weights, Math.floor(place / paths)) * (before ? get(before, place) : 1)));
    }
    const ofDraws = joint ? rowSums(joint, paths) : weights;
    const together = this.beforeOfDraws ? normalised(weights.map((one, d) => one * get(this.beforeOfDraws ?? equal, d))) : weights;
    return { weights, joint, ofDraws, even, k, effective: effectiveDraws(together) };
  }

  /** @param {number} target @param {Weighing} weighing @param {Plan} plan */
  draws(target, weighing, plan) {
    const name = this.carried?.targets[target] ?? "";
    return new StateDraws(this, target, weighing, plan.changesFuture ? this.newDays(plan, name) : null);
  }

  /** Why numbers are withheld; null where they need not be. @param {Plan} plan @param {Weighing} weighing */
  reason(plan, weighing) {
    const { gates } = /** @type {Carried} */ (this.carried);
    if (plan.without.length) return "Past events are taken out, so the model must be fitted again.";
    if (weighing.k === null || weighing.effective === null) return null;
    if (!(weighing.k <= gates.k)) {
      return `The draws of the run cannot stand for these priors (Pareto k ${weighing.k === Infinity ? "inf" : weighing.k.toFixed(2)}, `
        + `at most ${gates.k} allowed).`;
    }
    if (!(weighing.effective >= gates.draws)) {
      return `Too few draws of the run fit these priors (${weighing.effective.toFixed(0)} effective draws, at least `
        + `${gates.draws} needed).`;
    }
    return null;
  }

  /** @param {State} state @returns {Answer} */
  answer(state) {
    const begun = performance.now();
    const { target, milestone } = this.asked(state);
    const base = /** @type {PageModel["base"][string]} */ (this.model.base[target]);
    const asked = /** @type {PageModel["base"][string]["milestones"][string]} */ (base.milestones[milestone]);
    const known = { probability: asked.probability, low: asked.low, high: asked.high };
    const shared = { target, milestone, base: known, reason: null, pareto_k: null, effective_draws: null };
    const command = stateCommand(state, this.folder);
    const since = () => Math.round(10 * (performance.now() - begun)) / 10;
    if (!isChanged(state)) {
      return {
        ...shared, ...known, status: "ready", words: asked.words, sentence: asked.sentence, difference: 0,
        difference_mcse: 0, assumed: 0, model_adds: 0, curve: base.curve,
        milestones: Object.entries(base.milestones).map(([name, one]) => ({
          name, probability: one.probability, low: one.low, high: one.high, difference: 0, difference_mcse: 0 })),
        trust: "These are the numbers of the run; nothing is changed.", method: "run", changes: [], command,
        milliseconds: since(),
      };
    }
    /** @param {string} reason @param {Partial<Answer>} [more] @returns {Answer} */
    const withheld = (reason, more) => ({
      ...shared, status: "withheld", reason, probability: null, low: null, high: null, words: null,
      sentence: "Withheld until the model is fitted again.", difference: null, difference_mcse: null, assumed: null,
      model_adds: null, curve: [], milestones: [], trust: reason, method: "refit", changes: [], command,
      milliseconds: since(), ...more,
    });
    if (!this.carried) return withheld(`${this.why.charAt(0).toUpperCase()}${this.why.slice(1)}`);
    const plan = planState(state, this.carried, this.model);
    this.ensure();
    const weighing = this.weigh(plan.priors);
    const finite = weighing.k === null ? null : Math.min(Math.max(weighing.k, -99), 99);
    const worth = { pareto_k: finite, effective_draws: weighing.effective, changes: plan.changes };
    const reason = this.reason(plan, weighing);
    if (reason) return withheld(`${reason} A new fit takes about as long as the run.`, worth);
    const place = this.carried.targets.indexOf(target);
    const draws = this.draws(place, weighing, plan);
    const curve = draws.curve();
    const milestones = this.model.milestones.map((one) => this.milestone(one, base, draws, curve, plan));
    const now = /** @type {AnswerMilestone} */ (milestones.find((one) => one.name === milestone));
    const assumed = this.assumed(plan, target, milestone, asked.probability);
    const words = likelihoodWords(now.probability);
    return {
      ...shared, ...worth, status: "ready", probability: now.probability, low: now.low, high: now.high, words,
      sentence: sentence(asked.sentence, words, now.probability), difference: now.difference,
      difference_mcse: now.difference_mcse, difference_at_most: now.difference_at_most ?? null, assumed, model_adds: now.difference - assumed,
      curve: base.curve.map((point) => ({
        ...point, probability: get(curve.probability, point.day), low: get(curve.low, point.day),
        high: get(curve.high, point.day) })),
      milestones, trust: trust(weighing),
      method: plan.priors.size ? (plan.changesFuture ? "reweight and simulate" : "reweight") : "simulate",
      command, milliseconds: since(),
    };
  }

  /** @param {PageModel["milestones"][number]} one @param {PageModel["base"][string]} base @param {StateDraws} draws
   * @param {{ probability: Float64Array, low: Float64Array, high: Float64Array }} curve @param {Plan} plan @returns {AnswerMilestone} */
  milestone(one, base, draws, curve, plan) {
    const probability = get(curve.probability, one.day);
    const difference = probability - (base.milestones[one.name]?.probability ?? NaN);
    const error = draws.differenceError(one.day);
    const chance = Math.abs(difference) < ROUNDED && error === 0 && plan.changesFuture
      ? chanceOfOtherActs(/** @type {Carried} */ (this.carried).calendar, plan.acts, one.date) : 0;
    return {
      name: one.name, probability, low: get(curve.low, one.day), high: get(curve.high, one.day), difference,
      difference_mcse: error, difference_at_most: chance ? Math.min(3 / draws.pathsAnew, chance) : null,
    };
  }

  /** Part of the change that assumed acts make by meeting the target. @param {Plan} plan @param {string} target @param {string} milestone @param {number} probability */
  assumed(plan, target, milestone, probability) {
    const carried = /** @type {Carried} */ (this.carried);
    const rule = carried.rules.find((one) => one.name === target);
    const day = this.model.milestones.find((one) => one.name === milestone)?.date;
    if (!rule || !day) return 0;
    /** @param {typeof plan.acts} acts */
    const none = (acts) => acts.reduce((chance, act) => (meets(act, rule) ? chance * (1 - act.probability * shareBefore(act, day)) : chance), 1);
    const before = none(carried.calendar);
    return before ? (1 - probability) * (1 - none(plan.acts) / before) : 0;
  }

  /** @param {State} state */
  asked(state) {
    if (state.run !== undefined && state.run !== this.model.run_id) {
      throw new StateError(`this state is of the run ${String(state.run)}; the page shows ${this.model.run_id}`, "run");
    }
    const target = state.target ?? this.model.headline.target;
    const milestone = state.milestone ?? this.model.headline.milestone;
    if (!Object.hasOwn(this.model.base, target)) throw new StateError(`the run has no '${target}'`, "target");
    if (!Object.hasOwn(this.model.base[target]?.milestones ?? {}, milestone)) throw new StateError(`the run has no '${milestone}'`, "milestone");
    return { target, milestone };
  }

  /** Single changes that bring the question to a probability or a word. @param {State} state @param {number | string} goal */
  breakEven(state, goal) {
    return reachGoal(this, state, goal);
  }

  /** The state as a scenario file. @param {State} state */
  yaml(state) {
    this.asked(state);
    if (!isChanged(state)) throw new StateError("nothing is changed, so there is no scenario to write. Move a belief or add an act");
    if (this.carried) planState(state, this.carried, this.model);
    return stateYaml(state);
  }
}

/** @param {Float64Array} weights @param {number} columns */
function rowSums(weights, columns) {
  const found = new Float64Array(weights.length / columns);
  weights.forEach((one, place) => {
    const row = Math.floor(place / columns);
    found[row] = get(found, row) + one;
  });
  return found;
}

/** @param {State} state */
function isChanged(state) {
  return [state.priors, state.events, state.calendar, state.without].some((part) => part && Object.keys(part).length > 0);
}

/** The run's sentence with another likelihood. @param {string} before @param {string} words @param {number} probability */
function sentence(before, words, probability) {
  const rest = before.replace(/^[^(]*\([^)]*\)(:| of) /, "");
  const said = `${words.charAt(0).toUpperCase()}${words.slice(1)} (${percent(probability)})`;
  return `${said}${words.endsWith("chance") ? " of" : ":"} ${rest}`;
}

/** @param {Weighing} weighing */
function trust(weighing) {
  if (weighing.k === null) return "The past and the beliefs are the run's, so its draws serve as they are.";
  const left = Math.round(weighing.effective ?? 0).toLocaleString("en-GB");
  const k = Math.max(weighing.k, -9).toFixed(2).replace("-", "−");
  return `The run's draws can stand for these beliefs: weighted, they are worth ${left} draws, and no few of them dominate (Pareto k ${k}).`;
}

