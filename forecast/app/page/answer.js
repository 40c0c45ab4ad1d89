// The answer: headline, what changed and why, curve, table of milestones, how far to trust it.

import { curveChart, effectChart } from "./chart.js";
import { byId, dayAfter, el, onScale, replace, shortDay } from "./dom.js";
import { targetOf } from "./state.js";

/** @import { PageAnswer, EffectPoint, PageModel } from "./types" */

const TABLE_DAYS = [1, 3, 7, 14, 30];

/** Mark the headline's number: while it is worked at, it is no answer. @param {"ready" | "working" | "withheld"} shown */
export function markHeadline(shown) {
  const number = byId("number");
  number.dataset.state = shown;
  byId("answer").setAttribute("aria-busy", String(shown === "working"));
  if (shown !== "ready") delete number.dataset.probability;
}

/** @param {PageModel} model @param {PageAnswer} answer */
export function showAnswer(model, answer) {
  markHeadline(answer.status);
  const number = byId("number");
  const asked = answer.milestones.find(({ name }) => name === answer.milestone);
  if (asked) number.dataset.probability = String(asked.probability);
  number.classList.toggle("long", answer.chance.length > 4);
  replace(number, answer.chance);
  replace(byId("range"), answer.range);
  replace(byId("sentence"), answer.sentence);
  replace(byId("change"), answer.change && el("p", { class: answer.method === "run" ? "fine" : "change-head" }, answer.change),
    answer.read && el("p", { class: "fine" }, answer.read),
    answer.rests_on && el("p", { class: "fine", id: "rests-on" }, el("strong", {}, "Rests on: "), answer.rests_on));
  showScale(model, answer);
  showCurve(model, answer);
  showEffect(model, answer);
  showMilestones(model, answer);
  replace(byId("trust"),
    answer.status === "ready" && el("p", {}, el("strong", {}, "Can this be trusted? "), answer.trust));
}

/** The scale of page 1: range, number, the run's own, and what stands beside the headline. @param {PageModel} model @param {PageAnswer} answer */
function showScale(model, answer) {
  const asked = answer.milestones.find(({ name }) => name === answer.milestone), scale = byId("scale");
  scale.hidden = !asked;
  if (!asked) return;
  const headline = answer.target === model.headline.target && answer.milestone === model.headline.milestone;
  const marks = (headline ? model.ticks : []).map(([value, percent, text]) =>
    onScale(el("li", { class: value > 0.5 ? "left" : null }, el("span", {}, `${text} `, el("b", {}, percent))), value));
  replace(scale, el("p", { class: "ends fine" }, ...["0%", "50%", "100%"].map((text) => el("span", {}, text))),
    el("div", { class: "band" }, onScale(el("i", { title: `${asked.range} fits the evidence` }), ...asked.interval90),
      answer.method !== "run" && onScale(el("b", { class: "run", title: `The run: ${asked.run}` }), asked.probability - asked.difference),
      onScale(el("b", { title: asked.chance }), asked.probability)), el("ul", {}, ...marks));
}

/** @param {PageModel} model @param {PageAnswer} answer */
export function showCurve(model, answer) {
  const width = Math.max(byId("curve").clientWidth, 260);
  byId("curve").replaceChildren(curveChart(model, answer, width, width < 520 ? 230 : 280));
  const reading = !answer.chances ? "Dashed: the run. The curve of this scenario is withheld."
    : answer.method !== "run" ? "Solid: this scenario, with its plausible range. Dashed: the run." : "Shaded: plausible range.";
  replace(byId("curve-caption"), el("strong", {}, `${targetOf(model, answer).label}: probability by date. `), el("span", {}, reading));
}

/** The chance by days after the first assumed act: a chart, and its table. @param {PageModel} model @param {PageAnswer} answer */
export function showEffect(model, answer) {
  const { effect } = answer;
  byId("effect-part").hidden = !effect.length;
  if (!effect.length) return;
  const width = Math.max(byId("effect").clientWidth, 260);
  replace(byId("effect-caption"), el("strong", {}, `${targetOf(model, answer).label}: days after the first act. `),
    "Chance of it within so many days, given none before the act. Solid: this scenario. Dashed: the run.");
  byId("effect").replaceChildren(effectChart(effect, width));
  const shown = effect.filter(({ days, milestone }) => milestone || TABLE_DAYS.includes(days));
  const head = ({ days, milestone, date } = /** @type {EffectPoint} */ (effect[0])) =>
    (milestone ? `to ${shortDay(dayAfter(date, 1))}` : `${days} day${days === 1 ? "" : "s"}`);
  const row = (/** @type {string} */ name, /** @type {"chance" | "run"} */ key) => el("tr", {}, el("th", { scope: "row" }, name),
    ...shown.map((point) => el("td", { class: "right" }, point[key])));
  replace(byId("effect-table"), el("caption", { class: "unseen" }, "Chance within days of the first assumed act"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Within"), ...shown.map((point) => el("th", { scope: "col", class: "right" }, head(point))))),
    el("tbody", {}, row("With the act", "chance"), row("The run", "run")));
}

/** @param {PageModel} model @param {PageAnswer} answer */
function showMilestones(model, answer) {
  const changed = answer.method !== "run";
  const heads = ["Probability", "Plausible range", ...(changed ? ["Run", "Change, points"] : [])];
  const rows = answer.milestones.map((row) => {
    const known = model.milestones.find(({ name }) => name === row.name);
    const figures = [row.chance, row.range, row.run, row.change];
    return el("tr", { class: row.name === answer.milestone ? "marked" : null },
      el("th", { scope: "row" }, known?.label, el("span", { class: "fine block" }, shortDay(known?.date ?? ""))),
      ...heads.map((head, place) => el("td", { class: "right", "data-head": head.split(",")[0] ?? "" }, figures[place])));
  });
  byId("milestones").hidden = !rows.length;
  replace(byId("milestones"),
    el("caption", {}, "Before each milestone", changed && el("span", { class: "fine" }, " (± one Monte Carlo standard error)")),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Milestone"),
      ...heads.map((head) => el("th", { scope: "col", class: "right" }, head)))),
    el("tbody", {}, ...rows));
}
