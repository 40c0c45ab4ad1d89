// What is changed against the run, in the address, so that a link or the back button brings it back; and the requests.

/** @import { PageModel, State, TargetForecast } from "./types" */

/** @param {PageModel} model @returns {State} */
export function emptyState(model) {
  return { run: model.run_id, ...model.headline, priors: {}, reactions: {}, events: [], beliefs: [], calendar: {}, without: [], new_subcategories: [] };
}

/** The target that an answer is about. @param {PageModel} model @param {{ target: string }} asked @returns {TargetForecast} */
export function targetOf(model, asked) {
  const target = model.targets.find(({ name }) => name === asked.target);
  if (!target) throw new Error(`no target ${asked.target}`);
  return target;
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
  const state = emptyState(model), text = fragment.replace(/^#/, "");
  if (!text) return { state, problem: null };
  try {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    const read = JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, (byte) => byte.charCodeAt(0))));
    if (read.run !== model.run_id) {
      return { state, problem: `This link belongs to another run (${String(read.run).slice(0, 80)}); the page shows ${model.run_id} without changes.` };
    }
    const given = { ...state, ...read };
    if (isState(given, model)) return { state: given, problem: null };
  } catch {
    // No text of ours.
  }
  return { state, problem: "This link cannot be read; the page shows the forecast of the run." };
}

/** Whether a state has the shapes that the controls show; its values are checked where it is answered. @param {any} state @param {PageModel} model */
function isState({ target, milestone, priors, reactions, events, beliefs, calendar, without, new_subcategories }, model) {
  const areDays = (/** @type {any[]} */ days) => days.every((day) => /^\d{4}-\d{2}-\d{2}$/.test(day));
  return model.targets.some(({ name }) => name === target) && model.milestones.some(({ name }) => name === milestone)
    && [priors, reactions, calendar].every((part) => typeof part === "object" && part && !Array.isArray(part))
    && events.every((/** @type {any} */ act) => typeof act.category === "string" && Number.isInteger(act.severity)
      && typeof act.probability === "number" && areDays(act.window ?? [act.date]))
    && beliefs.every((/** @type {any} */ belief) => typeof belief.target === "string" && typeof belief.ratio === "number" && areDays(belief.window))
    && [...without, ...new_subcategories].every((/** @type {any} */ name) => typeof name === "string");
}

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
