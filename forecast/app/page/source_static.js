// The static page: answers from the tables that the file carries. Takes the place of source.js there.

import { byId } from "./dom.js";
import { stateYaml } from "./scenario_text.js";
import { Tabulated } from "./tabulated.js";
import { reachGoal } from "./tabulated_goals.js";

/** @import { Carried, Source } from "./types" */

/** Read what the page carries. @param {string} text a JSON object with base64 of gzip @returns {Promise<Carried>} */
export async function carried(text) {
  const zipped = Uint8Array.from(atob(JSON.parse(text).packed), (one) => one.charCodeAt(0));
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

/** @returns {Promise<Source>} */
export async function sourceOfPage() {
  const tables = new Tabulated(await carried(byId("static-run").textContent ?? ""));
  const none = async () => {
    throw new Error("This page carries no sampler. Use the command.");
  };
  return {
    isStatic: true,
    async model() {
      return tables.model;
    },
    async answer(state) {
      return tables.answer(state);
    },
    async changes(state, goal) {
      return reachGoal(tables, state, goal);
    },
    async yaml(state) {
      tables.ensureChanged(state);
      return stateYaml(state);
    },
    startRefit: none,
    refit: none,
    cancelRefit: none,
  };
}
