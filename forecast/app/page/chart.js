// The curve: probability by day with its 90% interval, and the run's own curve beside it. Drawn by hand.

import { svg } from "./dom.js";
import { daysBetween, monthOf, percent } from "./words.js";

/** @import { PageModel, Point } from "./types" */

/**
 * @typedef {object} Palette
 * @property {string} ink
 * @property {string} muted
 * @property {string} rule
 * @property {string} accent
 * @property {string} band
 * @property {string} ground
 */

/** @type {Palette} */
export const ON_PAGE = {
  ink: "var(--ink)",
  muted: "var(--muted)",
  rule: "var(--rule)",
  accent: "var(--accent)",
  band: "var(--band)",
  ground: "var(--ground)",
};

/**
 * @param {object} what
 * @param {PageModel} what.model
 * @param {Point[]} what.curve of the state, or of the run where nothing is changed
 * @param {Point[]} what.run
 * @param {boolean} what.changed
 * @param {string} what.milestone
 * @param {number} what.width
 * @param {number} what.height
 * @param {Palette} [what.palette]
 * @returns {SVGElement}
 */
export function curveChart({ model, curve, run, changed, milestone, width, height, palette = ON_PAGE }) {
  const left = 44;
  const right = width < 520 ? 14 : 84;
  const top = 34;
  const bottom = 28;
  const last = Math.max(...run.map((one) => one.day), 1);
  const highest = Math.max(...run.map((one) => one.high), ...curve.map((one) => one.high), 0.05);
  const ceiling = niceCeiling(highest);
  const x = (/** @type {number} */ day) => left + (day / last) * (width - left - right);
  const y = (/** @type {number} */ p) => height - bottom - (p / ceiling) * (height - top - bottom);
  const text = { "font-size": 12, fill: palette.muted, "font-family": "inherit" };
  const chart = svg("svg", {
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    "aria-hidden": "true",
    focusable: "false",
  });

  for (let part = 0; part <= 4; part++) {
    const level = (ceiling * part) / 4;
    chart.append(
      svg("line", { x1: left, x2: width - right, y1: y(level), y2: y(level), stroke: palette.rule }),
      svg("text", { ...text, x: left - 8, y: y(level) + 4, "text-anchor": "end" }, `${Math.round(100 * level)}%`),
    );
  }
  for (const tick of monthTicks(run, x, width)) {
    chart.append(svg("text", { ...text, x: tick.at, y: height - 8, "text-anchor": tick.anchor }, tick.label));
  }
  for (const one of model.milestones) {
    const asked = one.name === milestone;
    const at = x(Math.min(one.day, last));
    chart.append(
      svg("line", {
        x1: at, x2: at, y1: top - 6, y2: height - bottom,
        stroke: asked ? palette.accent : palette.muted,
        "stroke-width": asked ? 1.5 : 1,
        "stroke-dasharray": asked ? "" : "2 3",
      }),
    );
    if (asked) {
      const anchor = at > width - right - 120 ? "end" : "start";
      chart.append(
        svg("text", { ...text, x: anchor === "end" ? at - 6 : at + 6, y: top - 12, "text-anchor": anchor,
          fill: palette.accent }, clipped(one.label, width < 520 ? 34 : 60)),
      );
    }
  }
  if (curve.length) {
    const upper = curve.map((one) => `${x(one.day)},${y(one.high)}`);
    const lower = curve.map((one) => `${x(one.day)},${y(one.low)}`).reverse();
    chart.append(svg("polygon", { points: [...upper, ...lower].join(" "), fill: palette.band }));
  }
  if (changed || !curve.length) {
    chart.append(
      svg("polyline", { points: line(run, x, y), fill: "none", stroke: palette.muted, "stroke-width": 2,
        "stroke-dasharray": "6 4" }),
    );
  }
  if (curve.length) {
    chart.append(
      svg("polyline", { points: line(curve, x, y), fill: "none", stroke: palette.accent, "stroke-width": 2.5 }),
    );
  }
  const asked = model.milestones.find((one) => one.name === milestone);
  if (asked && curve.length) {
    const here = nearest(curve, asked.day);
    chart.append(
      svg("circle", { cx: x(here.day), cy: y(here.probability), r: 5, fill: palette.accent,
        stroke: palette.ground, "stroke-width": 2 }),
    );
  }
  if (right > 60) label(chart, { run, curve, changed, x, y, text, palette });
  return chart;
}

/** Names at the ends of the lines, kept apart.
 * @param {SVGElement} chart
 * @param {any} drawn
 */
function label(chart, { run, curve, changed, x, y, text, palette }) {
  const end = run[run.length - 1];
  const now = curve[curve.length - 1];
  let runAt = y(end.probability) + 4;
  const nowAt = now ? y(now.probability) + 4 : 0;
  if (now && changed && Math.abs(runAt - nowAt) < 30) runAt = runAt >= nowAt ? nowAt + 30 : nowAt - 30;
  const place = { ...text, x: x(end.day) + 8 };
  if (now) {
    chart.append(
      svg("text", { ...place, y: nowAt, fill: palette.accent, "font-weight": 600 },
        changed ? "Scenario" : "The run"),
      svg("text", { ...place, y: nowAt + 14, fill: palette.accent, "font-weight": 600 }, percent(now.probability)),
    );
  }
  if (changed || !now) {
    chart.append(
      svg("text", { ...place, y: runAt }, "The run"),
      svg("text", { ...place, y: runAt + 14 }, percent(end.probability)),
    );
  }
}

/** @param {Point[]} points @param {number} day @returns {Point} */
export function nearest(points, day) {
  return points.reduce((best, one) => (Math.abs(one.day - day) < Math.abs(best.day - day) ? one : best));
}

/** @param {Point[]} points @param {(day: number) => number} x @param {(p: number) => number} y */
function line(points, x, y) {
  return points.map((one) => `${x(one.day).toFixed(1)},${y(one.probability).toFixed(1)}`).join(" ");
}

/** @param {number} highest */
function niceCeiling(highest) {
  return [0.04, 0.1, 0.2, 0.4, 0.6, 0.8, 1].find((one) => one >= highest) ?? 1;
}

/** @param {Point[]} run @param {(day: number) => number} x @param {number} width */
function monthTicks(run, x, width) {
  const first = run[0];
  const last = run[run.length - 1];
  if (!first || !last) return [];
  const wanted = width < 520 ? 3 : 6;
  const step = Math.max(1, Math.round((last.day - first.day) / wanted / 30.44));
  const ticks = [];
  let [year = 2000, month = 1] = first.date.split("-").map(Number);
  for (let passed = 0; ; passed++) {
    month += 1;
    if (month > 12) {
      month = 1;
      year += 1;
    }
    const iso = `${year}-${String(month).padStart(2, "0")}-01`;
    const day = first.day + daysBetween(first.date, iso);
    if (day > last.day) return ticks;
    if (passed % step === 0 && x(day) < width - 30) ticks.push({ at: x(day), label: monthOf(iso), anchor: "middle" });
  }
}

/** @param {string} text @param {number} most */
export function clipped(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
}
