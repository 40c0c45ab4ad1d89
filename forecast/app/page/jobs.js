// What takes long: a new fit where the draws cannot tell; and the headline's number itself, moved to what one holds, with
// the least changes that would make the run say so.

import { byId, capital, copied, el, reasonOf, replace } from "./dom.js";
import { ask, askJson } from "./state.js";

/** @import { Answer, Hands, JobStatus, PageChange, PageReconciled, State } from "./types" */

const EVERY_MS = 400;
const PIXELS_A_POINT = 4;
/** How far a key moves the number, in points. @type {Record<string, number>} */
const KEY_POINTS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -99, End: 99 };

/**
 * Begin a job and follow it: progress, Cancel, answer or fault.
 * @param {HTMLElement} place @param {{ name: string, path: string, note: string, body: unknown }} task
 * @param {(status: JobStatus) => void} done @param {() => void} offerAgain
 */
function followJob(place, { name, path, note, body }, done, offerAgain) {
  let job = "", over = false, timer = 0;
  const bar = el("progress", { max: 1, "aria-label": "Progress" });
  const text = el("p", { id: `${name}-text` }, note);
  const stop = el("button", { type: "button", id: `cancel-${name}`, onclick: () => {
    cancel();
    offerAgain();
  } }, "Cancel");
  replace(place, el("div", { class: "refitting" }, text, bar, stop));
  stop.focus({ preventScroll: true });

  function cancel() {
    if (!over) end();
    over = true;
    clearTimeout(timer);
  }

  function end() {
    if (job) ask(`refit/${job}/cancel`, {}).catch(() => undefined);
  }

  /** @param {unknown} error */
  function fail(error) {
    if (over) return;
    over = true;
    offerAgain();
    place.prepend(el("p", { class: "problem", role: "alert", id: `${name}-problem` }, reasonOf(error)));
  }

  async function follow() {
    const /** @type {JobStatus} */ now = await askJson(`refit/${job}`);
    if (over) return;
    if (now.status === "running") {
      if (now.progress > 0) bar.value = now.progress;
      else bar.removeAttribute("value");
      if (text.textContent !== now.text) replace(text, now.text);
      timer = window.setTimeout(() => follow().catch(fail), EVERY_MS);
    } else if (now.status === "failed") throw new Error(now.error ?? "It failed.");
    else {
      over = true;
      if (now.status === "done") done(now);
      else offerAgain();
    }
  }

  askJson(path, body).then((started) => {
    job = String(started.job);
    return over ? end() : follow();
  }).catch(fail);
  return { cancel };
}

/** The offer to fit the model again, beside the command that does. @param {(state: State, answer: Answer) => void} done */
export function refitOffer(done) {
  const place = byId("refit");
  let job = /** @type {{ cancel: () => void } | null} */ (null);

  function drop() {
    job?.cancel();
    job = null;
    replace(place);
  }

  /** @param {State | null} state what is changed, if anything @param {Answer} answer */
  function offer(state, answer) {
    replace(place);
    if (!state || answer.status === "ready") return;
    const copy = el("button", { type: "button", class: "quiet", id: "copy-command", onclick: async () =>
      replace(byId("done"), await copied(answer.command, "The command")) }, "Copy the command");
    const task = { name: "refit", path: "refit", note: "Fitting the model again …", body: state };
    const start = el("button", { type: "button", class: "primary", id: "start-refit", onclick: () => {
      job = followJob(place, task, (status) => status.answer && done(state, status.answer), () => offer(state, answer));
    } }, "Fit the model again");
    replace(place, el("div", { class: "row" }, start),
      el("div", { class: "command" }, el("p", {}, "On the command line:"), el("code", { tabindex: 0 }, answer.command), copy));
  }
  return { drop, offer };
}

/** @param {Hands} hands @param {() => Answer | null} shown @param {(answer: Answer) => void} back shows the answer again */
export function heldNumber(hands, shown, back) {
  const number = byId("number");
  const field = el("input", { type: "number", min: 1, max: 99, step: 1, id: "held", oninput: () => field.value && put(Number(field.value)),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // else the same key presses Cancel, which gets the focus
      search();
    } });
  const changes = el("div", { id: "reconciled" });
  byId("held-here").append(
    el("p", { class: "row held-row" }, el("label", { for: "held" }, "Your own view? Drag the number, or type:"),
      el("span", { class: "nobreak" }, field, " %"), el("button", { type: "button", id: "reconcile", onclick: () => search() }, "What must change?")),
    changes);
  /** @type {number | null} */
  let held = null;
  let question = "";
  let drag = { from: 0, x: 0, moved: false };
  let job = /** @type {{ cancel: () => void } | null} */ (null);

  for (const [name, value] of Object.entries({ role: "slider", tabindex: "0", "aria-valuemin": "1", "aria-valuemax": "99",
    "aria-label": "Probability: move it to what you hold, then press Enter" })) number.setAttribute(name, value);
  number.addEventListener("keydown", (event) => {
    const points = KEY_POINTS[event.key];
    if (points) put(now() + points);
    else if (event.key === "Enter") search();
    else if (event.key === "Escape" && held !== null) drop();
    else return;
    event.preventDefault();
  });
  number.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    number.setPointerCapture(event.pointerId);
    drag = { from: now(), x: event.clientX, moved: false };
  });
  number.addEventListener("pointermove", (event) => {
    const points = Math.round((event.clientX - drag.x) / PIXELS_A_POINT);
    if (!number.hasPointerCapture(event.pointerId) || (!points && !drag.moved)) return;
    drag.moved = true;
    put(drag.from + points);
  });
  number.addEventListener("pointerup", () => drag.moved && search());
  number.addEventListener("pointercancel", drop);

  /** What the number says, in whole percent. */
  function now() {
    return held ?? Math.round(100 * (shown()?.probability ?? shown()?.base ?? 0.5));
  }

  /** @param {number} points */
  function put(points) {
    if (!Number.isFinite(points)) return;
    job?.cancel();
    held = Math.min(Math.max(Math.round(points), 1), 99);
    number.classList.add("held");
    number.classList.remove("long");
    replace(number, `${held}%`);
    replace(byId("range"), `What you hold. Shown before: ${shown()?.chance}`);
    replace(changes);
    mark();
  }

  function mark() {
    number.setAttribute("aria-valuenow", String(now()));
    number.setAttribute("aria-valuetext", number.textContent ?? "");
    if (document.activeElement !== field) field.value = String(now());
  }

  function drop() {
    held = null;
    replace(changes);
    const answer = shown();
    if (answer) back(answer);
  }

  function search() {
    if (held === null) {
      replace(changes, el("p", { class: "fine" }, "Move the number first."));
      return;
    }
    const { run, target, milestone } = hands.state();
    job?.cancel();
    const body = { run, target, milestone, probability: held / 100 };
    const task = { name: "search", path: "reconcile", note: "Searching the least changes …", body };
    job = followJob(changes, task, ({ reconciled }) => reconciled && list(reconciled), () => replace(changes));
  }

  /** @param {PageReconciled} reconciled */
  function list({ sentence, changes: found, reading }) {
    // What is said aloud: the list itself is long.
    replace(byId("done"), found.length ? `${found.length} changes are listed below the number.` : "No single change is enough.");
    replace(changes, el("p", {}, sentence),
      found.length > 0 && el("ol", { class: "held-list" }, ...found.map(item)),
      found.length > 0 && el("p", { class: "fine" }, `${reading} Apply puts one change in place of all others on this page.`));
  }

  /** @param {PageChange} change */
  function item({ lines: [whole = "", ...parts], plausibility, chance, setting }) {
    const apply = () => hands.change((state) => {
      Object.assign(state, { priors: {}, events: [], calendar: {}, without: [] }, setting);
    });
    return el("li", {}, el("div", { class: "held-change" },
      el("div", {}, capital(whole),
        parts.length > 0 && el("ul", {}, ...parts.map((part) => el("li", {}, part))),
        el("span", { class: "fine block" }, `Plausible ${plausibility}; gives `, el("strong", {}, chance))),
      el("button", { type: "button", onclick: apply }, "Apply", el("span", { class: "unseen" }, `: ${whole}`))));
  }

  /** After every answer: the number is that of the answer again; a list stays while the question does. */
  function update() {
    const { target, milestone } = hands.state();
    job?.cancel();
    held = null;
    number.classList.remove("held");
    if (question !== `${target} ${milestone}` || changes.querySelector("progress")) replace(changes);
    question = `${target} ${milestone}`;
    mark();
  }

  return { update };
}
