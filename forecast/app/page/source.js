// Where answers come from: the server that runs on this machine, or the tables that the page itself carries.

import { stateYaml } from "./state.js";
import { Tabulated } from "./tabulated.js";

/** @import { Carried, ListedRun, Source } from "./types" */

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

/** @type {Source} */
const served = {
  isStatic: false,
  folder: "RUN_DIR",
  model: () => askJson("model"),
  answer: (state, signal) => askJson("answer", state, signal),
  yaml: async (state) => (await ask("yaml", state)).text(),
  startRefit: async (state) => String((await askJson("refit", state)).job),
  startReconcile: async (goal) => String((await askJson("reconcile", goal)).job),
  refit: (job) => askJson(`refit/${job}`),
  async cancelRefit(job) {
    await ask(`refit/${job}/cancel`, {});
  },
};

/** Runs below the folder that is served. @returns {Promise<ListedRun[]>} */
export async function runs() {
  return (await askJson("runs")).runs;
}

/** Read what the page carries. @param {string} text a JSON object with base64 of gzip @returns {Promise<Carried>} */
export async function carried(text) {
  const zipped = Uint8Array.from(atob(JSON.parse(text).packed), (one) => one.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

/** @param {Tabulated} tables @returns {Source} */
function fromTables(tables) {
  const none = async () => {
    throw new Error("This page carries no sampler. Use the command.");
  };
  return {
    isStatic: true,
    folder: tables.folder,
    model: async () => tables.model,
    answer: async (state) => tables.answer(state),
    async yaml(state) {
      tables.ensureChanged(state);
      return stateYaml(state);
    },
    startRefit: none,
    startReconcile: none,
    refit: none,
    cancelRefit: none,
  };
}

/** @returns {Promise<Source>} */
export async function sourceOfPage() {
  const packed = document.getElementById("static-run");
  return packed ? fromTables(new Tabulated(await carried(packed.textContent ?? ""))) : served;
}
