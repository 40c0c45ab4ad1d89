// What is changed against the run: in the address, so that a link or the back button brings it back; in words; and as
// the scenario file and the command that compute the same, as forecast/app/state.py writes them.

import { readingOf } from "./beliefs.js";
import { capital, categoryName, longDay, share, shortDay } from "./words.js";

/** @import { Act, Answer, HeldGoal, PageModel, State } from "./types" */

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

/** Whether an act meets a target by itself. @param {PageModel} model @param {{ category: string, severity: number, by?: string }} act @param {string} target */
export function meets(model, act, target) {
  const rule = model.targets.find((one) => one.name === target);
  return rule !== undefined && rule.any_of.includes(act.category) && act.severity >= rule.min_severity
    && (!rule.by.length || rule.by.includes(act.by ?? ""));
}

/** Whether it matters who acts. @param {PageModel} model @param {{ category: string, severity: number }} act */
export function whoMatters(model, { category, severity }) {
  return model.targets.some(({ by, name }) => by.some((one) => meets(model, { category, severity, by: one }, name)));
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

/** The state as a scenario file, which `forecast scenario` reads. @param {State} state */
export function stateYaml(state) {
  const lines = ["name: scenario-page", "rationale: Stated on the scenario page."];
  const priors = Object.entries(state.priors ?? {});
  if (priors.length) lines.push("priors:", ...priors.map(([name, one]) => `  ${quoted(name)}: ${flow(one)}`));
  if (state.events?.length) {
    lines.push("events:");
    for (const act of state.events) {
      const when = act.window ? `window: [${act.window.join(", ")}]` : `date: ${act.date}`;
      const label = act.label ? `\n    label: ${quoted(act.label)}` : "";
      const by = act.by ? `\n    by: ${quoted(act.by)}` : "";
      lines.push(`  - ${when}\n    category: ${act.category}\n    severity: ${act.severity}${by}\n    probability: `
        + `${yamlChance(act.probability ?? 1)}${label}`);
    }
  }
  const calendar = Object.entries(state.calendar ?? {});
  if (calendar.length) {
    lines.push("calendar:", "  probability:", ...calendar.map(([label, one]) => `    ${quoted(label)}: ${yamlChance(one)}`));
  }
  if (state.without?.length) lines.push("without:", ...state.without.map((id) => `  - ${quoted(id)}`));
  return `${lines.join("\n")}\n`;
}

/** A text in the double quotes that JSON and YAML share. @param {string} text */
const quoted = (text) => JSON.stringify(text);

/** @param {unknown} value @returns {string} */
function flow(value) {
  if (typeof value === "number") return plainFloat(value);
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    return `{${Object.entries(value).map(([name, one]) => `${quoted(name)}: ${flow(one)}`).join(", ")}}`;
  }
  return quoted(String(value));
}

/** A number without exponent, which some readers of YAML take for a text. @param {number} value */
function plainFloat(value) {
  return /e/i.test(String(value)) ? value.toFixed(20).replace(/0+$/, "0") : String(value);
}

/** A probability, with a point even where it is whole. @param {number} value */
function yamlChance(value) {
  return Number.isInteger(value) ? `${value}.0` : plainFloat(value);
}

/** The command that computes the same, to copy into a shell. @param {State} state @param {string} folder */
export function stateCommand(state, folder) {
  const words = ["forecast", "scenario", folder];
  const events = state.events ?? [];
  if (Object.keys(state.calendar ?? {}).length || events.some((act) => act.label || act.by?.includes(":"))) words.push("scenario-page.yaml");
  else {
    for (const [name, one] of Object.entries(state.priors ?? {})) words.push("--prior", `${name}=${statementText(one)}`);
    for (const act of events) {
      const days = act.window ? act.window.join("..") : act.date;
      words.push("--event", `${days}:${act.category}:${act.severity}:${Number((act.probability ?? 1).toPrecision(6))}${act.by ? `:${act.by}` : ""}`);
    }
    for (const id of state.without ?? []) words.push("--without", id);
  }
  return words.map(shellWord).join(" ");
}

/** The command that searches what would have to change. @param {HeldGoal} goal @param {string} folder */
export function reconcileCommand({ target, milestone, probability }, folder) {
  return ["forecast", "reconcile", folder, "--target", target, "--before", milestone, "--probability", String(probability)]
    .map(shellWord).join(" ");
}

/** @param {unknown} value @returns {string} */
function statementText(value) {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return `{${Object.entries(value).map(([name, one]) => `${name}: ${statementText(one)}`).join(", ")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(statementText).join(", ")}]`;
  return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
}

/** @param {string} word */
function shellWord(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}
