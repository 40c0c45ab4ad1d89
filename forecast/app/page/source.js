// Which source answers: the server, or the posterior that the page carries.

import { served } from "./served.js";

/** @import { Source } from "./types" */

/** @returns {Promise<Source>} */
export async function sourceOfPage() {
  return served;
}
