// Which source answers: the server, or the tables that the page carries.

import { served } from "./served.js";

/** @import { Source } from "./types" */

/** @returns {Promise<Source>} */
export async function sourceOfPage() {
  return served;
}
