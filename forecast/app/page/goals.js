// What would it take: which single change brings the headline to a probability or a word.

import { el, replace } from "./dom.js";
import { BANDS, capital, dayAfter, likelihoodWords, longDay, percent, share } from "./words.js";

/** @import { Act, GoalChange, Hands, Source, State } from "./types" */
/** @import { Tabulated } from "./tabulated.js" */

/** @param {Source} source @param {Hands} hands @param {() => boolean} answered whether the present state has its answer */
export function goals(source, hands, answered) {
  const choice = el("select", { id: "goal", onchange: () => ask() },
    ...BANDS.map(([word, low, high]) => el("option", { value: word }, low === 1 ? "below 5%" : `${word} (${low}–${high}%)`)),
    el("option", { value: "number" }, "a probability …"));
  choice.value = "likely";
  const number = el("input", { type: "number", min: 1, max: 99, step: 1, value: 50, id: "goal-number",
    "aria-label": "Probability in percent", onchange: () => ask() });
  const list = el("ul", { class: "goal-list" });
  const status = el("p", { class: "fine", role: "status" });
  const numberField = el("span", { class: "goal-number", hidden: true }, number, " %");
  let open = false;
  let last = "";
  let running = new AbortController();

  async function ask() {
    numberField.hidden = choice.value !== "number";
    if (!open) return;
    if (!answered()) {
      running.abort();
      last = "";
      replace(list);
      replace(status, "Available once this state has an answer.");
      return;
    }
    const state = hands.state();
    const goal = choice.value === "number" ? Number(number.value) / 100 : choice.value;
    if (typeof goal === "number" && !(goal > 0 && goal < 1)) {
      replace(status, "Give a percentage from 1 to 99.");
      return;
    }
    const key = JSON.stringify([goal, state]);
    if (key === last) return;
    last = key;
    running.abort();
    running = new AbortController();
    const { signal } = running;
    replace(status, "Searching …");
    try {
      const found = await source.changes(state, goal, signal);
      if (signal.aborted) return;
      show(found);
    } catch (error) {
      if (signal.aborted) return;
      last = "";
      replace(list);
      replace(status, error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {GoalChange[]} found */
  function show(found) {
    const reaching = found.filter((one) => one.reaches);
    replace(status, reaching.length
      ? `${reaching.length === 1 ? "One single change gets" : `${reaching.length} single changes get`} there:`
      : found.length ? "No single change gets there. The furthest that each goes:" : "Nothing to change.");
    const shown = reaching.length ? reaching : found.slice(0, 6);
    replace(list, ...shown.map((one) => el("li", {},
      el("span", {}, capital(one.text), one.probability !== null ? el("strong", {}, ` ${percent(one.probability)}`) : null),
      one.reaches && one.setting ? el("button", { type: "button", onclick: () => apply(one) }, "Apply",
        el("span", { class: "unseen" }, `: ${one.text}`)) : null)));
  }

  /** @param {GoalChange} one */
  function apply(one) {
    const setting = one.setting ?? {};
    hands.change((state) => {
      Object.assign(state.priors, setting.priors ?? {});
      Object.assign(state.calendar, setting.calendar ?? {});
      if (setting.events) state.events = setting.events;
    });
  }

  const node = el("details", { class: "goals", id: "goals", ontoggle: () => {
    open = node.open;
    ask();
  } },
    el("summary", {}, "What would it take?"),
    el("p", { class: "row" }, el("label", { for: "goal" }, "To make it "), choice, numberField),
    status, list);
  return { node, update: ask };
}

/** Halvings of a chance until it is exact to a thousandth. */
const HALVINGS = 12;

/** @param {Tabulated} tables @param {State} state @param {number | string} goal @returns {GoalChange[]} */
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
      /** @type {GoalChange | null} */
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
    const soon = dayAfter(model.as_of, 1 + Math.min(model.trials.soon_days, Math.floor((milestone?.day ?? 0) / 2)));
    /** @type {[string, number, string?][]} */
    const calming = model.trials.calming;
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
      ...(state.events.length < model.limits.acts ? up ? kinds : calming : []).map(([category, severity, actor]) => {
        const by = actor ?? (tables.directed({ category, severity }) ? model.actors[0] : undefined);
        return along("act", `one more ${named(category, severity)}${by ? ` by ${by}` : ""} on ${longDay(soon)}`, 0,
          assumed(state.events.length, { date: soon, category, severity, ...(by ? { by } : {}), probability: 0, label: "one more act" }));
      }),
    ].filter((one) => one !== null);
  }

  /** @param {"act" | "calendar"} kind @param {string} name @param {number} chance @param {(chance: number) => Partial<State>} setting @returns {GoalChange | null} */
  function along(kind, name, chance, setting) {
    const ends = [0, 1].map((one) => chanceOf(setting(one)) ?? NaN);
    const end = (ends[1] ?? 0) > (ends[0] ?? 0) === up ? 1 : 0;
    const furthest = ends[end] ?? NaN;
    if (!there(furthest)) return { kind, name, text: `${name}: as far as it goes.`, reaches: false, probability: furthest, setting: {} };
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

