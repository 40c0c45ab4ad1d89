// The curve: probability by day with its 90% interval, and the run's own curve beside it. The answer as a picture that
// stands alone: the assumptions stand in it in words.

import { daysBetween, el, longDay, monthOf, monthsBetween, save, svg } from "./dom.js";

/** @import { Answer, PageModel, Point } from "./types" */

/** @typedef {Record<"ink" | "muted" | "rule" | "accent" | "band" | "ground", string>} Palette */

/** @type {Palette} */
const ON_PAGE = {
  ink: "var(--ink)", muted: "var(--muted)", rule: "var(--rule)", accent: "var(--accent)", band: "var(--band)", ground: "var(--ground)",
};
// On paper and in slides, whatever the screen it was made on.
const LIGHT = { ink: "#1A2430", muted: "#5A6673", rule: "#C9D0D7", accent: "#0B3C6F", band: "#D5E0EB", ground: "#FFFFFF" };
const WIDE = 960;
const FONT = "'Source Sans 3','Segoe UI',system-ui,-apple-system,'Helvetica Neue',Arial,sans-serif";

/** @param {{ model: PageModel, answer: Answer, width: number, height: number, palette?: Palette }} drawn */
export function curveChart({ model, answer, width, height, palette = ON_PAGE }) {
  const { curve, run, milestone } = answer, changed = answer.changes.length > 0, narrow = width < 520;
  const left = 44, right = narrow ? 14 : 84, top = 34, bottom = 28;
  const last = Math.max(...run.map(({ day }) => day), 1);
  const highest = Math.max(...run.map(({ high }) => high), ...curve.map(({ high }) => high));
  const ceiling = [0.1, 0.2, 0.4, 0.6, 0.8, 1].find((level) => level >= highest) ?? 1;
  const x = (/** @type {number} */ day) => left + (day / last) * (width - left - right);
  const y = (/** @type {number} */ p) => height - bottom - (p / ceiling) * (height - top - bottom);
  const line = (/** @type {Point[]} */ points, /** @type {"probability" | "low" | "high"} */ key) =>
    points.map((point) => `${x(point.day).toFixed(1)},${y(point[key]).toFixed(1)}`);
  const text = { "font-size": 12, fill: palette.muted, "font-family": "inherit" };
  const chart = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" });

  for (const level of [0, 0.25, 0.5, 0.75, 1].map((part) => part * ceiling)) {
    chart.append(
      svg("line", { x1: left, x2: width - right, y1: y(level), y2: y(level), stroke: palette.rule }),
      svg("text", { ...text, x: left - 8, y: y(level) + 4, "text-anchor": "end" }, `${Math.round(100 * level)}%`));
  }
  const [first = { day: 0, date: model.as_of }] = run, end = run.at(-1) ?? first;
  const step = Math.max(1, Math.round((end.day - first.day) / (narrow ? 3 : 6) / 30.44));
  for (const iso of monthsBetween(first.date, end.date).filter((_, place) => place % step === 0)) {
    const at = x(first.day + daysBetween(first.date, iso));
    if (at < width - 30) chart.append(svg("text", { ...text, x: at, y: height - 8, "text-anchor": "middle" }, monthOf(iso)));
  }
  for (const { name, label, day } of model.milestones) {
    const asked = name === milestone, at = x(Math.min(day, last));
    chart.append(svg("line", { x1: at, x2: at, y1: top - 6, y2: height - bottom, stroke: asked ? palette.accent : palette.muted,
      "stroke-width": asked ? 1.5 : 1, "stroke-dasharray": asked ? "" : "2 3" }));
    if (!asked) continue;
    const anchor = at > width - right - 120 ? "end" : "start", most = narrow ? 34 : 60;
    chart.append(svg("text", { ...text, x: anchor === "end" ? at - 6 : at + 6, y: top - 12, "text-anchor": anchor, fill: palette.accent },
      label.length > most ? `${label.slice(0, most - 1).trimEnd()}…` : label));
  }
  if (curve.length) chart.append(svg("polygon", { points: [...line(curve, "high"), ...line(curve, "low").reverse()].join(" "), fill: palette.band }));
  const dashed = changed || !curve.length;
  if (dashed) {
    chart.append(svg("polyline", { points: line(run, "probability").join(" "), fill: "none", stroke: palette.muted, "stroke-width": 2, "stroke-dasharray": "6 4" }));
  }
  if (curve.length) {
    chart.append(svg("polyline", { points: line(curve, "probability").join(" "), fill: "none", stroke: palette.accent, "stroke-width": 2.5 }));
    const day = model.milestones.find(({ name }) => name === milestone)?.day ?? 0;
    const here = curve.reduce((best, point) => (Math.abs(point.day - day) < Math.abs(best.day - day) ? point : best));
    chart.append(svg("circle", { cx: x(here.day), cy: y(here.probability), r: 5, fill: palette.accent, stroke: palette.ground, "stroke-width": 2 }));
  }
  if (narrow) return chart;
  // Names at the ends of the lines, kept apart.
  const now = curve.at(-1), nowAt = y(now?.probability ?? 0) + 4;
  let runAt = y(run.at(-1)?.probability ?? 0) + 4;
  if (now && dashed && Math.abs(runAt - nowAt) < 30) runAt = runAt >= nowAt ? nowAt + 30 : nowAt - 30;
  const name = (/** @type {number} */ at, /** @type {string} */ what, /** @type {string} */ chance, style = {}) => {
    const place = { ...text, x: x(last) + 8, ...style };
    chart.append(svg("text", { ...place, y: at }, what), svg("text", { ...place, y: at + 14 }, chance));
  };
  if (now) name(nowAt, changed ? "Scenario" : "The run", answer.ends[0], { fill: palette.accent, "font-weight": 600 });
  if (dashed) name(runAt, "The run", answer.ends[1]);
  return chart;
}

/** @param {PageModel} model @param {Answer} answer @returns {SVGElement} */
export function picture(model, answer) {
  const milestone = model.milestones.find(({ name }) => name === answer.milestone);
  /** @type {SVGElement[]} */
  const parts = [];
  let y = 44;
  const write = (/** @type {string} */ text, size = 16, fill = LIGHT.ink, weight = 400) => {
    for (const line of lines(text, Math.floor((WIDE - 80) / (size * (weight > 400 ? 0.62 : 0.55))))) {
      parts.push(svg("text", { x: 40, y, "font-size": size, fill, "font-weight": weight }, line));
      y += size * 1.4;
    }
  };
  write(model.title, 15, LIGHT.accent, 600);
  y += 6;
  write(answer.sentence, 22, LIGHT.ink, 600);
  write(`${answer.range}. ${answer.change}`, 16, LIGHT.muted);
  const chart = curveChart({ model, answer, width: WIDE - 60, height: 300, palette: LIGHT });
  chart.setAttribute("x", "30");
  chart.setAttribute("y", String(y));
  y += 330;
  if (answer.changes.length) write("This scenario assumes:", 15, LIGHT.ink, 600);
  for (const change of answer.changes) write(`– ${change}`, 14);
  y += 8;
  write(`Information up to ${longDay(model.as_of)}; before ${longDay(milestone?.date ?? "")}. Run ${model.run_id}.`, 12, LIGHT.muted);
  const height = Math.ceil(y + 10);
  return svg("svg", { xmlns: "http://www.w3.org/2000/svg", width: WIDE, height, viewBox: `0 0 ${WIDE} ${height}`, "font-family": FONT },
    svg("title", {}, answer.sentence), svg("rect", { width: "100%", height: "100%", fill: LIGHT.ground }), ...parts, chart);
}

/** @param {string} text @param {number} most @returns {string[]} */
function lines(text, most) {
  const wrapped = [""];
  for (const word of text.split(" ")) {
    const last = wrapped.length - 1, longer = wrapped[last] ? `${wrapped[last]} ${word}` : word;
    if (longer.length > most && wrapped[last]) wrapped.push(word);
    else wrapped[last] = longer;
  }
  return wrapped;
}

/** @param {SVGElement} drawn */
export const asBlob = (drawn) => new Blob([new XMLSerializer().serializeToString(drawn)], { type: "image/svg+xml" });

/** @param {SVGElement} drawn @param {string} name */
export async function savePng(drawn, name) {
  const image = new Image();
  const address = URL.createObjectURL(asBlob(drawn));
  try {
    image.src = address;
    await image.decode();
    const [width, height] = ["width", "height"].map((side) => 2 * Number(drawn.getAttribute(side)));
    const canvas = el("canvas", { width, height });
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) => canvas.toBlob(resolve, "image/png"));
    if (blob) save(blob, name);
  } finally {
    URL.revokeObjectURL(address);
  }
}

