// What a state assumes, in words: for the answer, the comparison and the picture.

import { readingOf, quantilesOf } from "./beliefs.js";
import { longDay, percent, shortDay } from "./words.js";

/** @import { PageModel, State } from "./types" */

/** @param {PageModel} model @param {State} state @returns {string[]} */
export function assumptions(model, state) {
  const said = [];
  for (const act of state.events) {
    const kind = model.categories.find((one) => one.name === act.category)?.label ?? act.category.replace(/_/g, " ");
    const day = act.window ? `between ${longDay(act.window[0])} and ${longDay(act.window[1])}` : `on ${longDay(act.date ?? "")}`;
    const name = act.label ? `${act.label} (${kind.toLowerCase()}, severity ${act.severity})` : `${kind} of severity ${act.severity}`;
    said.push(`${name}${act.by ? ` by ${act.by}` : ""} ${day}${act.probability === 1 ? "" : `, ${chance(act.probability)} likely`}`);
  }
  for (const act of model.calendar) {
    const now = state.calendar[act.label];
    if (now !== undefined) said.push(`${act.label}: ${chance(now)} likely in place of ${chance(act.probability)}`);
  }
  for (const prior of model.priors) {
    const stated = state.priors[prior.name];
    if (stated === undefined) continue;
    const { stop, now } = quantilesOf(prior, stated);
    const reading = readingOf(prior, stated, stop, now);
    said.push(`${prior.label}: ${reading.slice(0, 1).toLowerCase()}${reading.slice(1)}`);
  }
  for (const id of state.without) {
    const act = model.past.find((one) => one.id === id);
    said.push(act ? `Without what happened on ${shortDay(act.date)}: ${act.text}` : `Without the past act ${id}`);
  }
  return said;
}

/** @param {number} probability */
function chance(probability) {
  return probability === 0 ? "0%" : probability === 1 ? "100%" : percent(probability);
}
