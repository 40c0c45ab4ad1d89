// What is changed against the run, in the address, so that a link or the back button brings it back; and the requests.

/** @import { Answer, PageModel, State } from "./types" */

/** @param {PageModel} model @returns {State} */
export function emptyState(model) {
  return { run: model.run_id, ...model.headline, priors: {}, reactions: {}, events: [], beliefs: [], calendar: {}, without: [] };
}

/** @param {State} state */
export function isChanged({ priors, reactions, events, beliefs, calendar, without }) {
  return [priors, reactions, events, beliefs, calendar, without].some((part) => Object.keys(part).length > 0);
}

/** @param {State} state */
export function toFragment(state) {
  const bytes = new TextEncoder().encode(JSON.stringify(state));
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return `#${btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")}`;
}

/** State of a fragment; the run's own where there is none. @param {string} fragment @param {PageModel} model @returns {{ state: State, problem: string | null }} */
export function fromFragment(fragment, model) {
  const empty = emptyState(model);
  const text = fragment.replace(/^#/, "");
  if (!text) return { state: empty, problem: null };
  let given;
  try {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    given = JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, (byte) => byte.charCodeAt(0))));
  } catch {
    given = null;
  }
  if (typeof given !== "object" || !given) {
    return { state: empty, problem: "This link cannot be read; the page shows the forecast of the run." };
  }
  if (given.run !== model.run_id) {
    const other = typeof given.run === "string" ? ` (${given.run.slice(0, 80)})` : "";
    return { state: empty, problem: `This link belongs to another run${other}; the page shows ${model.run_id} without changes.` };
  }
  const named = (/** @type {"target" | "milestone"} */ key, /** @type {{ name: string }[]} */ known) =>
    (known.some(({ name }) => name === given[key]) ? given[key] : empty[key]);
  // Shapes alone: the values are checked where the state is answered.
  const state = {
    run: model.run_id, target: named("target", model.targets), milestone: named("milestone", model.milestones),
    priors: mapping(given.priors), reactions: mapping(given.reactions), events: list(given.events).filter(isAct),
    beliefs: list(given.beliefs).filter(isBelief), calendar: mapping(given.calendar),
    without: list(given.without).filter((id) => typeof id === "string"),
  };
  return { state, problem: null };
}

/** @param {any} act */
function isAct(act) {
  return typeof act?.category === "string" && Number.isInteger(act.severity) && typeof act.probability === "number"
    && areDays(act.window ?? [act.date]);
}

/** @param {any} belief */
const isBelief = (belief) => typeof belief?.target === "string" && typeof belief.ratio === "number" && areDays(belief.window);

/** @param {any} days */
const areDays = (days) => Array.isArray(days) && days.every((day) => /^\d{4}-\d{2}-\d{2}$/.test(day));

/** @param {any} value @returns {Record<string, any>} */
const mapping = (value) => (typeof value === "object" && value && !Array.isArray(value) ? value : {});

/** @param {any} value @returns {any[]} */
const list = (value) => (Array.isArray(value) ? value : []);

/** Ask the server that runs on this machine. @param {string} path @param {unknown} [body] @param {AbortSignal} [signal] @returns {Promise<Response>} */
export async function ask(path, body, signal) {
  const headers = { "X-Forecast-Token": new URLSearchParams(location.search).get("token") ?? "" };
  /** @type {RequestInit} */
  const request = { headers, cache: "no-store", credentials: "same-origin", signal: signal ?? null };
  if (body !== undefined) {
    Object.assign(headers, { "Content-Type": "application/json" });
    Object.assign(request, { method: "POST", body: JSON.stringify(body) });
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Error("The server does not answer. Start 'forecast app' again and reload the page.");
  }
  if (response.ok) return response;
  const refusal = await response.json().catch(() => ({}));
  throw new Error(refusal.error ?? `The server refused this (${response.status}).`);
}

/** @param {string} path @param {unknown} [body] @param {AbortSignal} [signal] @returns {Promise<any>} */
export const askJson = async (path, body, signal) => (await ask(path, body, signal)).json();
