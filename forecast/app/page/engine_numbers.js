// Special functions: beta and normal quantiles, log gamma.

const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
  -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** Log of the gamma function (Lanczos's approximation, g = 7). @param {number} x above 0 @returns {number} */
export function logGamma(x) {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const y = x - 1;
  let sum = /** @type {number} */ (LANCZOS[0]);
  for (let i = 1; i < LANCZOS.length; i++) sum += /** @type {number} */ (LANCZOS[i]) / (y + i);
  const t = y + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Lentz's continued fraction of the incomplete beta function. @param {number} x @param {number} a @param {number} b */
function fraction(x, a, b) {
  const tiny = 1e-300;
  let c = 1, d = 1 - ((a + b) * x) / (a + 1);
  d = 1 / (Math.abs(d) < tiny ? tiny : d);
  let found = d;
  for (let m = 1; m <= 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 + even * d;
    c = 1 + even / c;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    if (Math.abs(c) < tiny) c = tiny;
    found *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + odd * d;
    c = 1 + odd / c;
    d = 1 / (Math.abs(d) < tiny ? tiny : d);
    if (Math.abs(c) < tiny) c = tiny;
    const factor = d * c;
    found *= factor;
    if (Math.abs(factor - 1) < 1e-15) break;
  }
  return found;
}

/** Quantile of a beta distribution. @param {number} p @param {number} a @param {number} b @returns {number} */
export function betaQuantile(p, a, b) {
  // Sought on the side of the smaller mean, in logs: quantiles may be as small as numbers go.
  return a > b ? 1 - lowQuantile(1 - p, b, a) : lowQuantile(p, a, b);
}

/** @param {number} p @param {number} a not above b @param {number} b */
function lowQuantile(p, a, b) {
  const constant = logGamma(a + b) - logGamma(a) - logGamma(b);
  /** Distribution function and density at exp(t). @param {number} t @returns {[number, number]} */
  const at = (t) => {
    const x = Math.exp(t), rest = -Math.expm1(t);
    const front = Math.exp(constant + a * t + b * Math.log(rest));
    const share = x < (a + 1) / (a + b + 2) ? (front * fraction(x, a, b)) / a : 1 - (front * fraction(rest, b, a)) / b;
    return [share, front / rest];
  };
  let low = -745, high = -1e-16;
  let t = Math.min((Math.log(p * a) - constant) / a, Math.log(a / (a + b)));
  if (!(t > low)) return Math.exp((Math.log(p * a) - constant) / a);
  for (let round = 0; round < 100; round++) {
    const [share, slope] = at(t);
    if (share < p) low = Math.max(low, t);
    else high = Math.min(high, t);
    // Newton's step for log P against log x, which is nearly a line far below the mean.
    let next = share > 0 ? t - (Math.log(share / p) * share) / slope : high;
    if (!(next > low && next < high)) next = (low + high) / 2;
    if (Math.abs(next - t) < 1e-12 * Math.max(1, Math.abs(t)) || high - low < 1e-15) {
      t = next;
      break;
    }
    t = next;
  }
  return Math.exp(t);
}

/** Quantile of the standard normal distribution, by Halley’s steps. @param {number} p @returns {number} */
export function normalQuantile(p) {
  if (p === 0.5) return 0;
  if (p > 0.5) return -normalQuantile(1 - p);
  let x = -Math.sqrt(-2 * Math.log(p));
  for (let round = 0; round < 60; round++) {
    const error = normalBelow(x) - p;
    const step = error * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2);
    const next = x - step / (1 + (x * step) / 2);
    if (Math.abs(next - x) < 1e-15 * Math.abs(x)) return next;
    x = next;
  }
  return x;
}

/** Standard normal probability below x, for x not above 0. @param {number} x */
function normalBelow(x) {
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (x > -3) {
    let term = -x, sum = -x;
    for (let n = 1; n < 200 && Math.abs(term) > 1e-18 * sum; n++) sum += term *= (x * x) / (2 * n + 1);
    return 0.5 - density * sum;
  }
  let tail = 0;
  for (let n = 200; n >= 1; n--) tail = n / (-x + tail);
  return density / (-x + tail);
}
