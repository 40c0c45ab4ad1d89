// What is changed against the run: in the address, so that a link or the back button brings it back; and in words.

import { readingOf } from "./beliefs.js";
import { capital, categoryName, longDay, share, shortDay } from "./words.js";

/** @import { Act, Answer, PageModel, State } from "./types" */

/** @param {PageModel} model @returns {State} */
export function emptyState(model) {
  return {
    run: model.run_id,
    target: model.headline.target,
    milestone: model.headline.milestone,
    priors: {},
    events: [],
    calendar: {},
    without: [],
  };
}

/** @param {State} state */
export function isChanged(state) {
  return (
    Object.keys(state.priors).length + Object.keys(state.calendar).length + state.events.length +
      state.without.length > 0
  );
}

/** What the run itself says of a question. @param {PageModel} model @param {State} state @returns {Answer} */
export function answerOfRun(model, state) {
  const base = model.base[state.target];
  const asked = base?.milestones[state.milestone];
  if (!base || !asked) throw new Error(`the run has no ${state.target} before ${state.milestone}`);
  const none = { difference: 0, difference_mcse: 0, difference_at_most: null };
  const { subject: _, ...said } = asked;
  return {
    ...said, ...none, target: state.target, milestone: state.milestone, base: asked, assumed: 0, model_adds: 0,
    status: model.converged ? "ready" : "withheld",
    reason: model.converged ? null : "This run did not converge. Its numbers must not be used.",
    curve: base.curve,
    milestones: Object.entries(base.milestones).map(([name, { probability, low, high }]) => ({ name, probability, low, high, ...none })),
    pareto_k: null, effective_draws: null, trust: "These are the numbers of the run.", method: "run",
    changes: [], command: "", milliseconds: 0,
  };
}

/** Fragment of the address that holds a state. @param {State} state */
export function toFragment(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  let text = "";
  for (const one of bytes) text += String.fromCharCode(one);
  return `#${btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`;
}

/**
 * State of a fragment; the run's own where there is none.
 * @param {string} fragment
 * @param {PageModel} model
 * @returns {{ state: State, problem: string | null }}
 */
export function fromFragment(fragment, model) {
  const empty = emptyState(model);
  const text = fragment.replace(/^#/, "");
  if (!text) return { state: empty, problem: null };
  const unreadable = "This link cannot be read; the page shows the forecast of the run.";
  let found;
  try {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    found = JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, (one) => one.charCodeAt(0))));
  } catch {
    return { state: empty, problem: unreadable };
  }
  if (typeof found !== "object" || found === null) return { state: empty, problem: unreadable };
  if (found.run !== model.run_id) {
    const other = typeof found.run === "string" ? ` (${found.run.slice(0, 80)})` : "";
    return {
      state: empty,
      problem: `This link belongs to another run${other}; the page shows ${model.run_id} without changes.`,
    };
  }
  return { state: sound(found, model), problem: null };
}

/** Keep of a state what has the right shape; the values themselves are checked where it is answered.
 * @param {any} found @param {PageModel} model @returns {State}
 */
function sound(found, model) {
  const state = emptyState(model);
  if (model.targets.some((one) => one.name === found.target)) state.target = found.target;
  if (model.milestones.some((one) => one.name === found.milestone)) state.milestone = found.milestone;
  const known = new Set(model.priors.map((one) => one.name));
  for (const [name, prior] of Object.entries(mapping(found.priors))) {
    if (known.has(name) && (typeof prior === "string" || (typeof prior === "object" && prior))) {
      state.priors[name] = /** @type {any} */ (prior);
    }
  }
  const scheduled = new Set(model.calendar.map((one) => one.label));
  for (const [label, chance] of Object.entries(mapping(found.calendar))) {
    if (scheduled.has(label) && isChance(chance)) state.calendar[label] = chance;
  }
  for (const act of list(found.events).slice(0, model.limits.acts)) {
    const kept = soundAct(act);
    if (kept) state.events.push(kept);
  }
  for (const id of list(found.without)) if (typeof id === "string") state.without.push(id);
  return state;
}

/** @param {any} act @returns {Act | null} */
function soundAct(act) {
  if (typeof act !== "object" || !act || typeof act.category !== "string") return null;
  const severity = Number(act.severity);
  if (!Number.isInteger(severity)) return null;
  const probability = act.probability === undefined ? 1 : act.probability;
  if (!isChance(probability)) return null;
  /** @type {Act} */
  const kept = { category: act.category, severity, probability };
  if (isDay(act.date)) kept.date = act.date;
  else if (Array.isArray(act.window) && isDay(act.window[0]) && isDay(act.window[1])) {
    kept.window = [act.window[0], act.window[1]];
  } else return null;
  if (typeof act.by === "string" && act.by) kept.by = act.by.slice(0, 100);
  if (typeof act.label === "string" && act.label) kept.label = act.label.slice(0, 200);
  return kept;
}

/** @param {unknown} value @returns {value is string} */
function isDay(value) {
  return typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);
}

/** @param {unknown} value @returns {value is number} */
function isChance(value) {
  return typeof value === "number" && value >= 0 && value <= 1;
}

/** @param {unknown} value @returns {Record<string, unknown>} */
function mapping(value) {
  return typeof value === "object" && value && !Array.isArray(value)
    ? /** @type {Record<string, unknown>} */ (value)
    : {};
}

/** @param {unknown} value @returns {unknown[]} */
function list(value) {
  return Array.isArray(value) ? value : [];
}

/** @template T @param {T} value @returns {T} */
export function copyOf(value) {
  return JSON.parse(JSON.stringify(value));
}

/** What a severity looks like in a category, by the scale of the run. @param {PageModel} model @param {string} category @param {number} severity */
export function anchor(model, category, severity) {
  return model.severities.find((one) => one.value === severity)?.anchors[category]?.replace(/\.$/, "") ?? "";
}

/** A kind of act with the anchor of its severity. @param {PageModel} model @param {{ category: string, severity: number, by?: string }} act */
export function actText(model, { category, severity, by }) {
  const like = anchor(model, category, severity);
  return `${categoryName(model, category).toLowerCase()} of severity ${severity}${by ? ` by ${by}` : ""}${like ? ` (“${like}”)` : ""}`;
}

/** What a state assumes, in words. @param {PageModel} model @param {State} state @returns {string[]} */
export function assumptions(model, state) {
  const said = [];
  for (const act of state.events) {
    const day = act.window ? `between ${longDay(act.window[0])} and ${longDay(act.window[1])}` : `on ${longDay(act.date ?? "")}`;
    const name = `${act.label ? `${act.label}: ` : ""}${actText(model, act)}`;
    said.push(`${capital(name)} ${day}${act.probability === 1 ? "" : `, ${share(act.probability)} likely`}`);
  }
  for (const act of model.calendar) {
    const now = state.calendar[act.label];
    if (now !== undefined) said.push(`${act.label}: ${share(now)} likely instead of ${share(act.probability)}`);
  }
  for (const prior of model.priors) {
    const stated = state.priors[prior.name];
    if (stated === undefined) continue;
    const reading = readingOf(prior, stated), preset = prior.presets.find((one) => one.statement === stated);
    said.push(`${prior.label}${preset ? `, ${preset.word}` : ""}: ${reading.slice(0, 1).toLowerCase()}${reading.slice(1)}`);
  }
  for (const id of state.without) {
    const act = model.past.find((one) => one.id === id);
    said.push(act ? `Without what happened on ${shortDay(act.date)}: ${act.text}` : `Without the past act ${id}`);
  }
  return said;
}
