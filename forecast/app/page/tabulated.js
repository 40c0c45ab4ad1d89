// Answers of the page in one file, from the tables of forecast/app/static_page.py.
//
// A single change is read from its table. Several changes are put together: their changes of log odds are added, then
// acts that meet the target themselves are counted exactly. The page calls that approximate.

import { answerOfRun, isChanged, meets, stateCommand, whoMatters } from "./state.js";
import { capital, chanceWords, daysBetween, LEAST_WORDED, longDay, percent } from "./words.js";

/** @import { Act, ActEffect, Answer, Carried, PageModel, Point, State, Table, Weighed } from "./types" */

/**
 * One change: its effect on the log odds at the days of the chart, its errors by milestone, what it rests on.
 * @typedef {{ logOdds: number[], errors: number[], weighed?: Weighed }} Effect
 */

const LEAST = 1e-9;
/** What shows in none of the five decimals of a forecast. */
const ROUNDED = 5e-6;
/** A number of an array that is known to have it. @param {readonly number[]} values @param {number} at */
const get = (values, at) => /** @type {number} */ (values[at]);
const within = (/** @type {number} */ p) => Math.min(Math.max(p, LEAST), 1 - LEAST);
const logOdds = (/** @type {number} */ p) => Math.log(within(p) / (1 - within(p)));
const moved = (/** @type {number} */ p, /** @type {number} */ by) => (by === 0 ? p : 1 / (1 + Math.exp(-logOdds(p) - by)));

export class Tabulated {
  /** @param {Carried} carried */
  constructor({ model, folder, table, why }) {
    this.model = model;
    this.folder = folder;
    this.table = table;
    this.why = why;
  }

  /** @param {State} state @returns {Answer} */
  answer(state) {
    const begun = performance.now();
    const { model } = this;
    const { curve, milestones } = /** @type {PageModel["base"][string]} */ (model.base[state.target]);
    const asked = /** @type {NonNullable<typeof milestones[string]>} */ (milestones[state.milestone]);
    const effects = this.effects(state);
    const only = effects.length === 1 ? effects[0]?.weighed : undefined;
    const count = effects.length + state.events.filter((act) => meets(this.model, act, state.target)).length;
    const shared = {
      ...answerOfRun(model, state), pareto_k: only?.k ?? null, effective_draws: only?.draws ?? null,
      command: stateCommand(state, this.folder),
    };
    const reason = this.why ?? effects.find((one) => one.weighed && !one.weighed.targets)?.weighed?.trust ?? this.tooFew(effects);
    if (reason !== null) {
      return {
        ...shared, status: "withheld", reason, sentence: "Withheld until the model is fitted again.", probability: null, low: null,
        high: null, words: null, difference: null, difference_mcse: null, assumed: null, model_adds: null, curve: [], milestones: [],
        trust: reason, method: "refit", milliseconds: performance.now() - begun,
      };
    }
    let lowest = { probability: 0, low: 0, high: 0 };
    const points = curve.map((point, place) => {
      const by = effects.reduce((sum, one) => sum + get(one.logOdds, place), 0);
      const met = 1 - this.quiet(state, point.day), alone = moved(point.probability, by);
      const probability = alone + (1 - alone) * met;
      const { low, high } = this.range(state.target, place, probability);
      lowest = {
        probability: Math.max(lowest.probability, probability), low: Math.max(lowest.low, low), high: Math.max(lowest.high, high),
      };
      return { ...point, ...lowest };
    });
    const rows = model.milestones.map((one, place) => {
      const { probability, low, high } = /** @type {typeof points[number]} */ (points.find((point) => point.day === one.day));
      const difference = probability - (milestones[one.name]?.probability ?? 0);
      const quiet = this.quiet(state, one.day);
      const error = Math.hypot(...effects.map((effect) => quiet * get(effect.errors, place)),
        (1 - quiet) * (this.table?.errors[state.target]?.[place] ?? 0));
      const chance = Math.abs(difference) < ROUNDED ? this.chanceOfOtherActs(state, one.day) : 0;
      return {
        name: one.name, probability, low, high, difference, difference_mcse: error,
        difference_at_most: chance ? Math.min(/** @type {Table} */ (this.table).unseen, chance) : null,
      };
    });
    const now = /** @type {typeof rows[number]} */ (rows.find((one) => one.name === state.milestone));
    const assumed = this.assumed(state);
    const grave = model.targets.some((one) => one.name === state.target && one.grave);
    const words = chanceWords(now.probability, now.high, grave);
    return {
      ...shared, ...now, status: "ready", reason: null, words, sentence: sentence(asked.subject, words, now.probability, grave),
      assumed, model_adds: now.difference - assumed, curve: points, milestones: rows,
      method: count > 1 ? "combined" : "tabulated", milliseconds: performance.now() - begun,
      trust: count > 1
        ? "Approximate: the page adds up what each change does alone (in log odds) and does not know how they act together. "
          + "The error is that of the single changes; the range is as wide as the run's at this probability. The command gives exact figures."
        : `${only?.trust ?? "Futures with and without this act were compared when the page was written."} `
          + "The figure comes from a table; the range is as wide as the run's at this probability. The command gives exact figures.",
    };
  }

  /** Range of a probability at a day of the chart: as wide as the run's would be there. @param {string} target @param {number} place @param {number} probability */
  range(target, place, probability) {
    const base = /** @type {Point} */ (this.model.base[target]?.curve[place]);
    if (probability === base.probability) return base;
    const known = [base, ...(this.table?.ranges[target] ?? []).map((one) => (
      { probability: get(one.probability, place), low: get(one.low, place), high: get(one.high, place) }))];
    const places = known.map((one) => logOdds(one.probability));
    /** @param {"low" | "high"} end */
    const at = (end) => moved(probability,
      interpolated(places, known.map((one) => logOdds(one[end]) - logOdds(one.probability)), logOdds(probability)));
    return { low: Math.min(at("low"), probability), high: Math.max(at("high"), probability) };
  }

  /** Why the draws cannot stand for several beliefs: each leaves a part of them. @param {Effect[]} effects */
  tooFew(effects) {
    const { draws = 0, leastDraws = 0 } = this.table ?? {};
    const left = effects.reduce((left, { weighed }) => left * (weighed?.draws ? weighed.draws / draws : 1), draws);
    return left < leastDraws
      ? `Too few draws of the run fit these beliefs together (about ${Math.round(left)} effective draws, at least ${leastDraws} needed).`
      : null;
  }

  /** Effects of all changes but that acts meet the target themselves. @param {State} state @returns {Effect[]} */
  effects(state) {
    this.refuse(state);
    const { table, model } = this;
    if (!table) return [];
    const { curve } = /** @type {PageModel["base"][string]} */ (model.base[state.target]);
    /** @param {number[]} change in probability @param {number[]} errors @returns {Effect} */
    const fromProbability = (change, errors) => ({
      errors,
      logOdds: curve.map(({ probability }, place) =>
        (get(change, place) === 0 ? 0 : logOdds(probability + get(change, place)) - logOdds(probability))),
    });
    /** @param {Weighed | undefined} weighed @returns {Effect} */
    const fromWeights = (weighed) => {
      const found = weighed?.targets?.[state.target];
      return {
        errors: found?.error ?? model.milestones.map(() => 0),
        logOdds: curve.map(({ day }) => (found ? interpolated(table.beliefDays, found.effect, day) : 0)),
        weighed: weighed ?? {
          k: null, draws: null,
          trust: "The page in one file knows beliefs at the stops of their sliders alone.",
        },
      };
    };
    return [
      ...state.events.filter((act) => !meets(this.model, act, state.target)).map((act) => {
        const { change, errors } = this.act(act, state.target);
        return fromProbability(change, errors);
      }),
      ...Object.entries(state.calendar).flatMap(([label, chance]) => {
        const found = table.scheduled[label]?.[state.target];
        const apart = chance - (model.calendar.find((one) => one.label === label)?.probability ?? chance);
        return found ? [fromProbability(found.effect.map((one) => apart * one), found.error.map((one) => Math.abs(apart) * one))] : [];
      }),
      ...Object.entries(state.priors).map(([name, stated]) => fromWeights(table.beliefs[name]?.[String(stated)])),
      ...state.without.map((id) => fromWeights(table.past[id] ?? {
        k: null, draws: null, trust: "Past events are taken out, so the model must be fitted again." })),
    ];
  }

  /** Tabulated effects of the kind of an act. @param {{ category: string, severity: number, by?: string }} act @returns {ActEffect[]} */
  kind(act) {
    const kinds = this.table?.kinds[`${act.category}:${act.by}`] ?? this.table?.kinds[act.category];
    return this.table?.acts[kinds?.[act.severity - 1] ?? -1] ?? [];
  }

  /** First and last day of an act, counted from the origin. @param {{ date?: string, window?: [string, string] }} act @returns {[number, number]} */
  span(act) {
    const { day, date } = /** @type {PageModel["milestones"][number]} */ (this.model.milestones[0]);
    const [first, last] = act.window ?? [act.date ?? "", act.date ?? ""];
    return [day + daysBetween(date, first), day + daysBetween(date, last)];
  }

  /** Chance that the day of an act lies before a day. @param {{ date?: string, window?: [string, string] }} act @param {number} day */
  before(act, day) {
    const [first, last] = this.span(act);
    return Math.min(Math.max(day - first, 0), last - first + 1) / (last - first + 1);
  }

  /** GoalChange of the probability along the chart that an act makes, and its errors. @param {Act} act @param {string} target */
  act(act, target) {
    const { curve } = /** @type {PageModel["base"][string]} */ (this.model.base[target]);
    const [first, last] = this.span(act);
    const kind = this.kind(act);
    const change = curve.map(() => 0), errors = this.model.milestones.map(() => 0);
    const share = act.probability / (last - first + 1);
    for (let day = first; day <= last; day++) {
      const left = kind.filter((one) => one.day <= day).at(-1), right = kind.find((one) => one.day >= day) ?? left;
      if (!left || !right) continue;
      const part = right.day > left.day ? (day - left.day) / (right.day - left.day) : 0;
      const [a, b] = [left, right].map((one) => /** @type {{ effect: number[], error: number[] }} */ (one.targets[target]));
      if (!a || !b) continue;
      // Only futures that have not met the target by the day of the act can be moved.
      const open = 1 - interpolated(curve.map((one) => one.day), curve.map((one) => one.probability), day);
      curve.forEach((point, place) => {
        const lag = point.day - day;
        if (lag <= 0) return;
        const effect = (1 - part) * interpolated(left.lags, a.effect, lag) + part * interpolated(right.lags, b.effect, lag);
        change[place] = get(change, place) + share * open * effect;
      });
      this.model.milestones.forEach((one, place) => {
        if (one.day > day) errors[place] = get(errors, place) + share * Math.max(get(a.error, place), get(b.error, place));
      });
    }
    return { change, errors };
  }

  /** Chance that no added act meets the target before a day. @param {State} state @param {number} day */
  quiet(state, day) {
    return state.events.reduce((chance, act) =>
      (meets(this.model, act, state.target) ? chance * (1 - act.probability * this.before(act, day)) : chance), 1);
  }

  /** Part of the change that acts make by meeting the target, as forecast/scenarios/compare.py has it. @param {State} state */
  assumed(state) {
    const { calendar, base, milestones } = this.model;
    const day = milestones.find((one) => one.name === state.milestone)?.day ?? 0;
    const none = (/** @type {Record<string, number>} */ chances) => calendar.reduce((chance, act) =>
      (meets(this.model, act, state.target) ? chance * (1 - (chances[act.label] ?? act.probability) * this.before(act, day)) : chance), 1);
    const before = none({}), probability = base[state.target]?.milestones[state.milestone]?.probability ?? 0;
    return before ? (1 - probability) * (1 - (none(state.calendar) * this.quiet(state, day)) / before) : 0;
  }

  /** Chance that acts before a day are not those of the run. @param {State} state @param {number} day */
  chanceOfOtherActs(state, day) {
    const apart = [
      ...state.events.map((act) => act.probability * this.before(act, day)),
      ...this.model.calendar.map((act) => Math.abs((state.calendar[act.label] ?? act.probability) - act.probability) * this.before(act, day)),
    ];
    return 1 - apart.reduce((same, one) => same * (1 - one), 1);
  }

  /** Refuse acts that the command refuses. @param {State} state */
  refuse(state) {
    const { model } = this;
    const last = model.milestones.map((one) => one.date).sort().at(-1) ?? "";
    const seen = new Set();
    for (const act of state.events) {
      const days = act.window ?? [act.date ?? "", act.date ?? ""];
      if (!days.every((day) => day > model.as_of && day <= last && Number.isFinite(daysBetween(last, day))) || days[0] > days[1]) {
        throw new Error(`An act needs a day after ${longDay(model.as_of)}, at the latest ${longDay(last)}; got ${days[0]}.`);
      }
      if (!model.categories.some((one) => one.name === act.category)) throw new Error(`${act.category}: no category of the codebook.`);
      if (!model.severities.some((one) => one.value === act.severity)) throw new Error(`Severity ${act.severity}: expected a whole number from 1 to 5.`);
      if (model.actors.length && (act.by ? !model.actors.includes(act.by) : whoMatters(model, act))) {
        throw new Error(`${act.by ?? "An act"}: say who acts, one of ${model.actors.join(", ")}.`);
      }
      const key = JSON.stringify([days, act.category, act.severity, act.by ?? "", act.label ?? ""]);
      if (seen.has(key)) throw new Error("The same act twice. Remove one, or tell them apart by their names.");
      seen.add(key);
    }
  }

  /** Why there is no scenario to write, where there is none. @param {State} state */
  ensureChanged(state) {
    this.refuse(state);
    if (!isChanged(state)) throw new Error("nothing is changed, so there is no scenario to write. Move a belief or add an act");
  }
}

/** Linear between places, constant beyond them. @param {number[]} places @param {number[]} values @param {number} at */
function interpolated(places, values, at) {
  const right = places.findIndex((one) => one >= at);
  if (right < 0) return values.at(-1) ?? 0;
  if (right === 0) return get(values, 0);
  const part = (at - get(places, right - 1)) / (get(places, right) - get(places, right - 1));
  return (1 - part) * get(values, right - 1) + part * get(values, right);
}

/** The answer in one sentence. @param {string} subject @param {string} words @param {number} probability @param {boolean} grave */
function sentence(subject, words, probability, grave) {
  if (grave && probability < LEAST_WORDED) return `${capital(subject)}: ${words}.`;
  return `${capital(words)} (${percent(probability)})${words.endsWith("chance") ? " of" : ":"} ${subject}.`;
}
