// The answer: headline, what changed and why, curve, table of milestones, how far to trust it; a new fit where it is
// withheld; two answers side by side.

import { curveChart } from "./chart.js";
import { byId, el, replace } from "./dom.js";
import * as source from "./source.js";
import { assumptions } from "./state.js";
import { boundInPoints, intervalPercent, percent, points, shortDay, signedPoints } from "./words.js";

/** @import { Answer, AnswerMilestone, PageModel, RefitStatus, State } from "./types" */

/**
 * @typedef {"ready" | "working" | "withheld"} Shown
 */

/** A twentieth of a point: less is shown as none. */
const LEAST_SHOWN = 0.0005;

/** Mark the headline's number: while it is worked at, it is no answer. @param {Shown} shown */
export function markHeadline(shown) {
  const number = byId("number");
  number.dataset.state = shown;
  byId("answer").setAttribute("aria-busy", String(shown === "working"));
  if (shown !== "ready") delete number.dataset.probability;
}

/** @param {PageModel} model @param {State} state @param {Answer} answer @param {boolean} changed */
export function showAnswer(model, state, answer, changed) {
  const ready = answer.status === "ready" && answer.probability !== null;
  markHeadline(ready ? "ready" : "withheld");
  const number = byId("number");
  if (ready && answer.probability !== null) {
    number.dataset.probability = String(answer.probability);
    const said = percent(answer.probability);
    number.classList.toggle("long", said.length > 4);
    replace(number, said);
    replace(byId("range"),
      `Plausible range ${intervalPercent(answer.low ?? 0, answer.high ?? 1)}`);
    replace(byId("sentence"), answer.sentence);
  } else {
    replace(number, "Withheld");
    replace(byId("range"), `The run says ${percent(answer.base.probability)}`);
    replace(byId("sentence"), answer.reason ?? answer.sentence);
  }
  showChange(answer, ready, changed);
  showCurve(model, state, answer, changed);
  showMilestones(model, state, answer, ready, changed);
  showTrust(answer, ready, changed, assumptions(model, state));
}

/** @param {Answer} answer @param {boolean} ready @param {boolean} changed */
function showChange(answer, ready, changed) {
  const place = byId("change");
  if (!ready || !changed || answer.difference === null) {
    replace(place, ready && !changed ? el("p", { class: "fine" }, "Nothing changed yet: this is the forecast of the run.") : null);
    return;
  }
  const error = answer.difference_mcse ?? 0;
  const beyond = Math.abs(answer.difference) > 2 * error;
  const unseen = Math.abs(answer.difference) < LEAST_SHOWN && error < LEAST_SHOWN;
  const bound = answer.difference_at_most ?? null;
  const none = bound === null ? "." : `: none of the simulated futures differs, so it is below ${boundInPoints(bound)} points.`;
  const head = unseen ? el("p", { class: "change-head" },
    `No visible change from the run (${percent(answer.base.probability)})${none}`)
    : el("p", { class: "change-head" },
    el("strong", {}, `${signedPoints(answer.difference)} ± ${points(error)}`),
    ` against the run (${percent(answer.base.probability)})${beyond ? "." : ": no clear change."}`);
  if (answer.assumed === null || answer.model_adds === null) {
    replace(place, head, el("p", { class: "fine" },
      "With past events removed, the change cannot be split into what is assumed and what the model adds."));
    return;
  }
  replace(place, head, split(answer.assumed, answer.model_adds));
}

/** Two bars on one axis. @param {number} assumed @param {number} adds */
function split(assumed, adds) {
  const widest = Math.max(Math.abs(assumed), Math.abs(adds), 0.005);
  const row = (/** @type {string} */ label, /** @type {number} */ value, /** @type {string} */ kind) => {
    const bar = el("span", { class: `bar ${kind}` });
    const size = (Math.abs(value) / widest) * 50;
    bar.style.width = `${size}%`;
    bar.style.left = value < 0 ? `${50 - size}%` : "50%";
    return el("div", { class: "split-row" },
      el("dt", {}, label),
      el("dd", {}, el("span", { class: "bar-track", "aria-hidden": "true" }, bar),
        el("span", { class: "figure" }, signedPoints(value))));
  };
  return el("dl", { class: "split" },
    row("Met by assumption", assumed, "assumed"),
    row("What the model adds", adds, "adds"));
}

/** @param {PageModel} model @param {State} state @param {Answer} answer @param {boolean} changed */
export function showCurve(model, state, answer, changed) {
  const place = byId("curve");
  const run = model.base[state.target]?.curve ?? [];
  const width = Math.max(place.clientWidth, 260);
  place.replaceChildren(curveChart({
    model, curve: answer.curve, run, changed, milestone: state.milestone, width, height: width < 520 ? 230 : 280,
  }));
  const label = model.targets.find((one) => one.name === state.target)?.label ?? state.target;
  const parts = [el("strong", {}, `${label}: probability by date. `)];
  parts.push(answer.curve.length
    ? el("span", {}, changed ? "Solid: this scenario, with its plausible range. Dashed: the run." : "Shaded: plausible range.")
    : el("span", {}, "Dashed: the run. The curve of this scenario is withheld."));
  replace(byId("curve-caption"), ...parts);
}

/** @param {PageModel} model @param {State} state @param {Answer} answer @param {boolean} ready @param {boolean} changed */
function showMilestones(model, state, answer, ready, changed) {
  const base = model.base[state.target]?.milestones ?? {};
  const rows = model.milestones.map((one) => {
    const now = answer.milestones.find((each) => each.name === one.name);
    const run = base[one.name];
    const marked = one.name === state.milestone;
    const shown = now && (ready || !changed);
    return el("tr", { class: marked ? "marked" : null },
      el("th", { scope: "row" }, one.label, el("span", { class: "fine block" }, shortDay(one.date))),
      el("td", { class: "right", "data-head": "Probability" }, shown ? percent(now.probability) : "withheld"),
      el("td", { class: "right", "data-head": "Plausible range" }, shown ? intervalPercent(now.low, now.high) : "–"),
      changed ? el("td", { class: "right", "data-head": "Run" }, run ? percent(run.probability) : "–") : null,
      changed ? el("td", { class: "right", "data-head": "Change" },
        shown ? changeWithError(now) : "–") : null);
  });
  replace(byId("milestones"),
    el("caption", {}, "Before each milestone", changed ? el("span", { class: "fine" }, " (± one Monte Carlo standard error)") : null),
    el("thead", {}, el("tr", {},
      el("th", { scope: "col" }, "Milestone"),
      el("th", { scope: "col", class: "right" }, "Probability"),
      el("th", { scope: "col", class: "right" }, "Plausible range"),
      changed ? el("th", { scope: "col", class: "right" }, "Run") : null,
      changed ? el("th", { scope: "col", class: "right" }, "Change, points") : null)),
    el("tbody", {}, ...rows));
}

/** @param {AnswerMilestone} one */
function changeWithError(one) {
  const bound = one.difference_at_most ?? null;
  return `${signedPoints(one.difference)} ${bound === null ? `± ${(100 * one.difference_mcse).toFixed(1)}` : `(< ${boundInPoints(bound)})`}`;
}

/** @param {Answer} answer @param {boolean} ready @param {boolean} changed @param {string[]} assumed */
function showTrust(answer, ready, changed, assumed) {
  replace(byId("trust"),
    ready ? el("p", {}, el("strong", {}, "Can this be trusted? "), answer.trust) : null,
    // After a new fit the weights that did not serve say nothing of its numbers.
    ready && changed && answer.method !== "refit" && answer.effective_draws !== null && answer.pareto_k !== null
      ? el("p", { class: "fine" },
          `Pareto k ${answer.pareto_k <= -9 ? "none" : answer.pareto_k.toFixed(2)} (at most 0.7 allowed), ` +
          `${Math.round(answer.effective_draws).toLocaleString("en-GB")} effective draws (at least 400 needed).`)
      : null,
    assumed.length
      ? el("div", {}, el("h2", { class: "small" }, "What you assume"),
          el("ul", { class: "changes" }, ...assumed.map((one) => el("li", {}, one))))
      : null);
}

const EVERY_MS = 400;

/**
 * Begin what takes long and follow it: progress, Cancel, answer or fault.
 * @param {HTMLElement} place @param {{ name: string, said: string, start: () => Promise<string> }} task
 * @param {(found: RefitStatus) => void} done @param {() => void} offerAgain
 */
export function followJob(place, { name, said, start }, done, offerAgain) {
  let job = "";
  let over = false;
  let timer = 0;
  const bar = el("progress", { max: 1, "aria-label": "Progress" });
  const text = el("p", { id: `${name}-text` }, said);
  const stop = el("button", { type: "button", id: `cancel-${name}`, onclick: () => {
    cancel();
    offerAgain();
  } }, "Cancel");
  replace(place, el("div", { class: "refitting" }, text, bar, stop));
  stop.focus({ preventScroll: true });

  function cancel() {
    if (over) return;
    over = true;
    clearTimeout(timer);
    if (job) source.cancelRefit(job).catch(() => undefined);
  }

  /** @param {unknown} error */
  function fail(error) {
    over = true;
    const why = error instanceof Error ? error.message : String(error);
    offerAgain();
    place.prepend(el("p", { class: "problem", role: "alert", id: `${name}-problem` }, why));
  }

  async function follow() {
    try {
      const now = await source.refit(job);
      if (over) return;
      if (now.status === "running") {
        if (now.progress !== null && now.progress > 0) bar.value = now.progress;
        else bar.removeAttribute("value");
        if (text.textContent !== now.text) replace(text, now.text);
        timer = window.setTimeout(follow, EVERY_MS);
        return;
      }
      over = true;
      if (now.status === "done") done(now);
      else if (now.status === "cancelled") offerAgain();
      else fail(new Error(now.error ?? "It failed."));
    } catch (error) {
      if (!over) fail(error);
    }
  }

  start().then((started) => {
    job = started;
    if (over) source.cancelRefit(job).catch(() => undefined);
    else follow();
  }).catch((error) => {
    if (!over) fail(error);
  });
  return { cancel };
}

/** @param {object} hands @param {() => void} hands.keep @param {() => void} hands.swap @param {() => void} hands.drop */
export function comparison(hands) {
  const body = el("div", { id: "comparison" });
  const keep = el("button", { type: "button", id: "keep-a", onclick: hands.keep }, "Keep this as A");
  const swap = el("button", { type: "button", id: "swap-ab", class: "quiet", onclick: hands.swap }, "Swap A and B");
  const drop = el("button", { type: "button", id: "drop-a", class: "quiet", onclick: hands.drop }, "End comparison");
  const node = el("section", { class: "compare", "aria-labelledby": "compare-label" },
    el("h2", { id: "compare-label" }, "Compare two states"),
    el("p", { class: "fine", id: "compare-help" },
      "Keep what is shown as A, change something, and read the difference. Both use the same draws and the same random numbers, unless one has a new fit."),
    body, el("div", { class: "row" }, keep, swap, drop));

  /** @param {Answer | null} a @param {Answer | null} b @param {string[]} [ofA] what each assumes @param {string[]} [ofB] */
  function update(a, b, ofA = [], ofB = []) {
    swap.hidden = drop.hidden = !a;
    replace(keep, a ? "Keep this as A instead" : "Keep this as A");
    if (!a) {
      replace(body);
      return;
    }
    const side = (/** @type {string} */ name, /** @type {Answer | null} */ one, /** @type {string[]} */ assumed) =>
      el("div", { class: "side", "data-side": name },
        el("h3", {}, name),
        one && one.probability !== null && one.status === "ready"
          ? el("p", { class: "side-number" }, percent(one.probability), el("span", { class: "fine block" }, intervalPercent(one.low ?? 0, one.high ?? 1)))
          : el("p", { class: "side-number muted" }, one ? "Withheld" : "…"),
        el("ul", { class: "changes" }, ...(assumed.length ? assumed : ["As in the run"]).map((text) => el("li", {}, text))));
    replace(body, el("div", { class: "sides" }, side("A", a, ofA), side("B", b, ofB)), difference(a, b));
  }

  update(null, null);
  return { node, update };
}

/** @param {Answer} a @param {Answer | null} b */
function difference(a, b) {
  if (!b || a.status !== "ready" || b.status !== "ready" || a.difference === null || b.difference === null) return null;
  if (a.target !== b.target || a.milestone !== b.milestone) {
    return el("p", { class: "fine" }, "A and B answer different questions, so they have no difference.");
  }
  // Both differences are from the same run with the same random numbers; the error of their difference is at most the sum.
  const change = b.difference - a.difference;
  const error = (a.difference_mcse ?? 0) + (b.difference_mcse ?? 0);
  return el("p", { class: "paired", "data-paired": String(change) }, el("strong", {}, `B − A: ${signedPoints(change)} points`),
    `, with an error of at most ${points(error)}.`);
}
