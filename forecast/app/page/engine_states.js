// A state put upon the run: its faults, its acts and priors, and the scenario file and command that say the same.

import { StateError, distributionOf, readPrior, sameDistribution } from "./engine_priors.js";
import { daysBetween, longDay, percent } from "./words.js";

/** @import { Carried, Distribution, FutureAct, Rule } from "./engine_types" */
/** @import { Act, PageModel, State, Statement } from "./types" */

/**
 * What a state changes: priors that differ from the run's, all future acts, past events taken out, in words.
 * @typedef {{ priors: Map<string, Distribution>, acts: FutureAct[], changesFuture: boolean, without: string[],
 *   changes: string[] }} Plan
 */

const KEYS = ["run", "target", "milestone", "priors", "events", "calendar", "without"];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** @param {State} state @param {Carried} carried @param {PageModel} model @returns {Plan} */
export function planState(state, carried, model) {
  for (const key of Object.keys(state)) {
    if (!KEYS.includes(key)) throw new StateError(`unknown key. Allowed: ${KEYS.join(", ")}`, key);
  }
  const stated = mapping(state.priors, "priors"), chances = mapping(state.calendar, "calendar");
  const events = list(state.events, "events"), without = list(state.without, "without");
  if (events.length > model.limits.acts) throw new StateError(`${events.length} entries; at most ${model.limits.acts} are allowed`, "events");
  if (without.length > model.limits.acts) throw new StateError(`${without.length} entries; at most ${model.limits.acts} are allowed`, "without");
  const labels = new Set(carried.calendar.map((act) => act.label));
  for (const [label, chance] of Object.entries(chances)) {
    if (!labels.has(label)) throw new StateError("the calendar has no act of this label", `calendar.${label}`);
    probability(chance, `calendar.${label}`);
  }
  for (const [place, id] of without.entries()) {
    if (typeof id !== "string" || !carried.pastIds.includes(id)) throw new StateError("no event has this id", `without[${place}]`);
  }
  const kept = carried.calendar.map((act) => ({ ...act, probability: /** @type {number} */ (chances[act.label] ?? act.probability) }));
  const added = events.map((act, place) => readAct(act, `events[${place}]`, model, carried.lastDay));
  added.forEach((act, place) => {
    if (kept.some((one) => sameAct(one, act))) {
      throw new StateError("is in the calendar already; make that more or less likely", `events[${place}]`);
    }
    if (added.findIndex((one) => sameAct(one, act)) !== place) {
      throw new StateError("the same act twice; remove one, or tell them apart by their labels", `events[${place}]`);
    }
  });
  return {
    priors: readPriors(stated, carried),
    acts: [...kept, ...added],
    changesFuture: added.length > 0 || kept.some((act, place) => act.probability !== carried.calendar[place]?.probability),
    without: /** @type {string[]} */ (without),
    changes: changeTexts(added, kept, stated, without.length, carried),
  };
}

/** @param {Record<string, unknown>} stated @param {Carried} carried */
function readPriors(stated, carried) {
  /** @type {Map<string, Distribution>} */
  const found = new Map();
  const names = new Set(carried.priors.map((one) => one.name));
  // A group sets all its elements; a parameter's own name wins over its group's.
  const order = Object.keys(stated).sort((a, b) => Number(names.has(a)) - Number(names.has(b)));
  for (const name of order) {
    const meant = carried.priors.filter((one) => one.name === name || (!names.has(name) && one.group === name));
    if (!meant.length) throw new StateError("unknown prior", `priors.${name}`);
    for (const prior of meant) {
      const next = readPrior(prior, /** @type {Statement} */ (stated[name]));
      if (sameDistribution(next, distributionOf(prior.now))) found.delete(prior.name);
      else found.set(prior.name, next);
    }
  }
  return found;
}

/** @param {unknown} given @param {string} key @param {PageModel} model @param {string} lastDay @returns {FutureAct} */
function readAct(given, key, model, lastDay) {
  const act = /** @type {Partial<Act>} */ (mapping(given, key));
  const window = act.window ?? null;
  if ((act.date === undefined) === (window === null)) throw new StateError("an act needs either date or window", key);
  const [first, last] = window ?? [act.date, null];
  const where = `${key}.${window ? "window" : "date"}`;
  for (const one of [first, ...(window ? [last] : [])]) {
    if (typeof one !== "string" || !DAY.test(one) || !isDay(one)) throw new StateError("expected a day, e.g. 2024-03-01", where);
  }
  const day = /** @type {string} */ (first), until = /** @type {string | null} */ (last);
  if (until !== null && until < day) throw new StateError(`${day} is after ${until}; write [first day, last day]`, where);
  if (day <= model.as_of) throw new StateError(`${day} is not after the as-of date (${model.as_of})`, where);
  if (day > lastDay) throw new StateError(`${day} is after the last milestone (${lastDay}), so it would change nothing`, where);
  if (!model.categories.some((one) => one.name === act.category)) throw new StateError("is no category of the codebook", `${key}.category`);
  const { severity } = act;
  if (typeof severity !== "number" || !Number.isInteger(severity) || severity < 1 || severity > 5) {
    throw new StateError("expected a whole number from 1 to 5", `${key}.severity`);
  }
  return {
    date: day, until, category: /** @type {string} */ (act.category), severity,
    probability: act.probability === undefined ? 1 : probability(act.probability, `${key}.probability`),
    label: typeof act.label === "string" ? act.label : "",
  };
}

/** @param {string} iso */
function isDay(iso) {
  const time = Date.parse(`${iso}T00:00:00Z`);
  return Number.isFinite(time) && new Date(time).toISOString().startsWith(iso);
}

/** @param {unknown} given @param {string} key */
function probability(given, key) {
  if (typeof given !== "number" || !(given >= 0 && given <= 1)) throw new StateError("expected a number from 0 to 1", key);
  return given;
}

/** @param {unknown} given @param {string} key @returns {Record<string, unknown>} */
function mapping(given, key) {
  if (given === undefined) return {};
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw new StateError("expected names with values", key);
  return /** @type {Record<string, unknown>} */ (given);
}

/** @param {unknown} given @param {string} key @returns {unknown[]} */
function list(given, key) {
  if (given === undefined) return [];
  if (!Array.isArray(given)) throw new StateError("expected a list", key);
  return given;
}

/** Whether acts are the same but for their probability. @param {FutureAct} one @param {FutureAct} other */
function sameAct(one, other) {
  return one.date === other.date && one.until === other.until && one.category === other.category
    && one.severity === other.severity && one.label === other.label;
}

/** Whether an act meets a target by itself. @param {FutureAct} act @param {Rule} rule */
export function meets(act, rule) {
  return rule.anyOf.includes(act.category) && act.severity >= rule.minSeverity;
}

/** Chance that the day of an act lies before a day, given that it happens. @param {FutureAct} act @param {string} day */
export function shareBefore(act, day) {
  const days = daysBetween(act.date, act.until ?? act.date) + 1;
  return Math.min(Math.max(daysBetween(act.date, day), 0), days) / days;
}

/**
 * Probability that acts before a day are not the same on the same luck.
 * @param {FutureAct[]} before @param {FutureAct[]} after @param {string} day
 */
export function chanceOfOtherActs(before, after, day) {
  /** @param {FutureAct[]} acts */
  const named = (acts) => {
    /** @type {Map<string, FutureAct>} */
    const known = new Map();
    for (const act of acts) {
      let name = JSON.stringify([act.date, act.until, act.category, act.severity, act.label]);
      while (known.has(name)) name += "+";
      known.set(name, act);
    }
    return known;
  };
  const [old, now] = [named(before), named(after)];
  let same = 1;
  for (const [name, act] of new Map([...old, ...now])) {
    const apart = Math.abs((now.get(name)?.probability ?? 0) - (old.get(name)?.probability ?? 0));
    same *= 1 - apart * shareBefore(act, day);
  }
  return 1 - same;
}

/** @param {number} part */
export function share(part) {
  return part === 0 ? "none" : part === 1 ? "all" : percent(part);
}

/**
 * @param {FutureAct[]} added @param {FutureAct[]} kept @param {Record<string, unknown>} stated @param {number} taken
 * @param {Carried} carried
 */
function changeTexts(added, kept, stated, taken, carried) {
  const said = added.map((act) => {
    const days = act.until && act.until !== act.date ? `between ${longDay(act.date)} and ${longDay(act.until)}` : longDay(act.date);
    const chance = act.probability === 1 ? "" : `, ${share(act.probability)} likely`;
    return `${act.label || act.category.replaceAll("_", " ")} (severity ${act.severity}) ${days}${chance}`;
  });
  kept.forEach((act, place) => {
    const before = carried.calendar[place]?.probability ?? act.probability;
    if (act.probability !== before) said.push(`${act.label}: ${share(before)} → ${share(act.probability)}`);
  });
  const labels = new Map(carried.priors.map((one) => [one.name, one.label]));
  for (const name of Object.keys(stated)) said.push(`another belief: ${labels.get(name) ?? name}`);
  if (taken) said.push(`without ${taken === 1 ? "1 past event" : `${taken} past events`}`);
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
      lines.push(`  - ${when}\n    category: ${act.category}\n    severity: ${act.severity}\n    probability: `
        + `${chance(act.probability ?? 1)}${label}`);
    }
  }
  const calendar = Object.entries(state.calendar ?? {});
  if (calendar.length) {
    lines.push("calendar:", "  probability:", ...calendar.map(([label, one]) => `    ${quoted(label)}: ${chance(one)}`));
  }
  if (state.without?.length) lines.push("without:", ...state.without.map((id) => `  - ${quoted(id)}`));
  return `${lines.join("\n")}\n`;
}

/** A text in the double quotes that JSON and YAML share. @param {string} text */
function quoted(text) {
  return JSON.stringify(text);
}

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
function chance(value) {
  return Number.isInteger(value) ? `${value}.0` : plainFloat(value);
}

/** The command that computes the same, to copy into a shell. @param {State} state @param {string} folder */
export function stateCommand(state, folder) {
  const words = ["forecast", "scenario", folder];
  const events = state.events ?? [];
  if (Object.keys(state.calendar ?? {}).length || events.some((act) => act.label)) words.push("scenario-page.yaml");
  else {
    for (const [name, one] of Object.entries(state.priors ?? {})) words.push("--prior", `${name}=${statementText(one)}`);
    for (const act of events) {
      const days = act.window ? act.window.join("..") : act.date;
      words.push("--event", `${days}:${act.category}:${act.severity}:${Number((act.probability ?? 1).toPrecision(6))}`);
    }
    for (const id of state.without ?? []) words.push("--without", id);
  }
  return words.map(shellWord).join(" ");
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
