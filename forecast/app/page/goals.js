// What would it take: which single change brings the headline to a probability or a word.

import { el, replace } from "./dom.js";
import { BANDS, percent } from "./words.js";

/** @import { Change, Source, State } from "./types" */
/** @import { Hands } from "./beliefs.js" */

/**
 * @param {Source} source
 * @param {Hands} hands
 * @param {() => boolean} answered whether the present state has its answer
 */
export function goals(source, hands, answered) {
  const choice = el("select", { id: "goal", onchange: () => ask() },
    ...BANDS.map(([word, low, high]) => el("option", { value: word }, low === 1 ? "below 5%" : `${word} (${low}–${high}%)`)),
    el("option", { value: "number" }, "a probability …"));
  choice.value = "likely";
  const number = el("input", { type: "number", min: 1, max: 99, step: 1, value: 50, id: "goal-number",
    "aria-label": "Probability in percent", onchange: () => ask() });
  const list = el("ul", { class: "goal-list" });
  const status = el("p", { class: "fine", role: "status" });
  const numberField = el("span", { class: "goal-number", hidden: true }, number, " %");
  let open = false;
  let last = "";
  let running = new AbortController();

  async function ask() {
    numberField.hidden = choice.value !== "number";
    if (!open) return;
    if (!answered()) {
      running.abort();
      last = "";
      replace(list);
      replace(status, "Available once this state has an answer.");
      return;
    }
    const state = hands.state();
    const goal = choice.value === "number" ? Number(number.value) / 100 : choice.value;
    if (typeof goal === "number" && !(goal > 0 && goal < 1)) {
      replace(status, "Give a percentage from 1 to 99.");
      return;
    }
    const key = JSON.stringify([goal, state]);
    if (key === last) return;
    last = key;
    running.abort();
    running = new AbortController();
    const { signal } = running;
    replace(status, "Searching …");
    try {
      const found = await source.changes(state, goal, signal);
      if (signal.aborted) return;
      show(found);
    } catch (error) {
      if (signal.aborted) return;
      last = "";
      replace(list);
      replace(status, error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {Change[]} found */
  function show(found) {
    const reaching = found.filter((one) => one.reaches);
    replace(status, reaching.length
      ? `${reaching.length === 1 ? "One single change gets" : `${reaching.length} single changes get`} there:`
      : found.length ? "No single change gets there. The furthest that each goes:" : "Nothing to change.");
    const shown = reaching.length ? reaching : found.slice(0, 6);
    replace(list, ...shown.map((one) => el("li", {},
      el("span", {}, `${one.text.slice(0, 1).toUpperCase()}${one.text.slice(1)}`, one.probability !== null ? el("strong", {}, ` ${percent(one.probability)}`) : null),
      one.reaches && one.setting ? el("button", { type: "button", onclick: () => apply(one) }, "Apply",
        el("span", { class: "unseen" }, `: ${one.text}`)) : null)));
  }

  /** @param {Change} one */
  function apply(one) {
    const setting = one.setting ?? {};
    hands.change((state) => {
      Object.assign(state.priors, setting.priors ?? {});
      Object.assign(state.calendar, setting.calendar ?? {});
      if (setting.events) state.events = setting.events;
    });
  }

  const node = el("details", { class: "goals", id: "goals", ontoggle: () => {
    open = node.open;
    ask();
  } },
    el("summary", {}, "What would it take?"),
    el("p", { class: "row" }, el("label", { for: "goal" }, "To make it "), choice, numberField),
    status, list);
  return { node, update: ask };
}
