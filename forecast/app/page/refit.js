// A new fit in the served version: progress, cancel, one at a time.

import { el, replace } from "./dom.js";

/** @import { Answer, Source, State } from "./types" */

const EVERY_MS = 400;

/**
 * @param {Source} source
 * @param {State} state
 * @param {HTMLElement} place
 * @param {(answer: Answer) => void} done
 * @param {() => void} offerAgain
 */
export function startRefit(source, state, place, done, offerAgain) {
  let job = "";
  let over = false;
  let timer = 0;
  const bar = el("progress", { max: 1, "aria-label": "Progress of the new fit" });
  const text = el("p", { id: "refit-text" }, "The model is fitted again …");
  const stop = el("button", { type: "button", id: "cancel-refit", onclick: () => {
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
    const said = error instanceof Error ? error.message : String(error);
    offerAgain();
    place.prepend(el("p", { class: "problem", role: "alert", id: "refit-problem" }, said));
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
      if (now.status === "done" && now.answer) done(now.answer);
      else if (now.status === "cancelled") offerAgain();
      else fail(new Error(now.error ?? "The new fit failed."));
    } catch (error) {
      if (!over) fail(error);
    }
  }

  source.startRefit(state).then((started) => {
    job = started;
    if (over) source.cancelRefit(job).catch(() => undefined);
    else follow();
  }).catch((error) => {
    if (!over) fail(error);
  });
  return { cancel };
}
