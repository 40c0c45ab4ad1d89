// What would it take, from the tables: the single changes that bring a state to a probability, as forecast/app/goals.py.

import { BANDS, dayAfter, likelihoodWords, longDay, percent } from "./words.js";

/** @import { Act, Change, State } from "./types" */
/** @import { Tabulated } from "./tabulated.js" */

/** Acts that are tried where a probability is to fall. @type {[string, number, string?][]} */
const CALMING = [["visit", 4], ["channel_opening", 3]];
const SOON_DAYS = 30;
/** Halvings of a chance until it is exact to a thousandth. */
const HALVINGS = 12;

/** @param {Tabulated} tables @param {State} state @param {number | string} goal @returns {Change[]} */
export function reachGoal(tables, state, goal) {
  const chanceOf = (/** @type {Partial<State>} */ setting) => tables.answer({ ...state, ...setting }).probability;
  const now = chanceOf({});
  if (now === null) throw new Error("What it would take cannot be told from here: the numbers are withheld.");
  if (likelihoodWords(now) === goal) return [];
  const [, low, high] = BANDS.find(([word]) => word === goal) ?? ["", 0, 0];
  const bound = typeof goal === "number" ? goal : now < low / 100 ? low / 100 : high / 100;
  const up = bound > now;
  const there = (/** @type {number | null} */ chance) => chance !== null && (up ? chance >= bound : chance <= bound);
  const changes = [...acts(), ...beliefs()];
  return changes.sort((a, b) => Number(b.reaches) - Number(a.reaches));

  /** The first stop of each slider that gets there, or the furthest. */
  function beliefs() {
    return tables.model.priors.filter((prior) => prior.key).flatMap((prior) => {
      /** @type {Change | null} */
      let best = null;
      for (const stop of [...prior.stops].sort((a, b) => Math.abs(a.steps) - Math.abs(b.steps))) {
        const setting = { priors: { ...state.priors, [prior.name]: stop.statement } };
        const probability = stop.steps ? chanceOf(setting) : now;
        if (probability === null || best?.reaches) continue;
        const reaches = there(probability);
        if (reaches || !best || (up ? probability > (best.probability ?? 0) : probability < (best.probability ?? 1))) {
          best = { kind: "prior", name: prior.name, text: `${prior.label}: ${stop.text}.`, reaches, probability, setting };
        }
      }
      return best ? [best] : [];
    });
  }

  /** Each scheduled, assumed or new act with the chance that it would need. */
  function acts() {
    const { model } = tables;
    const milestone = model.milestones.find((one) => one.name === state.milestone);
    const day = milestone?.date ?? "";
    const soon = dayAfter(model.as_of, 1 + Math.min(SOON_DAYS, Math.floor((milestone?.day ?? 0) / 2)));
    const kinds = model.categories.flatMap(({ name }) => {
      const severities = model.severities.map((one) => one.value);
      const by = [undefined, ...model.actors].find((actor) => severities.some((one) => tables.meets({ category: name, severity: one, by: actor }, state.target)));
      const severity = severities.find((one) => tables.meets({ category: name, severity: one, by }, state.target));
      return severity ? [/** @type {[string, number, string | undefined]} */ ([name, severity, by])] : [];
    });
    /** @param {number} place @param {Act} act */
    const assumed = (place, act) => (/** @type {number} */ chance) =>
      ({ events: [...state.events.slice(0, place), { ...act, probability: chance }, ...state.events.slice(place + 1)] });
    return [
      ...model.calendar.filter((act) => act.date < day).map((act) => along("calendar", act.label, state.calendar[act.label] ?? act.probability,
        (chance) => ({ calendar: { ...state.calendar, [act.label]: chance } }))),
      ...state.events.map((act, place) => along("act", act.label ?? named(act.category, act.severity), act.probability, assumed(place, act))),
      ...(state.events.length < model.limits.acts ? up ? kinds : CALMING : []).map(([category, severity, actor]) => {
        const by = actor ?? (tables.directed({ category, severity }) ? model.actors[0] : undefined);
        return along("act", `one more ${named(category, severity)}${by ? ` by ${by}` : ""} on ${longDay(soon)}`, 0,
          assumed(state.events.length, { date: soon, category, severity, ...(by ? { by } : {}), probability: 0, label: "one more act" }));
      }),
    ].filter((one) => one !== null);
  }

  /** @param {string} kind @param {string} name @param {number} chance @param {(chance: number) => Partial<State>} setting @returns {Change | null} */
  function along(kind, name, chance, setting) {
    const ends = [0, 1].map((one) => chanceOf(setting(one)) ?? NaN);
    const end = (ends[1] ?? 0) > (ends[0] ?? 0) === up ? 1 : 0;
    const furthest = ends[end] ?? NaN;
    if (!there(furthest)) return { kind, name, text: `${name}: as far as it goes.`, reaches: false, probability: furthest, setting: null };
    let [from, to] = [chance, end];
    for (let halving = 0; halving < HALVINGS; halving++) {
      const middle = (from + to) / 2;
      if (there(chanceOf(setting(middle)))) to = middle;
      else from = middle;
    }
    const needed = Math.round(1000 * to) / 1000;
    return {
      kind, name, text: `${name}: ${share(needed)} likely in place of ${share(chance)}.`, reaches: true,
      probability: chanceOf(setting(needed)), setting: setting(needed),
    };
  }
}

/** @param {string} category @param {number} severity */
function named(category, severity) {
  return `${category.replaceAll("_", " ")} (severity ${severity})`;
}

/** @param {number} part */
function share(part) {
  return part === 0 ? "0%" : part === 1 ? "100%" : percent(part);
}
