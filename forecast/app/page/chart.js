// The curve: probability by day with its 90% interval, and the run's own curve beside it. The answer as a picture that
// stands alone: the assumptions stand in it in words.

import { save, svg } from "./dom.js";
import { assumptions } from "./state.js";
import { daysBetween, intervalPercent, longDay, monthOf, monthsBetween, percent, signedPoints } from "./words.js";

/** @import { Answer, PageModel, Point, State } from "./types" */

/** @typedef {Record<"ink" | "muted" | "rule" | "accent" | "band" | "ground", string>} Palette */

/** @type {Palette} */
export const ON_PAGE = {
  ink: "var(--ink)", muted: "var(--muted)", rule: "var(--rule)", accent: "var(--accent)", band: "var(--band)", ground: "var(--ground)",
};

/**
 * @param {object} what `curve` is that of the state, or of the run where nothing is changed
 * @param {PageModel} what.model @param {Point[]} what.curve @param {Point[]} what.run @param {boolean} what.changed
 * @param {string} what.milestone @param {number} what.width @param {number} what.height @param {Palette} [what.palette]
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
  const chart = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" });

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
    chart.append(svg("line", { x1: at, x2: at, y1: top - 6, y2: height - bottom, stroke: asked ? palette.accent : palette.muted,
      "stroke-width": asked ? 1.5 : 1, "stroke-dasharray": asked ? "" : "2 3" }));
    if (asked) {
      const anchor = at > width - right - 120 ? "end" : "start";
      chart.append(svg("text", { ...text, x: anchor === "end" ? at - 6 : at + 6, y: top - 12, "text-anchor": anchor,
        fill: palette.accent }, clipped(one.label, width < 520 ? 34 : 60)));
    }
  }
  if (curve.length) {
    const upper = curve.map((one) => `${x(one.day)},${y(one.high)}`);
    const lower = curve.map((one) => `${x(one.day)},${y(one.low)}`).reverse();
    chart.append(svg("polygon", { points: [...upper, ...lower].join(" "), fill: palette.band }));
  }
  if (changed || !curve.length) {
    chart.append(svg("polyline", { points: line(run, x, y), fill: "none", stroke: palette.muted, "stroke-width": 2,
      "stroke-dasharray": "6 4" }));
  }
  if (curve.length) {
    chart.append(svg("polyline", { points: line(curve, x, y), fill: "none", stroke: palette.accent, "stroke-width": 2.5 }));
  }
  const asked = model.milestones.find((one) => one.name === milestone);
  if (asked && curve.length) {
    const here = nearest(curve, asked.day);
    chart.append(svg("circle", { cx: x(here.day), cy: y(here.probability), r: 5, fill: palette.accent, stroke: palette.ground,
      "stroke-width": 2 }));
  }
  if (right > 60) label(chart, { run, curve, changed, x, y, text, palette });
  return chart;
}

/** Names at the ends of the lines, kept apart. @param {SVGElement} chart @param {any} drawn */
function label(chart, { run, curve, changed, x, y, text, palette }) {
  const end = run[run.length - 1];
  const now = curve[curve.length - 1];
  let runAt = y(end.probability) + 4;
  const nowAt = now ? y(now.probability) + 4 : 0;
  if (now && changed && Math.abs(runAt - nowAt) < 30) runAt = runAt >= nowAt ? nowAt + 30 : nowAt - 30;
  /** @param {number} at @param {string} name @param {number} probability @param {object} style */
  const put = (at, name, probability, style) => {
    const place = { ...text, x: x(end.day) + 8, ...style };
    chart.append(svg("text", { ...place, y: at }, name), svg("text", { ...place, y: at + 14 }, percent(probability)));
  };
  if (now) put(nowAt, changed ? "Scenario" : "The run", now.probability, { fill: palette.accent, "font-weight": 600 });
  if (changed || !now) put(runAt, "The run", end.probability, {});
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
  const step = Math.max(1, Math.round((last.day - first.day) / (width < 520 ? 3 : 6) / 30.44));
  return monthsBetween(first.date, last.date)
    .filter((_, place) => place % step === 0)
    .map((iso) => ({ at: x(first.day + daysBetween(first.date, iso)), label: monthOf(iso), anchor: "middle" }))
    .filter((tick) => tick.at < width - 30);
}

/** @param {string} text @param {number} most */
export function clipped(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1).trimEnd()}…`;
}

const WIDE = 960;
const FONT = "'Source Sans 3','Segoe UI',system-ui,-apple-system,'Helvetica Neue',Arial,sans-serif";
// On paper and in slides, whatever the screen it was made on.
const LIGHT = {
  ink: "#1A2430", muted: "#5A6673", rule: "#C9D0D7", accent: "#0B3C6F", band: "#D5E0EB", ground: "#FFFFFF",
};

/** @param {PageModel} model @param {State} state @param {Answer} answer @param {boolean} changed @returns {SVGElement} */
export function picture(model, state, answer, changed) {
  const milestone = model.milestones.find((one) => one.name === state.milestone);
  const ready = answer.status === "ready" && answer.probability !== null;
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
  write(ready ? answer.sentence : "Withheld until the model is fitted again.", 22, LIGHT.ink, 600);
  if (ready) {
    const range = `Plausible range ${intervalPercent(answer.low ?? 0, answer.high ?? 1)}.`;
    const against = changed && answer.difference !== null
      ? ` ${signedPoints(answer.difference)} points against the run (${percent(answer.base.probability)}).` : "";
    write(range + against, 16, LIGHT.muted);
  }
  const chart = curveChart({
    model, curve: answer.curve, run: model.base[state.target]?.curve ?? [], changed,
    milestone: state.milestone, width: WIDE - 60, height: 300, palette: LIGHT,
  });
  chart.setAttribute("x", "30");
  chart.setAttribute("y", String(y));
  y += 330;
  write(changed ? "This scenario assumes:" : "Nothing is changed: the run's own forecast.", 15, LIGHT.ink, 600);
  for (const one of assumptions(model, state)) write(`– ${one}`, 14);
  y += 8;
  write(`Information up to ${longDay(model.as_of)}${milestone ? `; before ${longDay(milestone.date)}` : ""}. Run ${model.run_id}.`,
    12, LIGHT.muted);
  const whole = svg("svg", { xmlns: "http://www.w3.org/2000/svg", width: WIDE, height: Math.ceil(y + 10),
    viewBox: `0 0 ${WIDE} ${Math.ceil(y + 10)}`, "font-family": FONT },
    svg("title", {}, ready ? answer.sentence : "Withheld"),
    svg("rect", { width: "100%", height: "100%", fill: LIGHT.ground }), ...parts, chart);
  return whole;
}

/** @param {SVGElement} drawn */
export function asText(drawn) {
  return new XMLSerializer().serializeToString(drawn);
}

/** @param {SVGElement} drawn @param {string} name */
export async function savePng(drawn, name) {
  const width = Number(drawn.getAttribute("width"));
  const height = Number(drawn.getAttribute("height"));
  const image = new Image();
  const address = URL.createObjectURL(new Blob([asText(drawn)], { type: "image/svg+xml" }));
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = () => reject(new Error("The picture could not be drawn."));
      image.src = address;
    });
    const canvas = document.createElement("canvas");
    canvas.width = 2 * width;
    canvas.height = 2 * height;
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((/** @type {(blob: Blob | null) => void} */ resolve) => canvas.toBlob(resolve, "image/png"));
    if (blob) save(blob, name);
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** @param {string} text @param {number} most */
function lines(text, most) {
  const found = [""];
  for (const word of text.split(" ")) {
    const last = found.length - 1;
    const longer = found[last] ? `${found[last]} ${word}` : word;
    if (longer.length > most && found[last]) found.push(word);
    else found[last] = longer;
  }
  return found;
}
