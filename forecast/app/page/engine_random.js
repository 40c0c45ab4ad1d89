// Random numbers of the paths, number for number those of forecast/simulation/random_numbers.py.

const M0_HIGH = 0xd2e7470e | 0;
const M0_LOW = 0xe14c6c93 | 0;
const M1_HIGH = 0xca5a8263 | 0;
const M1_LOW = 0x95121157 | 0;
const UNIT = 2 ** -53;

/** High half of the product of two 32-bit numbers, in steps that stay whole numbers of 32 bits. */
function highHalf(/** @type {number} */ a, /** @type {number} */ b) {
  const al = a & 65535, ah = a >>> 16, bl = b & 65535, bh = b >>> 16;
  const outer = Math.imul(ah, bl), inner = Math.imul(al, bh);
  const middle = (Math.imul(al, bl) >>> 16) + (outer & 65535) + (inner & 65535);
  return (Math.imul(ah, bh) + (outer >>> 16) + (inner >>> 16) + (middle >>> 16)) | 0;
}

/** Whether a 32-bit number is below another, both without sign. */
function below(/** @type {number} */ a, /** @type {number} */ b) {
  return (a ^ 0x80000000) < (b ^ 0x80000000);
}

/** Philox4x64-10 (Salmon et al. 2011): a block of four 64-bit numbers, high half first. */
class Block {
  constructor() {
    this.words = new Uint32Array(8);
  }

  /**
   * @param {Uint32Array} key two 64-bit numbers, high half first
   * @param {number} index place of the block, from 0
   * @param {number} stepHigh @param {number} stepLow the step, a 64-bit number
   * @param {number} purpose
   */
  fill(key, index, stepHigh, stepLow, purpose) {
    // NumPy moves the counter on before it makes the first block.
    let c0h = 0, c0l = (index + 1) | 0;
    let c1h = 0, c1l = 0, c2h = stepHigh | 0, c2l = stepLow | 0, c3h = 0, c3l = purpose;
    let k0h = /** @type {number} */ (key[0]) | 0, k0l = /** @type {number} */ (key[1]) | 0;
    let k1h = /** @type {number} */ (key[2]) | 0, k1l = /** @type {number} */ (key[3]) | 0;
    for (let round = 0; round < 10; round++) {
      // The two products of a round, to 128 bits in four words, the lowest first.
      const p0 = Math.imul(M0_LOW, c0l);
      let p1 = (highHalf(M0_LOW, c0l) + Math.imul(M0_LOW, c0h)) | 0;
      let p2 = (highHalf(M0_LOW, c0h) + (below(p1, Math.imul(M0_LOW, c0h)) ? 1 : 0)) | 0;
      p1 = (p1 + Math.imul(M0_HIGH, c0l)) | 0;
      const pOver = below(p1, Math.imul(M0_HIGH, c0l)) ? 1 : 0;
      const pLast = highHalf(M0_HIGH, c0l);
      p2 = (p2 + pLast) | 0;
      let p3 = below(p2, pLast) ? 1 : 0;
      p2 = (p2 + pOver) | 0;
      if (pOver && p2 === 0) p3++;
      p2 = (p2 + Math.imul(M0_HIGH, c0h)) | 0;
      if (below(p2, Math.imul(M0_HIGH, c0h))) p3++;
      p3 = (p3 + highHalf(M0_HIGH, c0h)) | 0;
      const q0 = Math.imul(M1_LOW, c2l);
      let q1 = (highHalf(M1_LOW, c2l) + Math.imul(M1_LOW, c2h)) | 0;
      let q2 = (highHalf(M1_LOW, c2h) + (below(q1, Math.imul(M1_LOW, c2h)) ? 1 : 0)) | 0;
      q1 = (q1 + Math.imul(M1_HIGH, c2l)) | 0;
      const qOver = below(q1, Math.imul(M1_HIGH, c2l)) ? 1 : 0;
      const qLast = highHalf(M1_HIGH, c2l);
      q2 = (q2 + qLast) | 0;
      let q3 = below(q2, qLast) ? 1 : 0;
      q2 = (q2 + qOver) | 0;
      if (qOver && q2 === 0) q3++;
      q2 = (q2 + Math.imul(M1_HIGH, c2h)) | 0;
      if (below(q2, Math.imul(M1_HIGH, c2h))) q3++;
      q3 = (q3 + highHalf(M1_HIGH, c2h)) | 0;
      c0h = q3 ^ c1h ^ k0h;
      c0l = q2 ^ c1l ^ k0l;
      c1h = q1;
      c1l = q0;
      c2h = p3 ^ c3h ^ k1h;
      c2l = p2 ^ c3l ^ k1l;
      c3h = p1;
      c3l = p0;
      k0l = (k0l + 0x7f4a7c15) | 0;
      k0h = (k0h + 0x9e3779b9 + (below(k0l, 0x7f4a7c15) ? 1 : 0)) | 0;
      k1l = (k1l + 0x84caa73b) | 0;
      k1h = (k1h + 0xbb67ae85 + (below(k1l, 0x84caa73b) ? 1 : 0)) | 0;
    }
    const words = this.words;
    words[0] = c0h; words[1] = c0l; words[2] = c1h; words[3] = c1l;
    words[4] = c2h; words[5] = c2l; words[6] = c3h; words[7] = c3l;
  }
}

/** Uniform numbers by draw and path; every `width` neighbouring draws of the run share a key. */
export class Uniforms {
  /** @param {{ keys: [string, string][], width: number, draws: number }} plan */
  constructor(plan) {
    this.width = plan.width;
    this.draws = plan.draws;
    this.keys = plan.keys.map((halves) => Uint32Array.from(halves.flatMap((half) => [
      parseInt(half.slice(0, 8), 16), parseInt(half.slice(8), 16)])));
    this.block = new Block();
  }

  /**
   * Numbers of one draw and path, `count` of them, written into `into` from `at` on.
   * @param {number} draw of the run @param {number} path @param {number} stepHigh @param {number} stepLow
   * @param {number} purpose @param {number} count @param {Float64Array} into @param {number} at
   */
  write(draw, path, stepHigh, stepLow, purpose, count, into, at) {
    const group = Math.floor(draw / this.width);
    const rows = Math.min(this.width, this.draws - group * this.width);
    const key = /** @type {Uint32Array} */ (this.keys[group]);
    const words = this.block.words;
    const first = (path * rows + draw - group * this.width) * count;
    let held = -1;
    for (let k = 0; k < count; k++) {
      const place = first + k, block = place >> 2, lane = (place & 3) << 1;
      if (block !== held) {
        this.block.fill(key, block, stepHigh, stepLow, purpose);
        held = block;
      }
      const high = /** @type {number} */ (words[lane]), low = /** @type {number} */ (words[lane + 1]);
      into[at + k] = (high * 2097152 + (low >>> 11)) * UNIT;
    }
  }

  /** One number of a draw and path. @param {number} draw @param {number} path @param {number} step @param {number} purpose */
  one(draw, path, step, purpose) {
    this.write(draw, path, 0, step, purpose, 1, ONE, 0);
    return /** @type {number} */ (ONE[0]);
  }
}

const ONE = new Float64Array(1);

/**
 * Quantile of a negative binomial of this mean; variance = mean + mean²/shape.
 * @param {number} uniform @param {number} mean @param {number} shape
 */
export function negativeBinomial(uniform, mean, shape) {
  if (uniform < 1 - mean) return 0;
  let mass = Math.exp(-shape * Math.log1p(mean / shape));
  if (uniform < mass) return 0;
  const odds = mean / (shape + mean);
  let total = mass;
  for (let n = 1; ; n++) {
    mass = (mass * odds * (shape + (n - 1))) / n;
    total += mass;
    if (!(uniform >= total && mass > 1e-17 * total)) return n;
  }
}

/** Quantile of a binomial. @param {number} uniform @param {number} trials @param {number} probability */
export function binomial(uniform, trials, probability) {
  const failure = 1 - probability;
  if (trials <= 0) return 0;
  if (trials === 1) return uniform >= failure ? 1 : 0;
  let mass = failure ** trials;
  let total = mass;
  if (!(uniform >= total)) return 0;
  for (let n = 1; n < trials; n++) {
    mass *= ((trials - n + 1) / n) * (probability / failure);
    total += mass;
    if (uniform < total) return n;
  }
  return trials;
}

const ROUND_KEYS = roundKeys();

function roundKeys() {
  const found = new Uint32Array(64);
  let filled = 0;
  for (let n = 2; filled < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (prime) found[filled++] = (Math.cbrt(n) % 1) * 4294967296;
  }
  return found;
}

/** First eight bytes of SHA-256 of a text, as a 64-bit number read from its low end. @param {string} text */
export function shaKey(text) {
  const bytes = new TextEncoder().encode(text);
  const padded = new Uint8Array(((bytes.length + 8) >> 6 << 6) + 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 536870912));
  view.setUint32(padded.length - 4, (bytes.length * 8) >>> 0);
  const state = Uint32Array.from([
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19]);
  const schedule = new Uint32Array(64);
  /** @param {number} x @param {number} by */
  const turn = (x, by) => (x >>> by) | (x << (32 - by));
  /** @param {Uint32Array} array @param {number} at */
  const get = (array, at) => /** @type {number} */ (array[at]);
  for (let from = 0; from < padded.length; from += 64) {
    for (let i = 0; i < 16; i++) schedule[i] = view.getUint32(from + 4 * i);
    for (let i = 16; i < 64; i++) {
      const a = get(schedule, i - 15), b = get(schedule, i - 2);
      schedule[i] = get(schedule, i - 16) + (turn(a, 7) ^ turn(a, 18) ^ (a >>> 3))
        + get(schedule, i - 7) + (turn(b, 17) ^ turn(b, 19) ^ (b >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = /** @type {[number, number, number, number, number, number, number, number]} */ (
      /** @type {unknown} */ ([...state]));
    for (let i = 0; i < 64; i++) {
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g))
        + get(ROUND_KEYS, i) + get(schedule, i)) >>> 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) >>> 0;
      h = g; g = f; f = e; e = (d + one) >>> 0; d = c; c = b; b = a; a = (one + two) >>> 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] = get(state, i) + word; });
  }
  /** @param {number} word */
  const swapped = (word) => (((word & 255) << 24) | ((word >>> 8 & 255) << 16) | ((word >>> 16 & 255) << 8)
    | (word >>> 24)) >>> 0;
  return { low: swapped(get(state, 0)), high: swapped(get(state, 1)) };
}
