// What would it take: which single act or belief brings the headline to a probability or a word. An act that is itself
// what is forecast is never tried.

import { el, replace } from "./dom.js";
import { actText, meets, whoMatters } from "./state.js";
import { BANDS, capital, dayAfter, likelihoodWords, longDay, percent, share } from "./words.js";

/** @import { Act, Goal, GoalChange, Hands, PageModel, PagePrior, Source, State } from "./types" */

const SHOWN = 6;
/** The gravest act that is tried, short of an extreme one. */
const GRAVEST = 4;
const SOON_DAYS = 30;
const NEARLY = 1e-9;

/** @param {PageModel} model @param {Source} source @param {Hands} hands @param {() => number | null} answered the probability of the present state, once it has its answer */
export function goals(model, source, hands, answered) {
  const choice = el("select", { id: "goal", onchange: () => { chosen = true; ask(); } },
    ...BANDS.map(([word, low, high]) => el("option", { value: word }, low === 1 ? "below 5%" : high === 99 ? "above 95%" : `${word} (${low}–${high}%)`)),
    el("option", { value: "number" }, "a probability …"));
  const number = el("input", { type: "number", min: 1, max: 99, step: 1, value: 50, id: "goal-number",
    "aria-label": "Probability in percent", onchange: () => ask() });
  const list = el("ul", { class: "goal-list" });
  const status = el("p", { class: "fine", role: "status" });
  const numberField = el("span", { class: "goal-number", hidden: true }, number, " %");
  let [open, chosen] = [false, false];
  let last = "";
  let running = new AbortController();

  async function ask() {
    if (!open) return;
    const now = answered();
    if (now === null) {
      running.abort();
      last = "";
      replace(list);
      replace(status, "Available once this state has an answer.");
      return;
    }
    if (!chosen) choice.value = nextWord(now);
    numberField.hidden = choice.value !== "number";
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
    const toReach = goalOf(goal, now);
    if (!toReach) {
      replace(list);
      replace(status, `It is there already: ${percent(now)}${typeof goal === "string" ? ` is ${goal}` : ""}.`);
      return;
    }
    replace(status, "Searching … some seconds.");
    try {
      show(await reachGoal(model, state, toReach, (asked) => source.answer(asked, signal)), toReach);
    } catch (error) {
      if (signal.aborted) return;
      last = "";
      replace(list);
      replace(status, error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {GoalChange[]} found @param {Goal} goal */
  function show(found, goal) {
    const reaching = found.filter((one) => one.reaches);
    const way = `from ${percent(goal.from)} to ${percent(goal.bound)}`;
    replace(status, reaching.length
      ? `${reaching.length === 1 ? "One act or belief takes" : `${reaching.length} acts or beliefs, each alone, take`} it ${way}:`
      : `Nothing on the list would: no single act or belief takes it ${way}. The furthest that each goes:`);
    replace(list, ...(reaching.length ? reaching : found).slice(0, SHOWN).map((one) => el("li", {},
      el("span", {}, capital(one.text), el("strong", {}, ` ${percent(one.probability)}`)),
      one.reaches ? el("button", { type: "button", onclick: () => hands.change((state) => { Object.assign(state, one.setting); }) }, "Apply",
        el("span", { class: "unseen" }, `: ${one.text}`)) : null)));
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

/** The likelier or less likely word that is nearest. @param {number} now */
function nextWord(now) {
  const place = BANDS.findIndex(([word]) => word === likelihoodWords(now));
  const [, low, high] = BANDS[place] ?? ["", 0, 100];
  const step = place === 0 || (place < BANDS.length - 1 && high - 100 * now <= 100 * now - low) ? 1 : -1;
  return BANDS[place + step]?.[0] ?? "likely";
}

/** Where a goal begins, seen from here; `null` where it is met. @param {number | string} goal @param {number} from @returns {Goal | null} */
export function goalOf(goal, from) {
  if (likelihoodWords(from) === goal) return null;
  const [, low, high] = BANDS.find(([word]) => word === goal) ?? ["", 0, 0];
  const bound = typeof goal === "number" ? goal : from < low / 100 ? low / 100 : high / 100;
  return Math.abs(bound - from) < NEARLY ? null : { from, bound };
}

/**
 * Try each scheduled, assumed or new act, and each key belief, alone: those that reach the goal first, acts before beliefs,
 * the others by how far they go.
 * @param {PageModel} model @param {State} state @param {Goal} goal
 * @param {(state: State) => Promise<{ probability: number | null }>} answer @returns {Promise<GoalChange[]>}
 */
export async function reachGoal(model, state, { from, bound }, answer) {
  const up = bound > from;
  const chanceOf = async (/** @type {Partial<State>} */ setting) => (await answer({ ...state, ...setting })).probability;
  const there = (/** @type {number} */ chance) => (up ? chance >= bound - NEARLY : chance <= bound + NEARLY);
  /** @type {GoalChange[]} */
  const found = [];
  for (const one of actsToTry(model, state, up)) {
    const change = await along(one);
    if (change) found.push(change);
  }
  for (const prior of model.priors.filter((one) => one.key)) {
    const change = await belief(prior);
    if (change) found.push(change);
  }
  const gone = (/** @type {GoalChange} */ one) => (one.reaches ? 0 : up ? -one.probability : one.probability);
  return found.sort((a, b) => Number(b.reaches) - Number(a.reaches) || gone(a) - gone(b));

  /** The chance that an act needs: a probability is linear in it. @param {Tried} tried @returns {Promise<GoalChange | null>} */
  async function along({ kind, name, chance, setting }) {
    let [end, furthest] = [chance, from];
    for (const one of chance === 0 ? [1] : [1, 0]) {
      const reached = await chanceOf(setting(one));
      if (reached !== null && (up ? reached > furthest : reached < furthest)) [end, furthest] = [one, reached];
    }
    if (end === chance) return null;
    if (!there(furthest)) return { kind, name, text: `${name}, ${end ? "certain" : "ruled out"}: `, reaches: false, probability: furthest, setting: {} };
    const part = ((bound - from) / (furthest - from)) * (end - chance);
    const needed = Math.min(Math.max(chance + Math.sign(part) * Math.ceil(1000 * Math.abs(part)) / 1000, 0), 1);
    return {
      kind, name, text: `${name}, ${share(needed)} likely instead of ${share(chance)}: `, reaches: true,
      probability: (await chanceOf(setting(needed))) ?? bound, setting: setting(needed),
    };
  }

  /** The first stop of a slider that gets there, or the furthest that the draws can tell. @param {PagePrior} prior @returns {Promise<GoalChange | null>} */
  async function belief(prior) {
    const [low, high] = prior.reliable;
    /** @type {GoalChange | null} */
    let best = null;
    for (const side of [-1, 1]) {
      const stops = prior.stops.filter((one) => one.steps * side > 0 && one.steps >= low && one.steps <= high)
        .sort((a, b) => Math.abs(a.steps) - Math.abs(b.steps));
      const tried = async (/** @type {number} */ place) => {
        const stop = stops[place];
        const setting = { priors: { ...state.priors, [prior.name]: stop?.statement ?? "" } };
        const probability = stop ? await chanceOf(setting) : null;
        return stop && probability !== null ? { stop, setting, probability } : null;
      };
      let reached = await tried(stops.length - 1);
      const reaches = reached !== null && there(reached.probability);
      for (let [before, after] = [-1, stops.length - 1]; reaches && after - before > 1;) {
        const middle = Math.floor((before + after) / 2);
        const nearer = await tried(middle);
        if (nearer && there(nearer.probability)) [after, reached] = [middle, nearer];
        else before = middle;
      }
      if (!reached || (up ? reached.probability <= (best?.probability ?? from) : reached.probability >= (best?.probability ?? from))) continue;
      const { stop, setting, probability } = reached;
      best = { kind: "prior", name: prior.name, text: `${prior.label}: ${stop.text}: `, reaches, probability, setting: reaches ? setting : {} };
    }
    return best;
  }
}

/** @typedef {{ kind: GoalChange["kind"], name: string, chance: number, setting: (chance: number) => Partial<State> }} Tried */

/** @param {PageModel} model @param {State} state @param {boolean} up @returns {Tried[]} */
function actsToTry(model, state, up) {
  const milestone = model.milestones.find((one) => one.name === state.milestone);
  const day = milestone?.date ?? "";
  const soon = dayAfter(model.as_of, 1 + Math.min(SOON_DAYS, Math.floor((milestone?.day ?? 0) / 2)));
  /** @param {number} place @param {Act} act */
  const assumed = (place, act) => (/** @type {number} */ chance) =>
    ({ events: [...state.events.slice(0, place), { ...act, probability: chance }, ...state.events.slice(place + 1)] });
  const isTarget = (/** @type {{ category: string, severity: number, by?: string }} */ act) => meets(model, act, state.target);
  const acts = model.categories.filter((one) => one.conflict === up).flatMap(({ name: category }) => {
    for (let severity = GRAVEST; severity > 0; severity--) {
      const by = model.actors[0];
      const act = { date: soon, category, severity, probability: 0, label: "one more act", ...(by && whoMatters(model, { category, severity }) ? { by } : {}) };
      const anchored = model.severities.find((one) => one.value === severity)?.anchors[category];
      if (anchored && !model.actors.concat(by ?? "").some((actor) => isTarget({ ...act, by: actor }))) return [act];
    }
    return [];
  });
  return [
    ...model.calendar.filter((act) => act.date < day && !isTarget(act)).map((act) => /** @type {Tried} */ ({
      kind: "calendar", name: `${act.label} (${longDay(act.date)})`, chance: state.calendar[act.label] ?? act.probability,
      setting: (chance) => ({ calendar: { ...state.calendar, [act.label]: chance } }),
    })),
    ...state.events.flatMap((act, place) => (isTarget(act) ? [] : [/** @type {Tried} */ ({
      kind: "act", name: act.label ?? actText(model, act), chance: act.probability, setting: assumed(place, act),
    })])),
    ...(state.events.length < model.limits.acts ? acts : []).map((act) => /** @type {Tried} */ ({
      kind: "act", name: `a new act on ${longDay(soon)}: ${actText(model, act)}`, chance: 0, setting: assumed(state.events.length, act),
    })),
  ];
}
