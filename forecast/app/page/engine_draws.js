// What the draws say of one target under a state, put upon the numbers of the whole run.

import {
  curveFrom, hitMoments, hitShare, keptShare, monteCarloError, normalised, shareByDraw,
} from "./engine_weights.js";

/** @import { Carried } from "./engine_types" */
/** @import { Engine, Weighing } from "./static_engine.js" */

/** @param {Float64Array} array @param {number} at @returns {number} */
const get = (array, at) => /** @type {number} */ (array[at]);

/** Draws and futures of one target under a state: ScenarioDraws of forecast/scenarios/evaluate.py. */
export class StateDraws {
  /** @param {Engine} engine @param {number} target @param {Weighing} weighing @param {Int32Array | null} fresh */
  constructor(engine, target, weighing, fresh) {
    const carried = /** @type {Carried} */ (engine.carried);
    this.carried = carried;
    this.weighing = weighing;
    this.target = target;
    this.before = engine.before ?? null;
    this.equal = /** @type {Float64Array} */ (engine.equal);
    this.days = /** @type {Int32Array} */ (engine.days[target]);
    this.base = /** @type {Float64Array} */ (engine.shares[target]);
    this.paths = carried.pathsPerDraw;
    this.few = carried.simulation.paths;
    this.horizon = carried.simulation.horizon;
    const name = carried.targets[target] ?? "";
    const old = engine.oldDays(name);
    this.anew = fresh && fresh.some((day, place) => day !== old[place]) ? { fresh, old } : null;
    const { every } = carried;
    const some = weighing.ofDraws.filter((_, draw) => draw % every === 0);
    this.someWeights = every === 1 ? some : normalised(some);
    const plain = weighing.weights.filter((_, draw) => draw % every === 0);
    this.plainWeights = every === 1 ? plain : normalised(plain);
    const { joint } = weighing;
    this.first = joint && normalised(Float64Array.from({ length: some.length * this.few }, (_, place) =>
      get(joint, Math.floor(place / this.few) * every * this.paths + (place % this.few))));
    this.kept = this.anew && keptShare(this.anew.fresh, this.anew.old, this.few, this.horizon, this.someWeights);
    const days = this.horizon + 1;
    /** @param {number} row */
    const row = (row) => carried.curve.subarray((target * 3 + row) * days, (target * 3 + row + 1) * days);
    this.known = { probability: row(0), low: row(1), high: row(2) };
  }

  /** How many paths of the same weight those played anew are worth. */
  get pathsAnew() {
    if (!this.first) return this.someWeights.length * this.few;
    return 1 / this.first.reduce((sum, one) => sum + one * one, 0);
  }

  /** How many days from the origin on the curve is exactly the run's. */
  get unchangedDays() {
    return this.weighing.even ? this.firstDifference + 1 : 0;
  }

  /** First day on which a target is met in one of the futures alone; the horizon where there is none. */
  get firstDifference() {
    if (!this.anew) return this.horizon;
    const { fresh, old } = this.anew;
    let first = this.horizon;
    fresh.forEach((day, place) => {
      if (day !== old[place]) first = Math.min(first, day, old[place] ?? day);
    });
    return first;
  }

  /** Mean by day on the carried draws. */
  mean() {
    const { joint, ofDraws } = this.weighing;
    const same = hitShare(this.days, this.paths, this.horizon, joint ?? ofDraws);
    if (!this.anew || !this.kept) return same;
    const [next, old] = [this.anew.fresh, this.anew.old].map((days) =>
      hitShare(days, this.few, this.horizon, this.first ?? this.someWeights));
    const { kept } = this;
    if (!next || !old) return same;
    return same.map((share, day) => get(next, day) + get(kept, day) * (share - get(old, day)));
  }

  /** A probability of the carried draws put upon the whole run's. @param {number} probability @param {number} day */
  upon(probability, day) {
    const before = get(this.base, day), whole = get(this.known.probability, day);
    if (probability >= before) return before < 1 ? 1 - ((1 - whole) * (1 - probability)) / (1 - before) : whole;
    return before > 0 ? (whole * probability) / before : whole;
  }

  curve() {
    const mean = this.mean().map((one, day) => this.upon(Math.min(Math.max(one, 0), 1), day));
    const found = curveFrom(mean, this.variance(mean));
    const days = this.unchangedDays;
    /** @param {Float64Array} before @param {Float64Array} after */
    const join = (before, after) => {
      let highest = 0;
      return after.map((one, day) => (highest = Math.max(highest, day < days ? get(before, day) : rounded(one))));
    };
    const probability = join(this.known.probability, found.probability);
    return {
      probability,
      low: join(this.known.low, found.low).map((one, day) => Math.min(one, get(probability, day))),
      high: join(this.known.high, found.high).map((one, day) => Math.max(one, get(probability, day))),
    };
  }

  /** @param {Float64Array} mean */
  variance(mean) {
    const { dispersion } = this.carried;
    if (dispersion) {
      const own = dispersion.subarray(this.target * mean.length, (this.target + 1) * mean.length);
      return mean.map((one, day) => get(own, day) * one * (1 - one));
    }
    const all = hitMoments(this.days, this.paths, this.horizon, this.weighing.weights).variance;
    if (!this.anew || !this.kept) return all;
    const [next, old] = [this.anew.fresh, this.anew.old].map((days) =>
      hitMoments(days, this.few, this.horizon, this.plainWeights).variance);
    const { kept } = this;
    if (!next || !old) return all;
    return all.map((one, day) => get(next, day) + get(kept, day) ** 2 * (one - get(old, day)));
  }

  /** Monte Carlo error of the difference from the run before a day. @param {number} day */
  differenceError(day) {
    const base = shareByDraw(this.days, this.paths, day, this.before);
    const same = shareByDraw(this.days, this.paths, day, this.weighing.joint);
    let now = same;
    // Up to there the futures are the same, exactly and not up to the rounding of the correction.
    if (this.anew && this.kept && day > this.firstDifference) {
      const [next, old] = [this.anew.fresh, this.anew.old].map((days) => shareByDraw(days, this.few, day, this.first));
      if (!next || !old) return NaN;
      const kept = get(this.kept, day), { every } = this.carried;
      if (every === 1) now = same.map((one, draw) => get(next, draw) + kept * (one - get(old, draw)));
      else {
        const added = next.map((one, draw) => one - kept * get(old, draw));
        const middle = added.reduce((sum, one) => sum + one, 0) / added.length;
        const more = same.length / added.length;
        now = same.map((one, draw) =>
          kept * one + middle + (draw % every === 0 ? more * (get(added, draw / every) - middle) : 0));
      }
    }
    return monteCarloError(now.map((one, draw) => one - get(base, draw)), this.carried.chains);
  }
}

/** @param {number} value */
function rounded(value) {
  return Math.round(value * 1e5) / 1e5;
}
