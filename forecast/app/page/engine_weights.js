// Weights of draws and what they say: forecast/inference/importance.py, scenarios/evaluate.py and
// simulation/probabilities.py, number for number.

import { betaQuantile } from "./engine_numbers.js";

// One accessor for each kind of array: shared by several kinds it would be slow.
/** @param {Float64Array} array @param {number} at @returns {number} */
const get = (array, at) => /** @type {number} */ (array[at]);
/** @param {Int32Array} array @param {number} at @returns {number} */
const dayAt = (array, at) => /** @type {number} */ (array[at]);

const FEWEST_DRAWS = 25;
const PRIOR_DRAWS = 10;
const PRIOR_SHAPE = 0.5;

/** @typedef {{ weights: Float64Array, k: number }} Weights weights sum to one; k is the shape of their tail */

/** Pareto smoothed weights of log ratios; ratios of −Infinity get none. @param {Float64Array} ratio @returns {Weights} */
export function importanceWeights(ratio) {
  const n = ratio.length;
  const tailSize = Math.trunc(Math.min(n / 5, 3 * Math.sqrt(n)));
  let highest = -Infinity;
  for (const one of ratio) if (one > highest || Number.isNaN(one)) highest = one;
  if (!Number.isFinite(highest)) return { weights: new Float64Array(n).fill(1 / n), k: Infinity };
  const shifted = ratio.map((one) => one - highest);
  const rising = shifted.slice().sort();
  const edge = get(rising, n - tailSize);
  // Of ratios as large as the smallest of the tail, the last ones belong to it.
  let above = 0;
  for (const one of shifted) if (one > edge) above++;
  /** @type {number[]} */
  const found = [];
  for (let place = n - 1, level = tailSize - above; place >= 0; place--) {
    const one = get(shifted, place);
    if (one > edge || (one === edge && level-- > 0)) found.push(place);
  }
  found.sort((a, b) => get(shifted, a) - get(shifted, b) || a - b);
  const tail = Uint32Array.from(found);
  const weights = shifted.map(Math.exp);
  let k = n < FEWEST_DRAWS ? Infinity : -Infinity;
  if (n >= FEWEST_DRAWS && get(shifted, tail[0] ?? 0) !== 0) {
    const cutoff = Math.exp(get(rising, n - tailSize - 1));
    const fit = fitPareto(Float64Array.from(tail, (place) => get(weights, place) - cutoff));
    k = fit.shape;
    if (Number.isFinite(k)) {
      tail.forEach((place, rank) => {
        const above = -Math.log1p(-(rank + 0.5) / tailSize);
        const excess = fit.scale * (k === 0 ? above : Math.expm1(k * above) / k);
        weights[place] = Math.min(cutoff + excess, 1);
      });
    }
  }
  return { weights: normalised(weights), k };
}

/** Shape and scale of a generalised Pareto distribution (Zhang and Stephens 2009). @param {Float64Array} excess rising */
export function fitPareto(excess) {
  const n = excess.length;
  const quartile = get(excess, Math.trunc(n / 4 + 0.5) - 1), largest = get(excess, n - 1);
  if (quartile <= get(excess, 0) || largest <= 0) return { shape: Infinity, scale: NaN };
  const points = 30 + Math.trunc(Math.sqrt(n));
  /** @param {number} theta */
  const shapeAt = (theta) => {
    let sum = 0;
    for (const one of excess) sum += Math.log1p(-theta * one);
    return sum / n;
  };
  const thetas = Float64Array.from({ length: points }, (_, j) =>
    1 / largest + (1 - Math.sqrt(points / (j + 0.5))) / (3 * quartile));
  const profile = thetas.map((theta) => {
    const shape = shapeAt(theta);
    return n * (Math.log(-theta / shape) - shape - 1);
  });
  const highest = Math.max(...profile);
  const total = highest + Math.log(profile.reduce((sum, one) => sum + Math.exp(one - highest), 0));
  let mean = 0, mass = 0;
  profile.forEach((one, j) => {
    const weight = Math.exp(one - total);
    if (!(weight >= 10 * Number.EPSILON)) return;
    mean += get(thetas, j) * weight;
    mass += weight;
  });
  if (mass === 0) return { shape: Infinity, scale: NaN };
  mean /= mass;
  const raw = shapeAt(mean);
  return { shape: (n * raw + PRIOR_DRAWS * PRIOR_SHAPE) / (n + PRIOR_DRAWS), scale: -raw / mean };
}

/** @param {Float64Array} weights */
export function normalised(weights) {
  let sum = 0;
  for (const one of weights) sum += one;
  return weights.map((one) => one / sum);
}

/** 1/Σw². @param {Float64Array} weights */
export function effectiveDraws(weights) {
  let sum = 0;
  for (const one of weights) sum += one * one;
  return 1 / sum;
}

/** Standard error of a mean over draws, chains one after the other. @param {Float64Array} perDraw @param {number} chains */
export function monteCarloError(perDraw, chains) {
  if (perDraw.every((one) => one === perDraw[0])) return 0;
  const n = perDraw.length / chains, half = Math.floor(n / 2);
  let mean = 0;
  for (const one of perDraw) mean += one / perDraw.length;
  let square = 0;
  for (const one of perDraw) square += (one - mean) ** 2;
  const deviation = Math.sqrt(square / (perDraw.length - 1));
  /** @type {Float64Array[]} */
  const split = [];
  for (let chain = 0; chain < chains; chain++) split.push(perDraw.subarray(chain * n, chain * n + half));
  for (let chain = 0; chain < chains; chain++) split.push(perDraw.subarray((chain + 1) * n - half, (chain + 1) * n));
  const means = Float64Array.from(split, (one) => one.reduce((sum, value) => sum + value, 0) / half);
  const centred = split.map((one, row) => one.map((value) => value - get(means, row)));
  /** @param {number} lag */
  const covariance = (lag) => {
    let sum = 0;
    for (const row of centred) for (let i = 0; i + lag < half; i++) sum += get(row, i) * get(row, i + lag);
    return sum / half / split.length;
  };
  const none = covariance(0), within = (none * half) / (half - 1);
  const middle = means.reduce((sum, one) => sum + one, 0) / means.length;
  const between = means.reduce((sum, one) => sum + (one - middle) ** 2, 0) / (means.length - 1);
  /** @param {number} lag */
  const correlation = (lag) => (lag === 0 ? 1 : 1 - (within - covariance(lag)) / (none + between));
  const nPairs = Math.floor(half / 2);
  let time = -1, smallest = Infinity, used = 0;
  for (; ; used++) {
    if (used >= Math.max(nPairs - 1, 1)) break;
    const pair = correlation(2 * used) + correlation(2 * used + 1);
    if (pair < 0 && used >= 1) break;
    smallest = Math.min(smallest, pair);
    time += 2 * smallest;
    if (pair < 0) { used = 1; break; }
  }
  if (used < nPairs) time += Math.max(correlation(2 * used), 0);
  const total = split.length * half;
  const effective = total / Math.max(time, 1 / Math.log10(total));
  return deviation / Math.sqrt(effective);
}

/**
 * Weighted share of days before day t, for t = 0 … horizon.
 * @param {Int32Array} days shape (draw, column) @param {number} columns @param {number} horizon
 * @param {Float64Array} weights of draws, or of all days; they sum to one
 */
export function hitShare(days, columns, horizon, weights) {
  const found = new Float64Array(horizon + 2);
  const ofDraws = weights.length !== days.length;
  for (let place = 0; place < days.length; place++) {
    const weight = ofDraws ? get(weights, Math.floor(place / columns)) / columns : get(weights, place);
    const day = Math.min(dayAt(days, place), horizon);
    found[day + 1] = get(found, day + 1) + weight;
  }
  for (let day = 1; day <= horizon; day++) found[day] = get(found, day) + get(found, day - 1);
  return found.subarray(0, horizon + 1);
}

/**
 * Mean and variance over draws of the probability before day t, the luck of few paths taken off.
 * @param {Int32Array} days shape (draw, path) @param {number} paths @param {number} horizon
 * @param {Float64Array} weights of draws, summing to one
 */
export function hitMoments(days, paths, horizon, weights) {
  const ordered = new Int32Array(days.length), each = new Float64Array(days.length), pairs = new Float64Array(days.length);
  for (let draw = 0; draw * paths < days.length; draw++) {
    const own = days.slice(draw * paths, (draw + 1) * paths).sort();
    own.forEach((day, p) => {
      const place = draw * paths + p;
      ordered[place] = day;
      each[place] = get(weights, draw) / paths;
      pairs[place] = (get(weights, draw) / paths) * (p / ((paths - 1) / 2));
    });
  }
  const mean = hitShare(ordered, paths, horizon, each);
  return { mean, variance: hitShare(ordered, paths, horizon, pairs).map((one, day) => one - get(mean, day) ** 2) };
}

/**
 * What each draw says of the share of days before a day; their plain mean is the share.
 * @param {Int32Array} days shape (draw, path) @param {number} paths @param {number} day
 * @param {Float64Array | null} weights of the paths, summing to one; null: all alike
 */
export function shareByDraw(days, paths, day, weights) {
  const draws = days.length / paths;
  const found = new Float64Array(draws);
  let share = 0;
  if (weights) for (let place = 0; place < days.length; place++) if (dayAt(days, place) < day) share += get(weights, place);
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    for (let place = draw * paths; place < (draw + 1) * paths; place++) {
      const hit = dayAt(days, place) < day ? 1 : 0;
      sum += weights ? get(weights, place) * (hit - share) : hit;
    }
    found[draw] = weights ? share + draws * sum : sum / paths;
  }
  return found;
}

/**
 * How much of the run's luck to take over by day: regression of the new on the old within draws.
 * @param {Int32Array} fresh @param {Int32Array} old both of shape (draw, path) @param {number} paths
 * @param {number} horizon @param {Float64Array} weights of draws, summing to one
 */
export function keptShare(fresh, old, paths, horizon, weights) {
  const draws = fresh.length / paths;
  /** @param {Int32Array} one @param {Int32Array} other */
  const within = (one, other) => {
    const same = hitShare(one.map((day, place) => Math.max(day, dayAt(other, place))), paths, horizon, weights);
    const columns = paths * paths;
    const all = new Int32Array(draws * columns);
    for (let draw = 0; draw < draws; draw++) {
      for (let i = 0; i < paths; i++) for (let j = 0; j < paths; j++) {
        all[draw * columns + i * paths + j] = Math.max(dayAt(one, draw * paths + i), dayAt(other, draw * paths + j));
      }
    }
    const any = hitShare(all, columns, horizon, weights);
    return same.map((share, day) => share - (paths * get(any, day) - share) / (paths - 1));
  };
  const covariance = within(fresh, old), variance = within(old, old);
  return covariance.map((one, day) => {
    const known = get(variance, day);
    return known > 1e-12 ? Math.min(Math.max(one / known, 0), 1) : 0;
  });
}

/**
 * A rising curve in [0, 1] with its 90% interval.
 * @param {Float64Array} mean @param {Float64Array} spread variance of the probability over draws; both by day
 */
export function curveFrom(mean, spread) {
  const n = mean.length;
  const raised = mean.slice(), lowered = mean.slice();
  for (let day = 1; day < n; day++) raised[day] = Math.max(get(raised, day), get(raised, day - 1));
  for (let day = n - 2; day >= 0; day--) lowered[day] = Math.min(get(lowered, day), get(lowered, day + 1));
  const probability = mean.map((_, day) => Math.min(Math.max((get(raised, day) + get(lowered, day)) / 2, 0), 1));
  const low = probability.slice(), high = probability.slice();
  for (let day = 0; day < n; day++) {
    const p = get(probability, day), room = p * (1 - p);
    const bounded = Math.min(Math.max(get(spread, day), 0), 0.99 * room);
    if (!(bounded > 1e-12)) continue;
    if (day > 0 && p === probability[day - 1] && spread[day] === spread[day - 1]) {
      low[day] = RAW.low;
      high[day] = RAW.high;
      continue;
    }
    const total = room / bounded - 1;
    RAW.low = betaQuantile(0.05, p * total, (1 - p) * total);
    RAW.high = betaQuantile(0.95, p * total, (1 - p) * total);
    low[day] = RAW.low;
    high[day] = RAW.high;
  }
  for (let day = n - 2; day >= 0; day--) low[day] = Math.min(get(low, day), get(low, day + 1));
  for (let day = 1; day < n; day++) high[day] = Math.max(get(high, day), get(high, day - 1));
  return {
    probability,
    low: low.map((one, day) => Math.min(one, get(probability, day))),
    high: high.map((one, day) => Math.max(one, get(probability, day))),
  };
}

const RAW = { low: 0, high: 0 };
