// The answer as a picture that stands alone: the assumptions stand in it in words.

import { assumptions } from "./assume.js";
import { curveChart } from "./chart.js";
import { save, svg } from "./dom.js";
import { intervalPercent, longDay, percent, signedPoints } from "./words.js";

/** @import { Answer, PageModel, State } from "./types" */

const WIDE = 960;
const FONT = "'Source Sans 3','Segoe UI',system-ui,-apple-system,'Helvetica Neue',Arial,sans-serif";
// On paper and in slides, whatever the screen it was made on.
const LIGHT = {
  ink: "#1A2430", muted: "#5A6673", rule: "#C9D0D7", accent: "#0B3C6F", band: "#D5E0EB", ground: "#FFFFFF",
};

/**
 * @param {PageModel} model
 * @param {State} state
 * @param {Answer} answer
 * @param {boolean} changed
 * @returns {SVGElement}
 */
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
