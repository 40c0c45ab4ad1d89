// What the page asks of the server that runs on this machine.

/** @import { Answer, HeldGoal, ListedRun, PageModel, RefitStatus, State } from "./types" */

/** @param {string} path @param {unknown} [body] @param {AbortSignal} [signal] @returns {Promise<Response>} */
async function ask(path, body, signal) {
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
  const told = await response.json().catch(() => ({}));
  throw new Error(told.error ?? `The server refused this (${response.status}).`);
}

/** @param {string} path @param {unknown} [body] @param {AbortSignal} [signal] */
const askJson = async (path, body, signal) => (await ask(path, body, signal)).json();

/** @returns {Promise<PageModel>} */
export const model = () => askJson("model");
/** @param {State} state @param {AbortSignal} signal @returns {Promise<Answer>} */
export const answer = (state, signal) => askJson("answer", state, signal);
/** @param {State} state */
export const yaml = async (state) => (await ask("yaml", state)).text();
/** @param {State} state */
export const startRefit = async (state) => String((await askJson("refit", state)).job);
/** @param {HeldGoal} goal */
export const startReconcile = async (goal) => String((await askJson("reconcile", goal)).job);
/** @param {string} job @returns {Promise<RefitStatus>} */
export const refit = (job) => askJson(`refit/${job}`);
/** @param {string} job */
export const cancelRefit = (job) => ask(`refit/${job}/cancel`, {});

/** Runs below the folder that is served. @returns {Promise<ListedRun[]>} */
export const runs = async () => (await askJson("runs")).runs;
