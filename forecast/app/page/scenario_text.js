// The scenario file and the command that compute a state on the command line, as forecast/app/state.py writes them.

/** @import { State } from "./types" */

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
