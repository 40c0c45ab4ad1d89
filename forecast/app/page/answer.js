// The answer: headline, what changed and why, curve, table of milestones, how far to trust it.

import { curveChart } from "./chart.js";
import { byId, el, replace, shortDay, signedPoints } from "./dom.js";

/** @import { Answer, PageModel } from "./types" */

/** Mark the headline's number: while it is worked at, it is no answer. @param {"ready" | "working" | "withheld"} shown */
export function markHeadline(shown) {
  const number = byId("number");
  number.dataset.state = shown;
  byId("answer").setAttribute("aria-busy", String(shown === "working"));
  if (shown !== "ready") delete number.dataset.probability;
}

/** @param {PageModel} model @param {Answer} answer */
export function showAnswer(model, answer) {
  markHeadline(answer.status);
  const number = byId("number");
  if (answer.status === "ready") number.dataset.probability = String(answer.probability);
  number.classList.toggle("long", answer.chance.length > 4);
  replace(number, answer.chance);
  replace(byId("range"), answer.range);
  replace(byId("sentence"), answer.sentence);
  replace(byId("change"), answer.change && el("p", { class: answer.changes.length ? "change-head" : "fine" }, answer.change), split(answer));
  showCurve(model, answer);
  showAfter(answer);
  showMilestones(model, answer);
  replace(byId("trust"),
    answer.status === "ready" && el("p", {}, el("strong", {}, "Can this be trusted? "), answer.trust),
    answer.changes.length > 0 && el("div", {}, el("h2", { class: "small" }, "What you assume"), el("ul", { class: "changes" }, ...answer.changes.map((text) => el("li", {}, text)))));
}

/** What is assumed and what the model adds, as two bars on one axis. @param {Answer} answer */
function split({ difference, changes, assumed }) {
  if (difference === null || !changes.length) return null;
  if (assumed === null) {
    return el("p", { class: "fine" }, "With past events removed, the change cannot be split into what is assumed and what the model adds.");
  }
  const adds = difference - assumed;
  const widest = Math.max(Math.abs(assumed), Math.abs(adds), 0.005);
  const row = (/** @type {string} */ label, /** @type {number} */ value, /** @type {string} */ kind) => {
    const bar = el("span", { class: `bar ${kind}` });
    const size = (Math.abs(value) / widest) * 50;
    bar.style.width = `${size}%`;
    bar.style.left = value < 0 ? `${50 - size}%` : "50%";
    return el("div", { class: "split-row" }, el("dt", {}, label),
      el("dd", {}, el("span", { class: "bar-track", "aria-hidden": "true" }, bar), el("span", { class: "figure" }, signedPoints(value))));
  };
  return el("dl", { class: "split" }, row("Met by assumption", assumed, "assumed"), row("What the model adds", adds, "adds"));
}

/** @param {PageModel} model @param {Answer} answer */
export function showCurve(model, answer) {
  const width = Math.max(byId("curve").clientWidth, 260);
  byId("curve").replaceChildren(curveChart({ model, answer, width, height: width < 520 ? 230 : 280 }));
  const label = model.targets.find(({ name }) => name === answer.target)?.label ?? "";
  const reading = !answer.curve.length ? "Dashed: the run. The curve of this scenario is withheld."
    : answer.changes.length ? "Solid: this scenario, with its plausible range. Dashed: the run." : "Shaded: plausible range.";
  replace(byId("curve-caption"), el("strong", {}, `${label}: probability by date. `), el("span", {}, reading));
}

/** Days after the first assumed act. @param {Answer} answer */
function showAfter({ after }) {
  const rows = after.map((row) => el("tr", {}, el("th", { scope: "row" }, `${row.days} days`, el("span", { class: "fine block" }, `to ${shortDay(row.date)}`)),
    el("td", { class: "right", "data-head": "Probability" }, row.chance), el("td", { class: "right", "data-head": "Run" }, row.run)));
  replace(byId("after"), ...(rows.length ? [el("caption", {}, "Within days of the first act, given none before it"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Within"), el("th", { scope: "col", class: "right" }, "Probability"), el("th", { scope: "col", class: "right" }, "Run"))),
    el("tbody", {}, ...rows)] : []));
  byId("after").hidden = !rows.length;
}

/** @param {PageModel} model @param {Answer} answer */
function showMilestones(model, answer) {
  const changed = answer.changes.length > 0;
  const heads = ["Probability", "Plausible range", ...(changed ? ["Run", "Change, points"] : [])];
  const rows = model.milestones.map(({ name, label, date }) => {
    const row = answer.milestones.find((milestone) => milestone.name === name);
    const figures = row ? [row.chance, row.range, row.run, row.change] : ["withheld", "–", "–", "–"];
    return el("tr", { class: name === answer.milestone ? "marked" : null },
      el("th", { scope: "row" }, label, el("span", { class: "fine block" }, shortDay(date))),
      ...heads.map((head, place) => el("td", { class: "right", "data-head": head.split(",")[0] ?? "" }, figures[place])));
  });
  replace(byId("milestones"),
    el("caption", {}, "Before each milestone", changed && el("span", { class: "fine" }, " (± one Monte Carlo standard error)")),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Milestone"),
      ...heads.map((head) => el("th", { scope: "col", class: "right" }, head)))),
    el("tbody", {}, ...rows));
}
