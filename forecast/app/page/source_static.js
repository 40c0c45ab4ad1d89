// The static page: answers from the posterior that the file carries. Takes the place of source.js there.

import { byId } from "./dom.js";
import { createEngine } from "./static_engine.js";

/** @import { Answer, Change, PageModel, Source } from "./types" */

/** @returns {Promise<Source>} */
export async function sourceOfPage() {
  const engine = await createEngine(JSON.parse(byId("static-run").textContent ?? ""));
  const none = async () => {
    throw new Error("This page carries no sampler. Use the command.");
  };
  // Let the browser paint "working" before the sums hold it up.
  const afterPaint = () => new Promise((resolve) => setTimeout(resolve));
  return {
    isStatic: true,
    async model() {
      return /** @type {PageModel} */ (engine.model);
    },
    async answer(state) {
      await afterPaint();
      return /** @type {Answer} */ (engine.answer(state));
    },
    async changes(state, goal) {
      await afterPaint();
      return /** @type {{ changes: Change[] }} */ (engine.breakEven(state, goal)).changes;
    },
    async yaml(state) {
      return engine.yaml(state);
    },
    startRefit: none,
    refit: none,
    cancelRefit: none,
  };
}
