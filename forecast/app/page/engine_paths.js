// Futures of the played draws: the simulator of forecast/simulation/paths.py, path by path.
//
// Random numbers are those of the run, so that a future is the same until an act makes it another. What acts
// cannot change (numbers, tension, rates at rest) is worked out once.

import { Uniforms, binomial, negativeBinomial, shaKey } from "./engine_random.js";
import { daysBetween } from "./words.js";

/** @import { Carried, FutureAct, Rule } from "./engine_types" */

/** First day of a target that does not happen within the horizon. */
export const NEVER = 65535;

// One accessor for each kind of array: shared by several kinds it would be slow.
/** @param {Float64Array} array @param {number} at @returns {number} */
const get = (array, at) => /** @type {number} */ (array[at]);
/** @param {Int32Array} array @param {number} at @returns {number} */
const dayAt = (array, at) => /** @type {number} */ (array[at]);
/** @param {Uint32Array} array @param {number} at @returns {number} */
const drawAt = (array, at) => /** @type {number} */ (array[at]);
/** In place of one target: all of them. */
const ALL = -1;
/** Steps between two places from which a future can be played again. */
const KEPT_STEPS = 6;

/** When and on which paths an act happens; day −1 where it does not. @typedef {{ act: FutureAct, name: string, day: Int32Array }} Happening */

export class Futures {
  /** @param {Carried} carried @param {(name: string, draw: number) => number} parameter by name and carried draw */
  constructor(carried, parameter) {
    this.carried = carried;
    const { simulation: sim, layout } = carried;
    this.sim = sim;
    this.layout = layout;
    this.draws = carried.played.length;
    this.paths = sim.paths;
    this.k = layout.streams.length;
    this.begin = sim.steps - 1;
    this.nSteps = 0;
    while (sim.firstStepDay + sim.stepDays * (this.begin + this.nSteps) < sim.horizon) this.nSteps++;
    this.uniforms = new Uniforms(sim);
    this.targets = carried.rules.map((rule) => ({
      rule,
      streams: layout.marked ? rule.anyOf.map((one) => layout.streams.indexOf(one)) : [layout.streams.indexOf("target")],
    }));
    this.thresholds = [...new Set([sim.severe, ...carried.rules.map((one) => one.minSeverity)])];
    this.topLevel = Math.max(...this.thresholds);
    this.isConflict = layout.streams.map((_, s) => layout.conflict.includes(s));
    const matrix = () => new Float64Array(this.draws * this.k);
    this.logRate = matrix();
    this.loading = matrix();
    this.own = matrix();
    this.cross = matrix();
    this.shape = matrix();
    this.ballast = matrix();
    this.decays = new Float64Array(this.draws * 3); // own, cross, ballast
    this.knotDecay = new Float64Array(this.draws);
    this.driftScale = new Float64Array(this.draws);
    this.markTerms = new Float64Array(this.draws * 3); // tension, recent severe acts, drift
    this.odds = new Float64Array(this.draws * this.k * 6); // by severity reached
    this.nKept = Math.ceil(this.nSteps / KEPT_STEPS);
    // Where a path stands before every so many steps: own, calming, cross, severe.
    this.kept = new Float64Array(this.draws * this.paths * this.nKept * (2 * this.k + 2));
    const cells = this.draws * this.paths * this.nSteps;
    this.countNumber = new Float64Array(cells * this.k);
    this.rest = new Float64Array(cells * this.k);
    this.tension = new Float64Array(cells);
    this.drift = new Float64Array(cells);
    /** @type {Float64Array[]} by severity; NaN where it was not needed yet */
    this.markNumber = [];
    for (const level of layout.marked ? this.thresholds : []) {
      if (level > 1) this.markNumber[level] = new Float64Array(cells * this.k).fill(NaN);
    }
    this.dayNumber = new Float64Array(cells).fill(NaN);
    this.readParameters(parameter);
    this.readPast();
    /** Played draws whose futures are ready. */
    this.done = 0;
    /** @type {Map<string, Float64Array>} */
    this.actNumbers = new Map();
    this.calendar = this.happenings(carried.calendar);
    /** @type {Int32Array[]} by target, shape (draw, path): the futures of the run */
    this.old = this.targets.map(() => new Int32Array(this.draws * this.paths).fill(NEVER));
  }

  /** Play the futures of the run for some more draws. @param {number} draws how many */
  work(draws) {
    for (const end = Math.min(this.done + draws, this.draws); this.done < end; this.done++) {
      this.prepare(this.done);
      for (let p = 0; p < this.paths; p++) this.play(this.done * this.paths + p, this.calendar, this.old, 0, ALL);
    }
  }

  /** @param {(name: string, draw: number) => number} parameter */
  readParameters(parameter) {
    const { layout, sim, k, draws } = this;
    const known = new Set(this.carried.priors.map((one) => one.name));
    for (let t = 0; t < draws; t++) {
      const draw = drawAt(this.carried.played, t);
      /** @param {string} name */
      const value = (name) => (known.has(name) ? parameter(name, draw) : 0);
      /** @param {string} name */
      const decay = (name) => (known.has(name) ? 2 ** (-sim.stepDays / parameter(name, draw)) : 0);
      this.decays.set([decay("excitation.half_life_days"), decay("excitation.cross_half_life_days"),
        decay("ballast.half_life_days")], 3 * t);
      this.knotDecay[t] = Math.exp((-sim.stepDays * sim.knotSteps) / value("tension.persistence"));
      this.driftScale[t] = value("drift.scale");
      this.markTerms.set([value("severity.tension"), value("severity.recent"), value("severity.drift")], 3 * t);
      let meanThree = 0, meanFour = 0;
      for (const stream of layout.streams) {
        meanThree += value(`severity.category.${stream}`) / k;
        meanFour += value(`severity.grave.${stream}`) / k;
      }
      layout.streams.forEach((stream, s) => {
        const at = t * k + s;
        this.logRate[at] = Math.log(value(`baseline.weekly_rate.${stream}`));
        this.loading[at] = value(`tension.loading.${stream}`) * value("tension.scale");
        this.own[at] = value(`excitation.branching.${stream}`);
        this.cross[at] = value(`excitation.cross.${stream}`);
        this.shape[at] = value(`overdispersion.shape.${stream}`);
        this.ballast[at] = value(`ballast.${stream}`);
        const three = value(`severity.category.${stream}`) - meanThree;
        const four = three + value(`severity.grave.${stream}`) - meanFour;
        const odds = [0, 0, value(`severity.notable.${stream}`), value("severity.level.3") + three,
          value("severity.level.4") + four, value("severity.level.5") + four];
        odds.forEach((one, level) => { this.odds[at * 6 + level] = one; });
      });
    }
  }

  /** What the past leaves behind before the last step of the record, by played draw. */
  readPast() {
    const { k, draws, sim, layout } = this;
    const { felt, severePast } = this.carried;
    const last = sim.steps - 1, width = 2 * k + 2;
    let severe = 0;
    if (layout.marked) for (let step = 0; step < last; step++) severe = (severe + get(severePast, step)) * sim.severeDecay;
    const conflict = Float64Array.from({ length: last }, (_, step) =>
      layout.conflict.reduce((sum, s) => sum + get(felt, step * k + s), 0));
    const now = new Float64Array(width);
    for (let t = 0; t < draws; t++) {
      const own = get(this.decays, 3 * t), cross = get(this.decays, 3 * t + 1), calming = get(this.decays, 3 * t + 2);
      now.fill(0);
      for (let step = 0; step < last; step++) {
        for (let s = 0; s < k; s++) {
          const count = get(felt, step * k + s);
          now[s] = get(now, s) * own + (1 - own) * count;
          now[k + s] = (get(now, k + s) + count) * calming;
        }
        now[2 * k] = get(now, 2 * k) * cross + (1 - cross) * get(conflict, step);
      }
      now[2 * k + 1] = severe;
      for (let p = 0; p < this.paths; p++) this.kept.set(now, (t * this.paths + p) * this.nKept * width);
    }
  }

  /** Numbers of the counts, tension, drift and rates at rest of every path of a draw. @param {number} t */
  prepare(t) {
    const { sim, layout, k, nSteps, paths } = this;
    const decay = get(this.knotDecay, t);
    const scale = get(this.driftScale, t) * Math.sqrt(1 - sim.driftDecay ** 2);
    for (let p = 0; p < paths; p++) {
      const place = t * paths + p;
      this.go(place, this.tension, this.carried.tension, this.carried.tensionNormals, sim.knotSteps, decay,
        Math.sqrt(1 - decay ** 2));
      this.go(place, this.drift, this.carried.drift, this.carried.driftNormals, sim.driftKnotSteps, sim.driftDecay,
        scale);
      for (let n = 0; n < nSteps; n++) {
        const at = (place * nSteps + n) * k;
        this.uniforms.write(drawAt(this.carried.playedInRun, t), p, 0, this.begin + n, sim.purposes.count, k,
          this.countNumber, at);
        for (let s = 0; s < k; s++) {
          const log = get(this.loading, t * k + s) * get(this.tension, place * nSteps + n)
            + get(this.logRate, t * k + s) + (this.isConflict[s] ? get(this.drift, place * nSteps + n) : 0);
          this.rest[at + s] = Math.exp(Math.min(log, sim.mostLogRate));
        }
      }
    }
  }

  /**
   * A process that goes on from the knots of the past, linear in between.
   * @param {number} place @param {Float64Array} into @param {Float64Array} sides shape (draw, 2)
   * @param {Int16Array} normals shape (knot, draw, path) @param {number} every @param {number} decay
   * @param {number} noise
   */
  go(place, into, sides, normals, every, decay, noise) {
    const { paths, nSteps, draws } = this;
    const t = Math.floor(place / paths);
    let left = Math.floor(this.begin / every), used = 0;
    let low = get(sides, 2 * t), high = get(sides, 2 * t + 1);
    for (let n = 0; n < nSteps; n++) {
      const step = this.begin + n, knot = Math.floor(step / every);
      while (left < knot) {
        left++;
        const normal = /** @type {number} */ (normals[used * draws * paths + place]) * this.sim.normalUnit;
        [low, high] = [high, decay * high + noise * normal];
        used++;
      }
      const part = (step - every * knot) / every;
      into[place * nSteps + n] = (1 - part) * low + part * high;
    }
  }

  /** When acts happen on every path. @param {FutureAct[]} acts @returns {Happening[]} */
  happenings(acts) {
    /** @type {Map<string, number>} */
    const seen = new Map();
    const { origin } = this.carried;
    return acts.map((act) => {
      const parts = [act.date, act.until ?? "None", act.category, act.severity, act.label];
      const identity = parts.join("\n");
      const before = seen.get(identity) ?? 0;
      seen.set(identity, before + 1);
      const text = `${identity}\n${before}`;
      const first = daysBetween(origin, act.date);
      const chance = this.numbersOf(text, this.sim.purposes.calendar);
      const day = new Int32Array(this.draws * this.paths).fill(first);
      if (act.until !== null) {
        const days = daysBetween(act.date, act.until) + 1;
        const where = this.numbersOf(text, this.sim.purposes.window);
        where.forEach((number, place) => { day[place] = first + Math.floor(number * days); });
      }
      chance.forEach((number, place) => { if (!(number < act.probability)) day[place] = -1; });
      return { act, name: text, day };
    });
  }

  /** @param {string} text @param {number} purpose */
  numbersOf(text, purpose) {
    const name = `${purpose} ${text}`;
    let numbers = this.actNumbers.get(name);
    if (!numbers) {
      const key = shaKey(text);
      numbers = new Float64Array(this.draws * this.paths);
      for (let place = 0; place < numbers.length; place++) {
        this.uniforms.write(drawAt(this.carried.playedInRun, Math.floor(place / this.paths)), place % this.paths, key.high,
          key.low, purpose, 1, numbers, place);
      }
      if (this.actNumbers.size > 400) this.actNumbers.clear();
      this.actNumbers.set(name, numbers);
    }
    return numbers;
  }

  /**
   * First days of one target under other future acts, shape (draw, path).
   * @param {FutureAct[]} acts @param {number} asked place of the target's rule
   */
  with(acts, asked) {
    const ahead = this.happenings(acts);
    const old = this.old[asked] ?? NO_DAYS;
    // What later days hold does not change a first day: paths end with it, and those of other targets are not kept.
    const all = this.old.map((days) => days.slice());
    /** @type {Map<string, Int32Array>} */
    const before = new Map(this.calendar.map((one) => [one.name, one.day]));
    const others = ahead.filter((one) => !same(one.day, before.get(one.name)));
    const kept = new Set(ahead.map((one) => one.name));
    const gone = this.calendar.filter((one) => !kept.has(one.name));
    for (let place = 0; place < this.draws * this.paths; place++) {
      let earliest = NEVER;
      for (const one of others) {
        const day = dayAt(one.day, place), was = before.get(one.name)?.[place] ?? -1;
        if (day === was) continue;
        if (day >= 0) earliest = Math.min(earliest, day);
        if (was >= 0) earliest = Math.min(earliest, was);
      }
      for (const one of gone) if (dayAt(one.day, place) >= 0) earliest = Math.min(earliest, dayAt(one.day, place));
      if (earliest < this.sim.horizon && dayAt(old, place) >= earliest) this.play(place, ahead, all, this.stepOf(earliest), asked);
    }
    return all[asked] ?? NO_DAYS;
  }

  /** Step ahead, from 0, in which a day lies. @param {number} day */
  stepOf(day) {
    return Math.floor((day - this.sim.firstStepDay) / this.sim.stepDays) - this.begin;
  }

  /**
   * Play one path forward, from the last kept place before a step on.
   * @param {number} place @param {Happening[]} acts @param {Int32Array[]} first by target @param {number} from
   * @param {number} asked place of the target whose first day ends the path; ALL: play it whole, and keep where it stands
   */
  play(place, acts, first, from, asked) {
    const { sim, layout, k, nSteps, paths, begin } = this;
    const t = Math.floor(place / paths), p = place % paths;
    const draw = drawAt(this.carried.playedInRun, t);
    const own = OWN, calming = CALMING, counts = COUNTS, kept = this.kept, width = 2 * k + 2;
    const keep = asked === ALL, until = first[asked] ?? NO_DAYS;
    const start = keep ? 0 : Math.floor(from / KEPT_STEPS);
    const at = (place * this.nKept + start) * width;
    for (let s = 0; s < k; s++) {
      own[s] = get(kept, at + s);
      calming[s] = get(kept, at + k + s);
    }
    let cross = get(kept, at + 2 * k);
    let severe = get(kept, at + 2 * k + 1);
    const startDay = Math.max(sim.firstStepDay + sim.stepDays * (begin + start * KEPT_STEPS), 0);
    for (const days of first) if (dayAt(days, place) >= startDay) days[place] = NEVER;
    const ownDecay = get(this.decays, 3 * t), crossDecay = get(this.decays, 3 * t + 1);
    const calmingDecay = get(this.decays, 3 * t + 2);
    const { own: ownPull, cross: crossPull, ballast, shape, rest, countNumber: numbers } = this;
    const { conflict } = layout;
    const happening = acts.filter((one) => dayAt(one.day, place) >= 0);
    for (let n = start * KEPT_STEPS; n < nSteps; n++) {
      if (keep && n % KEPT_STEPS === 0) {
        const to = (place * this.nKept + n / KEPT_STEPS) * width;
        for (let s = 0; s < k; s++) {
          kept[to + s] = get(own, s);
          kept[to + k + s] = get(calming, s);
        }
        kept[to + 2 * k] = cross;
        kept[to + 2 * k + 1] = severe;
      }
      const step = begin + n;
      const begins = Math.max(sim.firstStepDay + sim.stepDays * step, 0);
      const ends = sim.firstStepDay + sim.stepDays * (step + 1);
      const cell = (place * nSteps + n) * k;
      let any = false;
      counts.fill(0, 0, k);
      if (ends > begins) {
        const exposure = (ends - begins) / sim.stepDays;
        let log = 0;
        for (const s of layout.calming) {
          const recent = get(calming, s);
          log -= get(ballast, t * k + s) * (recent / (recent + sim.halfSaturation));
        }
        const calm = log === 0 ? 1 : Math.exp(log);
        for (let s = 0; s < k; s++) {
          let rate = get(rest, cell + s) + get(ownPull, t * k + s) * get(own, s) + get(crossPull, t * k + s) * cross;
          if (calm !== 1 && this.isConflict[s]) rate *= calm;
          if (rate > sim.rateCap) rate = sim.rateCap;
          rate *= exposure;
          const number = get(numbers, cell + s);
          if (number < 1 - rate) continue;
          const count = negativeBinomial(number, rate, get(shape, t * k + s) * exposure);
          if (count > 0) {
            counts[s] = count;
            any = true;
          }
        }
      }
      let severeNow = 0;
      if (any) severeNow = this.mark(t, p, draw, step, n, place, counts, severe, begins, ends, first);
      for (const one of happening) {
        const day = dayAt(one.day, place);
        if (day < begins || day >= ends) continue;
        const { act } = one;
        if (act.severity >= sim.severe) severeNow++;
        const stream = layout.streamOf[act.category]?.[act.severity - 1] ?? null;
        if (stream !== null) counts[stream] = get(counts, stream) + 1;
        for (let position = 0; position < first.length; position++) {
          const { rule } = this.targets[position] ?? NO_TARGET;
          const days = first[position] ?? NO_DAYS;
          if (act.severity >= rule.minSeverity && dayAt(days, place) > day && rule.anyOf.includes(act.category)) {
            days[place] = day;
          }
        }
      }
      if (!keep && dayAt(until, place) !== NEVER) break;
      if (n === 0) {
        for (let s = 0; s < k; s++) counts[s] = get(counts, s) + get(this.carried.felt, step * k + s);
        severeNow += get(this.carried.severePast, step);
      }
      let sum = 0;
      for (const s of conflict) sum += get(counts, s);
      cross = cross * crossDecay + (1 - crossDecay) * sum;
      for (let s = 0; s < k; s++) {
        own[s] = get(own, s) * ownDecay + (1 - ownDecay) * get(counts, s);
        calming[s] = (get(calming, s) + get(counts, s)) * calmingDecay;
      }
      if (layout.marked) severe = (severe + severeNow) * sim.severeDecay;
    }
    for (const days of first) if (dayAt(days, place) >= sim.horizon) days[place] = NEVER;
  }

  /**
   * Draw the severities of a step's acts, note targets that they meet; how many are severe.
   * @param {number} t @param {number} p @param {number} draw @param {number} step @param {number} n
   * @param {number} place @param {Float64Array} counts @param {number} severe @param {number} begins
   * @param {number} ends @param {Int32Array[]} first
   */
  mark(t, p, draw, step, n, place, counts, severe, begins, ends, first) {
    const { sim, layout, k, nSteps } = this;
    const cell = place * nSteps + n;
    const reach = REACH;
    let severeNow = 0;
    if (layout.marked) {
      reach.fill(0, 0, 6 * k);
      const { markTerms: terms, odds } = this;
      const lean = get(terms, 3 * t) * get(this.tension, cell)
        + get(terms, 3 * t + 1) * Math.log((severe + 0.1) / 0.2) + get(terms, 3 * t + 2) * get(this.drift, cell);
      for (let s = 0; s < k; s++) {
        let left = get(counts, s);
        if (left === 0) continue;
        reach[k + s] = left;
        let passed = 1;
        for (let level = 2; level <= this.topLevel; level++) {
          passed /= 1 + Math.exp(-(get(odds, (t * k + s) * 6 + level) + lean));
          const numbers = this.markNumber[level];
          if (!numbers) continue;
          if (Number.isNaN(get(numbers, cell * k + s))) {
            this.uniforms.write(draw, p, 0, step, sim.purposes.mark + level, k, numbers, cell * k);
          }
          left = binomial(get(numbers, cell * k + s), left, passed);
          reach[level * k + s] = left;
          if (level === sim.severe) severeNow += left;
          passed = 1;
        }
      }
    }
    for (let position = 0; position < first.length; position++) {
      const { rule, streams } = this.targets[position] ?? NO_TARGET;
      const days = first[position] ?? NO_DAYS;
      if (dayAt(days, place) !== NEVER) continue;
      let hits = 0;
      for (const s of streams) hits += layout.marked ? get(reach, rule.minSeverity * k + s) : get(counts, s);
      if (hits === 0) continue;
      if (Number.isNaN(get(this.dayNumber, cell))) {
        this.dayNumber[cell] = this.uniforms.one(draw, p, step, sim.purposes.day);
      }
      // The first of n acts that fall evenly over the days of a step comes at 1-(1-U)^(1/n) of it.
      const share = 1 - (1 - get(this.dayNumber, cell)) ** (1 / hits);
      days[place] = begins + Math.floor(share * (ends - begins));
    }
    return severeNow;
  }
}

/** @type {{ rule: Rule, streams: number[] }} */
const NO_TARGET = { rule: { name: "", anyOf: [], minSeverity: 9 }, streams: [] };
const NO_DAYS = new Int32Array(0);
const MOST_STREAMS = 32;
const OWN = new Float64Array(MOST_STREAMS);
const CALMING = new Float64Array(MOST_STREAMS);
const COUNTS = new Float64Array(MOST_STREAMS);
const REACH = new Float64Array(6 * MOST_STREAMS);
/** @param {Int32Array} one @param {Int32Array | undefined} other */
function same(one, other) {
  return other !== undefined && one.every((day, place) => day === other[place]);
}
