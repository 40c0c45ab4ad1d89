// Answers from the server that runs on this machine.

/** @import { Answer, Change, PageModel, RefitStatus, RunEntry, Source, State } from "./types" */

const TOKEN = new URLSearchParams(location.search).get("token") ?? "";

/** An answer that the server refused, with its reason. */
export class Refused extends Error {
  /** @param {string} message @param {string | null} key @param {number} status */
  constructor(message, key, status) {
    super(message);
    this.key = key;
    this.status = status;
  }
}

/** @param {string} path @param {unknown} [body] @param {AbortSignal} [signal] @returns {Promise<Response>} */
async function ask(path, body, signal) {
  /** @type {Record<string, string>} */
  const headers = { "X-Forecast-Token": TOKEN };
  /** @type {RequestInit} */
  const request = { headers, cache: "no-store", credentials: "same-origin" };
  if (signal) request.signal = signal;
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    request.method = "POST";
    request.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, request);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused("The server does not answer. Start 'forecast app' again and reload the page.", null, 0);
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Refused(told.error ?? `The server refused this (${response.status}).`, told.key ?? null, response.status);
}

/** @type {Source} */
export const served = {
  isStatic: false,
  async model() {
    return /** @type {PageModel} */ (await (await ask("model")).json());
  },
  async answer(state, signal) {
    return /** @type {Answer} */ (await (await ask("answer", state, signal)).json());
  },
  async changes(state, goal, signal) {
    const found = await (await ask("break-even", { ...state, goal }, signal)).json();
    return /** @type {Change[]} */ (found.changes);
  },
  async yaml(state) {
    return (await ask("yaml", state)).text();
  },
  async startRefit(state) {
    return String((await (await ask("refit", state)).json()).job);
  },
  async refit(job) {
    return /** @type {RefitStatus} */ (await (await ask(`refit/${job}`)).json());
  },
  async cancelRefit(job) {
    await ask(`refit/${job}/cancel`, {});
  },
};

/** Runs below the folder that is served. @returns {Promise<RunEntry[]>} */
export async function runs() {
  return (await (await ask("runs")).json()).runs;
}
