// The curve: probability by day with its 90% interval, and the run's own curve beside it; the effect curve of days after an
// act.

import { targetOf } from "./state.js";
import { beginsStep, dayAfter, daysBetween, monthOf, monthStep, monthsBetween, shortDay, svg } from "./dom.js";

/** @import { PageAnswer, ChanceTable, EffectPoint, PageModel } from "./types" */

const [MUTED, RULE, ACCENT, BAND, GROUND] = ["var(--muted)", "var(--rule)", "var(--accent)", "var(--band)", "var(--ground)"];
const DASHED = { fill: "none", stroke: MUTED, "stroke-width": 2, "stroke-dasharray": "6 4" };
const SOLID = { fill: "none", stroke: ACCENT, "stroke-width": 2.5 };

/** Frame of a chart of chances: its scale, with ticks of 1, 2 or 5 times a power of ten.
 * @param {{ width: number, height: number, left: number, right: number, top: number, bottom: number, highest: number }} frame
 */
function framed({ width, height, left, right, top, bottom, highest }) {
  const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((step) => highest / step <= 5) ?? 0.5;
  const ceiling = Math.min(Math.ceil(highest / step - 1e-9) * step, 1) || step;
  const y = (/** @type {number} */ p) => height - bottom - (p / ceiling) * (height - top - bottom);
  const text = { "font-size": 12, fill: MUTED, "font-family": "inherit" };
  const chart = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" });
  for (let level = 0; level < ceiling + step / 2; level += step) {
    chart.append(
      svg("line", { x1: left, x2: width - right, y1: y(level), y2: y(level), stroke: RULE }),
      svg("text", { ...text, x: left - 8, y: y(level) + 4, "text-anchor": "end" }, `${Number((100 * level).toFixed(1))}%`));
  }
  return { chart, y, text };
}

/** @param {PageModel} model @param {PageAnswer} answer @param {number} width @param {number} height */
export function curveChart(model, answer, width, height) {
  const { chances: curve, milestone } = answer, changed = answer.method !== "run", narrow = width < 520;
  const run = targetOf(model, answer).chances, first = run.day[0] ?? model.as_of, last = Math.max(run.day.length - 1, 1);
  const left = 44, right = 8, top = 34, bottom = 28;
  const highest = Math.max(...run.high, ...(curve?.high ?? []));
  const { chart, y, text } = framed({ width, height, left, right, top, bottom, highest });
  const x = (/** @type {number} */ day) => left + (day / last) * (width - left - right);
  const line = (/** @type {ChanceTable} */ table, /** @type {"mean" | "low" | "high"} */ key) =>
    table[key].map((chance, day) => `${x(day).toFixed(1)},${y(chance).toFixed(1)}`);
  const step = monthStep(last, narrow ? 4 : 7);
  for (const iso of monthsBetween(first, run.day.at(-1) ?? first).filter((iso) => beginsStep(iso, step))) {
    const at = x(daysBetween(first, iso));
    if (at < width - 30) chart.append(svg("text", { ...text, x: at, y: height - 8, "text-anchor": "middle" }, monthOf(iso)));
  }
  /** @type {SVGElement | undefined} */
  let dot;
  for (const { name, label: title, date } of model.milestones) {
    const asked = name === milestone, day = Math.min(daysBetween(first, date), last), at = x(day);
    chart.append(svg("line", { x1: at, x2: at, y1: top - 6, y2: height - bottom, stroke: asked ? ACCENT : MUTED,
      "stroke-width": asked ? 1.5 : 1, "stroke-dasharray": asked ? "" : "2 3" }));
    if (!asked) continue;
    if (curve) dot = svg("circle", { cx: at, cy: y(curve.mean[day] ?? 0), r: 5, fill: ACCENT, stroke: GROUND, "stroke-width": 2 });
    const anchor = at > width - right - 120 ? "end" : "start", most = narrow ? 34 : 60;
    chart.append(svg("text", { ...text, x: anchor === "end" ? at : at + 6, y: top - 12, "text-anchor": anchor, fill: ACCENT },
      title.length > most ? `${title.slice(0, most - 1).trimEnd()}…` : title));
  }
  if (curve) chart.append(svg("polygon", { points: [...line(curve, "high"), ...line(curve, "low").reverse()].join(" "), fill: BAND }));
  if (changed || !curve) chart.append(svg("polyline", { points: line(run, "mean").join(" "), ...DASHED }));
  if (curve) chart.append(svg("polyline", { points: line(curve, "mean").join(" "), ...SOLID }));
  if (dot) chart.append(dot);
  return chart;
}

/** Chance by days after the first act, and beyond a gap to the milestone. @param {EffectPoint[]} effect @param {number} width */
export function effectChart(effect, width) {
  const days = effect.filter(({ milestone }) => !milestone), end = effect.find(({ milestone }) => milestone);
  const last = days.at(-1)?.days || 1, narrow = width < 520, height = 190, left = 44, right = 8, bottom = 28;
  const highest = Math.max(...effect.map(({ probability, base }) => Math.max(probability, base)));
  const { chart, y, text } = framed({ width, height, left, right, top: 20, bottom, highest });
  const beyond = width - right - 6, until = end && days.length ? beyond - (narrow ? 64 : 90) : beyond;
  const x = (/** @type {number} */ day) => left + (day / last) * (until - left);
  for (const day of (narrow ? [0, 10, 20] : [0, 5, 10, 15, 20, 25, 30]).filter((day) => day <= last)) {
    chart.append(svg("text", { ...text, x: x(day), y: height - 8, "text-anchor": "middle" }, day ? String(day) : "day 0"));
  }
  for (const [key, style] of /** @type {const} */ ([["base", DASHED], ["probability", SOLID]])) {
    chart.append(svg("polyline", { points: days.map((point) => `${x(point.days)},${y(point[key])}`).join(" "), ...style }));
    if (end) {
      const near = days.at(-1);
      if (near) chart.append(svg("line", { x1: until, y1: y(near[key]), x2: beyond, y2: y(end[key]), stroke: style.stroke, "stroke-dasharray": "1 4" }));
      chart.append(svg("circle", { cx: beyond, cy: y(end[key]), r: 4, fill: style.stroke }));
    }
  }
  if (end) chart.append(svg("text", { ...text, x: beyond + 4, y: height - 8, "text-anchor": "end" }, shortDay(dayAfter(end.date, 1))));
  return chart;
}
