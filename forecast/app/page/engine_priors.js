// Priors as forecast/priors reads them: words, distributions and quantiles in, densities and shifts out.

import { logGamma, normalQuantile } from "./engine_numbers.js";

/** @import { CarriedPrior, Distribution, Family } from "./engine_types" */
/** @import { Statement } from "./types" */

/** A state that cannot be answered; `key` is its place in the state. */
export class StateError extends Error {
  /** @param {string} message @param {string | null} [key] */
  constructor(message, key = null) {
    super(key ? `${key}: ${message}` : message);
    this.key = key;
  }
}

/** @type {Record<string, { names: string[], free: number, support: string }>} `free` leading parameters may be any number */
const FAMILIES = {
  Normal: { names: ["mu", "sigma"], free: 1, support: "real" },
  LogNormal: { names: ["mu", "sigma"], free: 1, support: "positive" },
  LogitNormal: { names: ["mu", "sigma"], free: 1, support: "unit" },
  HalfNormal: { names: ["sigma"], free: 0, support: "positive" },
  Exponential: { names: ["lam"], free: 0, support: "positive" },
  Gamma: { names: ["alpha", "beta"], free: 0, support: "positive" },
  Beta: { names: ["alpha", "beta"], free: 0, support: "unit" },
};
const INSIDE = { real: ["real", "positive", "unit"], positive: ["positive", "unit"], unit: ["unit"] };
const ALLOWED = { positive: "above 0", unit: "between 0 and 1", real: "any number" };
const NUMBER = /^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const TOLERATED_MISS = 0.25;
const FAMILY_OF = /** @type {const} */ ({ real: "Normal", positive: "LogNormal", unit: "LogitNormal" });

/** @param {number} x */
const logit = (x) => Math.log(x) - Math.log1p(-x);
/** @param {number} x */
const expit = (x) => 1 / (1 + Math.exp(-x));
/** @param {Distribution} one @returns {[number, number]} */
const two = (one) => [one.values[0] ?? NaN, one.values[1] ?? NaN];

/** @param {readonly [Family, ...number[]]} stated @returns {Distribution} */
export function distributionOf([family, ...values]) {
  return { family, values };
}

/** @param {Distribution} one @param {Distribution} other */
export function sameDistribution(one, other) {
  return one.family === other.family && one.values.every((value, place) => value === other.values[place]);
}

/** A distribution as a scenario states it; four figures, as the package prints. @param {Distribution} one */
export function distributionText(one) {
  const names = FAMILIES[one.family]?.names ?? [];
  return `${one.family}(${names.map((name, i) => `${name}=${Number((one.values[i] ?? 0).toPrecision(4))}`).join(", ")})`;
}

/** Log density up to a constant of the family. @param {Distribution} one @param {number} x */
export function logDensity(one, x) {
  const [a, b] = two(one);
  switch (one.family) {
    case "Normal": return normal(x, a, b);
    case "LogNormal": return x > 0 ? normal(Math.log(x), a, b) - Math.log(x) : -Infinity;
    case "LogitNormal":
      return x > 0 && x < 1 ? normal(logit(x), a, b) - Math.log(x) - Math.log1p(-x) : -Infinity;
    case "HalfNormal": return x > 0 ? normal(x, 0, a) + Math.LN2 : -Infinity;
    case "Exponential": return x > 0 ? Math.log(a) - a * x : -Infinity;
    case "Gamma": return x > 0 ? a * Math.log(b) - logGamma(a) + (a - 1) * Math.log(x) - b * x : -Infinity;
    case "Beta":
      return x > 0 && x < 1
        ? (a - 1) * Math.log(x) + (b - 1) * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b) : -Infinity;
  }
}

/** @param {number} x @param {number} mu @param {number} sigma */
function normal(x, mu, sigma) {
  return -0.5 * ((x - mu) / sigma) ** 2 - Math.log(sigma) - 0.5 * Math.log(2 * Math.PI);
}

/** Quantile of one of the normal families; null of others. @param {Distribution} one @param {number} p */
export function quantileOf(one, p) {
  const [mu, sigma] = two(one);
  const at = mu + sigma * normalQuantile(p);
  switch (one.family) {
    case "Normal": return at;
    case "LogNormal": return Math.exp(at);
    case "LogitNormal": return expit(at);
    default: return null;
  }
}

/** The prior moved by steps of its own spread; null where only the package can move it. @param {Distribution} one @param {number} steps @returns {Distribution | null} */
export function shifted(one, steps) {
  if (steps === 0) return one;
  const [a, b] = two(one);
  switch (one.family) {
    case "Normal": case "LogNormal": case "LogitNormal": return { family: one.family, values: [a + steps * b, b] };
    case "HalfNormal": return { family: one.family, values: [a * stretched(steps, HALF_NORMAL_STEP)] };
    case "Exponential": return { family: one.family, values: [a / stretched(steps, EXPONENTIAL_STEP)] };
    default: return null;
  }
}

const ONE_STEP = 0.8413447460685429;
const HALF_NORMAL_STEP = Math.log(normalQuantile((1 + ONE_STEP) / 2) / normalQuantile(0.75));
const EXPONENTIAL_STEP = Math.log(Math.log1p(-ONE_STEP) / Math.log(0.5));

/** @param {number} steps @param {number} step */
function stretched(steps, step) {
  return Math.exp(steps * step);
}

/**
 * Read what a state says of a prior.
 * @param {CarriedPrior} prior @param {Statement} statement @returns {Distribution}
 */
export function readPrior(prior, statement) {
  const key = `priors.${prior.name}`;
  if (typeof statement === "object" && statement !== null && !Array.isArray(statement)) return elicited(prior, statement, key);
  if (typeof statement !== "string") throw new StateError("state a word, a distribution or quantiles", key);
  const word = prior.words[statement];
  if (word && Object.hasOwn(prior.words, statement)) return distributionOf(word);
  if (!statement.includes("(")) {
    throw new StateError(`got '${statement}'; expected a distribution, or a word: ${Object.keys(prior.words).join(", ")}`, key);
  }
  const found = parsed(statement, key);
  const support = /** @type {string} */ (FAMILIES[found.family]?.support);
  if (!INSIDE[prior.support].includes(support)) {
    throw new StateError(`${statement} puts mass where the parameter cannot be (it must be ${ALLOWED[prior.support]})`, key);
  }
  return found;
}

/** @param {string} text @param {string} key @returns {Distribution} */
function parsed(text, key) {
  const call = /^\s*([A-Za-z]+)\s*\(([^()]*)\)\s*$/.exec(text);
  const family = call?.[1] ?? "";
  const known = Object.hasOwn(FAMILIES, family) ? FAMILIES[family] : undefined;
  if (!call || !known) {
    throw new StateError(`cannot read '${text}': write a distribution such as 'Normal(0, 0.1)'`, key);
  }
  /** @type {Map<string, number>} */
  const given = new Map();
  const inner = (call[2] ?? "").trim().replace(/,$/, "");
  let named = false;
  (inner ? inner.split(",") : []).forEach((part, place) => {
    const equal = part.indexOf("=");
    named ||= equal >= 0;
    const name = equal < 0 ? (named ? "" : known.names[place] ?? "") : part.slice(0, equal).trim();
    const number = part.slice(equal + 1).trim();
    if (!known.names.includes(name) || given.has(name) || !NUMBER.test(number)) {
      throw new StateError(`cannot read '${text}': ${family} takes ${known.names.join(", ")}, plain numbers`, key);
    }
    given.set(name, Number(number.replaceAll("_", "")));
  });
  const values = known.names.map((name) => given.get(name) ?? NaN);
  values.forEach((value, place) => {
    if (!Number.isFinite(value) || (place >= known.free && value <= 0)) {
      throw new StateError(`${family}: ${known.names[place]} must be a finite number${place >= known.free ? " above 0" : ""}`, key);
    }
  });
  return { family: /** @type {Family} */ (family), values };
}

/** @type {Record<string, { of: (x: number) => number, back: (v: number) => number }>} */
const SCALES = {
  effect: { of: (x) => Math.expm1(Math.min(-x, 700)), back: (v) => -Math.log1p(v) },
  times: { of: (x) => Math.exp(Math.min(x, 700)), back: Math.log },
  odds: { of: (x) => Math.exp(Math.min(x, 700)), back: Math.log },
  chance: { of: expit, back: logit },
  a_year: { of: (x) => (x * 365.25) / 7, back: (v) => (v * 7) / 365.25 },
  weeks: { of: (x) => x / 7, back: (v) => v * 7 },
  per_hundred: { of: (x) => 100 * x, back: (v) => v / 100 },
  share: { of: (x) => x, back: (v) => v },
  spread: { of: (x) => 1 + 1 / Math.max(x, 1e-300), back: (v) => 1 / (v - 1) },
};

/** A value of a parameter on its human scale. @param {CarriedPrior} prior @param {number} value */
export function onHumanScale(prior, value) {
  return SCALES[prior.scale]?.of(value) ?? value;
}

/** @param {CarriedPrior} prior @param {Record<string, unknown>} statement @param {string} key */
function elicited(prior, statement, key) {
  const [entry, ...others] = Object.entries(statement);
  if (entry && !others.length && typeof entry[1] === "object" && entry[1] !== null && !Array.isArray(entry[1])) {
    const [name, inner] = entry;
    const scale = SCALES[prior.scale];
    if (name !== prior.scale || !scale) {
      throw new StateError(`unknown scale '${name}'; this parameter is stated as such or on '${prior.scale}'`, key);
    }
    const read = quantiles(/** @type {Record<string, unknown>} */ (inner), key);
    const low = prior.lowest ?? -Infinity, high = prior.highest ?? Infinity;
    if (read.some(([, value]) => value <= low || value >= high)) {
      throw new StateError(`${name}: quantiles must lie ${high === Infinity ? `above ${low}` : `between ${low} and ${high}`}`, key);
    }
    return fitted(read.map(([p, value]) => [prior.falls ? 1 - p : p, scale.back(value)]), prior.support, key);
  }
  return fitted(quantiles(statement, key), prior.support, key);
}

/** @param {Record<string, unknown>} stated @param {string} key @returns {[number, number][]} */
function quantiles(stated, key) {
  /** @type {[number, number][]} */
  const found = [];
  /** @param {number} level @param {unknown} given */
  const add = (level, given) => {
    const text = typeof given === "string" ? given.trim() : "";
    const value = typeof given === "number" ? given
      : text.endsWith("%") && NUMBER.test(text.slice(0, -1).trim()) ? Number(text.slice(0, -1)) / 100
        : NUMBER.test(text) ? Number(text) : NaN;
    if (!Number.isFinite(value)) throw new StateError("a quantile must be a number", key);
    found.push([level, value]);
  };
  for (const [name, given] of Object.entries(stated)) {
    const interval = /^interval(\d{1,2})$/.exec(name), quantile = /^q(\d{2,3})$/.exec(name);
    if (interval && Array.isArray(given) && given.length === 2) {
      const outside = (1 - Number(interval[1]) / 100) / 2;
      add(outside, given[0]);
      add(1 - outside, given[1]);
    } else if (name === "median") add(0.5, given);
    else if (quantile && Number(quantile[1]) > 0) {
      const digits = /** @type {string} */ (quantile[1]);
      add(Number(digits) / 10 ** digits.length, given);
    } else throw new StateError(`unknown quantile '${name}'; allowed: median and q01 to q99, or interval90`, key);
  }
  found.sort(([a], [b]) => a - b);
  if (found.length < 2) throw new StateError("at least two quantiles are needed, e.g. {q05: -0.1, median: 0.1}", key);
  found.forEach(([, value], place) => {
    const before = found[place - 1];
    if (before && !(before[1] < value)) throw new StateError("quantiles must rise", key);
  });
  return found;
}

/**
 * The standard family of a support fitted to quantiles.
 * @param {[number, number][]} stated @param {"real" | "positive" | "unit"} support @param {string} key
 * @returns {Distribution}
 */
function fitted(stated, support, key) {
  const points = [...stated].sort(([a], [b]) => a - b);
  if (support !== "real" && points.some(([, value]) => value <= 0 || (support === "unit" && value >= 1))) {
    throw new StateError(`quantiles must lie ${ALLOWED[support]} for this parameter`, key);
  }
  const link = { real: (/** @type {number} */ x) => x, positive: Math.log, unit: logit }[support];
  const z = points.map(([p]) => normalQuantile(p)), y = points.map(([, value]) => link(value));
  const middle = sum(z) / z.length, height = sum(y) / y.length;
  let sigma = sum(z.map((one, i) => (one - middle) * ((y[i] ?? 0) - height))) / sum(z.map((one) => (one - middle) ** 2));
  let mu = height - sigma * middle;
  const family = FAMILY_OF[support];
  const values = points.map(([, value]) => value);
  const spread = (values.at(-1) ?? 1) - (values[0] ?? 0);
  if (values.length > 2 && support !== "real") [mu, sigma] = closest(family, z, values, spread, mu, sigma);
  if (!(sigma > 0)) throw new StateError("quantiles must rise", key);
  const found = { family, values: [mu, sigma] };
  const miss = Math.max(...points.map(([p, value]) => Math.abs((quantileOf(found, p) ?? NaN) - value))) / spread;
  if (!(miss <= TOLERATED_MISS)) {
    throw new StateError(`no ${family} comes near these quantiles; widen them or state a distribution yourself`, key);
  }
  return found;
}

/** @param {number[]} values */
function sum(values) {
  return values.reduce((total, one) => total + one, 0);
}

/**
 * Parameters that meet the quantiles themselves best: Gauss–Newton with damping.
 * @param {string} family @param {number[]} z @param {number[]} wanted @param {number} spread
 * @param {number} mu @param {number} sigma @returns {[number, number]}
 */
function closest(family, z, wanted, spread, mu, sigma) {
  let at = /** @type {[number, number]} */ ([mu, Math.log(sigma)]);
  /** @param {[number, number]} where */
  const linked = (where) => z.map((one) => where[0] + Math.exp(where[1]) * one);
  const back = family === "LogNormal" ? Math.exp : expit;
  const slope = family === "LogNormal" ? Math.exp : (/** @type {number} */ x) => expit(x) * (1 - expit(x));
  /** @param {[number, number]} where */
  const missed = (where) => linked(where).map((x, i) => (back(x) - (wanted[i] ?? 0)) / spread);
  /** @param {number[]} miss */
  const cost = (miss) => sum(miss.map((one) => one * one));
  let damping = 1e-6;
  for (let round = 0; round < 300; round++) {
    const miss = missed(at), x = linked(at);
    let [aa, ab, bb, ga, gb] = [0, 0, 0, 0, 0];
    miss.forEach((one, i) => {
      const da = slope(x[i] ?? 0) / spread, db = da * Math.exp(at[1]) * (z[i] ?? 0);
      aa += da * da; ab += da * db; bb += db * db; ga += da * one; gb += db * one;
    });
    const [pa, pb] = [aa * (1 + damping), bb * (1 + damping)];
    const size = pa * pb - ab * ab;
    const step = /** @type {[number, number]} */ ([-(pb * ga - ab * gb) / size, -(pa * gb - ab * ga) / size]);
    const next = /** @type {[number, number]} */ ([at[0] + step[0], at[1] + step[1]]);
    if (cost(missed(next)) <= cost(miss)) {
      at = next;
      damping = Math.max(damping / 10, 1e-12);
      if (Math.hypot(...step) < 1e-13 * (1 + Math.hypot(...at))) break;
    } else {
      damping *= 10;
      if (damping > 1e12) break;
    }
  }
  return [at[0], Math.exp(at[1])];
}
