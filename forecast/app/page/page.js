// The scenario page: one state, one question, one answer at a time; the latest change wins.

import { pastActs, timeline } from "./acts.js";
import { comparison, followJob, markHeadline, showAnswer, showCurve } from "./answer.js";
import { beliefControls } from "./beliefs.js";
import { asText, picture, savePng } from "./chart.js";
import { byId, copyText, download, el, replace } from "./dom.js";
import { heldNumber } from "./held.js";
import * as source from "./source.js";
import { answerOfRun, assumptions, copyOf, emptyState, fromFragment, isChanged, toFragment } from "./state.js";
import { longDay, percent, signedPoints } from "./words.js";

/** @import { Answer, PageModel, State } from "./types" */

const DEBOUNCE_MS = 40;
const KEPT_ANSWERS = 40;

/** @param {PageModel} model */
function open(model) {
  let { state, problem } = fromFragment(location.hash, model);
  /** @type {Answer} */
  let shown = answerOfRun(model, state);
  /** @type {{ state: State, answer: Answer } | null} */
  let kept = null;
  /** Answers given already, the latest last. @type {Map<string, Answer>} */
  const answers = new Map();
  let timer = 0;
  let running = new AbortController();
  let refit = /** @type {{ cancel: () => void } | null} */ (null);

  const hands = {
    state: () => state,
    /** @param {(state: State) => void} change @param {{ commit?: boolean }} [options] */
    change(change, options) {
      const next = copyOf(state);
      change(next);
      put(next, { commit: options?.commit ?? true });
    },
  };
  const beliefs = beliefControls(model, hands);
  const line = timeline(model, hands);
  const past = pastActs(model, hands);
  const held = model.tweaks ? heldNumber(hands, () => shown, () => show(shown)) : null;
  const pair = comparison({
    keep() {
      kept = { state: copyOf(state), answer: shown };
      showPair();
    },
    swap() {
      if (!kept) return;
      const other = kept.state;
      kept = { state: copyOf(state), answer: shown };
      put(other, { commit: true });
    },
    drop() {
      kept = null;
      pair.update(null, null);
      byId("keep-a").focus();
    },
  });

  showFrame(model);
  showPickers();
  notice(problem);
  if (model.tweaks) {
    byId("acts-here").append(line.node);
    byId("beliefs-here").append(beliefs.node);
    byId("past-here").append(past.node);
    byId("compare-here").append(pair.node);
  } else {
    byId("controls").remove();
    byId("page").classList.add("alone");
  }
  byId("reset").addEventListener("click", () => {
    put({ ...emptyState(model), target: state.target, milestone: state.milestone }, { commit: true });
    replace(byId("done"), "Back to the forecast of the run.");
  });
  byId("copy-yaml").addEventListener("click", () => withYaml(async (text) => {
    byId("yaml").textContent = text;
    byId("yaml-box").hidden = false;
    return (await copyText(text)) ? "The scenario is on the clipboard." : "Your browser refused: copy the scenario from the box below.";
  }));
  byId("save-yaml").addEventListener("click", () => withYaml(async (text) => {
    download(text, "scenario-page.yaml", "text/yaml");
    return "Saved as scenario-page.yaml.";
  }));
  byId("save-svg").addEventListener("click", () =>
    download(asText(picture(model, state, shown, isChanged(state))), "scenario.svg", "image/svg+xml"));
  byId("save-png").addEventListener("click", () => {
    savePng(picture(model, state, shown, isChanged(state)), "scenario.png").catch((error) =>
      replace(byId("done"), String(error.message ?? error)));
  });
  addEventListener("hashchange", fromAddress);
  addEventListener("popstate", fromAddress);
  let width = 0;
  new ResizeObserver(() => {
    const now = byId("curve").clientWidth;
    if (Math.abs(now - width) > 4) {
      width = now;
      showCurve(model, state, shown, isChanged(state));
    }
  }).observe(byId("curve"));
  show(shown);
  if (isChanged(state)) ask();

  function fromAddress() {
    if (toFragment(state) === location.hash || (!location.hash && !isChanged(state) && sameAsRun())) return;
    const found = fromFragment(location.hash, model);
    notice(found.problem);
    state = found.state;
    refresh();
    ask();
  }

  function showPair() {
    pair.update(kept?.answer ?? null, shown, kept ? assumptions(model, kept.state) : [], assumptions(model, state));
  }

  function sameAsRun() {
    return state.target === model.headline.target && state.milestone === model.headline.milestone;
  }

  /** @param {State} next @param {{ commit: boolean }} options */
  function put(next, { commit }) {
    state = next;
    replace(byId("done"));
    byId("yaml-box").hidden = true;
    // While a slider moves the entry of the history stays; letting go of it makes one.
    if (commit) {
      if (toFragment(state) !== location.hash) history.pushState(null, "", toFragment(state));
      refresh();
    } else beliefs.update();
    ask();
  }

  function refresh() {
    beliefs.update();
    line.update();
    past.update();
    showPickers();
  }

  function ask() {
    refit?.cancel();
    refit = null;
    replace(byId("refit"));
    clearTimeout(timer);
    running.abort();
    const own = copyOf(state);
    const key = JSON.stringify(own);
    const known = isChanged(own) ? answers.get(key) : answerOfRun(model, own);
    if (known) {
      show(known);
      return;
    }
    markHeadline("working");
    running = new AbortController();
    const { signal } = running;
    timer = window.setTimeout(async () => {
      try {
        const answer = await source.answer(own, signal);
        if (signal.aborted) return;
        remember(key, answer);
        show(answer);
      } catch (error) {
        if (signal.aborted) return;
        refused(error instanceof Error ? error.message : String(error));
      }
    }, DEBOUNCE_MS);
  }

  /** @param {string} key @param {Answer} answer */
  function remember(key, answer) {
    answers.delete(key);
    answers.set(key, answer);
    const oldest = answers.keys().next().value;
    if (answers.size > KEPT_ANSWERS && oldest !== undefined) answers.delete(oldest);
  }

  /** @param {Answer} answer */
  function show(answer) {
    shown = answer;
    const changed = isChanged(state);
    byId("problem").hidden = true;
    showAnswer(model, state, answer, changed);
    held?.update();
    for (const id of ["copy-yaml", "save-yaml", "reset"]) /** @type {HTMLButtonElement} */ (byId(id)).disabled = !changed;
    showPair();
    showRefit(answer);
  }

  /** @param {string} message */
  function refused(message) {
    markHeadline("withheld");
    replace(byId("number"), "No answer");
    replace(byId("range"));
    replace(byId("change"));
    replace(byId("sentence"), "There is no answer to these settings.");
    const box = byId("problem");
    replace(box, message);
    box.hidden = false;
  }

  /** @param {Answer} answer */
  function showRefit(answer) {
    const place = byId("refit");
    replace(place);
    if (answer.status !== "withheld" || !isChanged(state)) return;
    const command = el("code", { tabindex: 0 }, answer.command);
    const copy = el("button", { type: "button", class: "quiet", id: "copy-command", onclick: async () => {
      replace(byId("done"), (await copyText(answer.command)) ? "The command is on the clipboard." : "Your browser refused: copy the command by hand.");
    } }, "Copy the command");
    const byHand = el("div", { class: "command" },
      el("p", {}, "On the command line:"), command, copy);
    if (!model.refit) {
      place.append(byHand);
      return;
    }
    const button = el("button", { type: "button", class: "primary", id: "start-refit", onclick: () => {
      const own = copyOf(state);
      const task = { name: "refit", said: "Fitting the model again …", start: () => source.startRefit(own) };
      refit = followJob(place, task, ({ answer: found }) => {
        if (!found) return;
        remember(JSON.stringify(own), found);
        if (JSON.stringify(own) === JSON.stringify(state)) show(found);
      }, () => showRefit(answer));
    } }, "Fit the model again");
    place.append(el("div", { class: "row" }, button), byHand);
  }

  /** @param {(text: string) => Promise<string>} use */
  async function withYaml(use) {
    try {
      replace(byId("done"), await use(await source.yaml(state)));
    } catch (error) {
      replace(byId("done"), error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {string | null} text */
  function notice(text) {
    const place = byId("notice");
    replace(place, text);
    place.hidden = !text;
  }

  function showPickers() {
    const pick = (/** @type {string} */ id, /** @type {"target" | "milestone"} */ key) => {
      const select = /** @type {HTMLSelectElement} */ (byId(id));
      if (!select.options.length) {
        const entries = key === "target" ? model.targets : model.milestones;
        select.append(...entries.map((one) => el("option", { value: one.name }, optionText(one))));
        select.addEventListener("change", () => hands.change((now) => { now[key] = select.value; }));
      }
      select.value = state[key];
    };
    pick("target", "target");
    pick("milestone", "milestone");
    const target = model.targets.find((one) => one.name === state.target);
    replace(byId("definition"), target ? `Counts: ${target.definition}.` : null);
  }
}

/** @param {{ label: string, date?: string }} one */
function optionText(one) {
  return one.date ? `${one.label} (${longDay(one.date)})` : one.label;
}

/** @param {PageModel} model */
function showFrame(model) {
  document.title = `${model.title}: scenarios`;
  replace(byId("title"), model.title);
  replace(byId("as-of"), `Information up to ${longDay(model.as_of)}`);
  const stamp = byId("stamp");
  if (!model.converged) {
    stamp.hidden = false;
    replace(stamp, `NOT CONVERGED – do not use these numbers. ${model.failures.join("; ")}`);
  }
  if (model.waterfall.length) {
    const steps = model.waterfall.map((one, place) => el("li", {},
      place ? `${one.name}: ${signedPoints(one.change)} points, ${percent(one.probability)}` : `${one.name}: ${percent(one.probability)}`));
    byId("cautions").append(el("details", {}, el("summary", {}, "Where this number comes from"), el("ol", {}, ...steps)));
  }
  if (model.cautions.length) {
    byId("cautions").append(el("details", {}, el("summary", {}, `Cautions (${model.cautions.length})`),
      el("ul", {}, ...model.cautions.map((one) => el("li", {}, one)))));
  }
  replace(byId("about"), `This page is served by your own computer. Nothing leaves it. Run ${model.run_id}.`);
  byId("page").hidden = false;
  byId("loading").remove();
}

async function start() {
  try {
    open(await source.model());
  } catch (error) {
    const place = byId("loading");
    place.setAttribute("role", "alert");
    replace(place, error instanceof Error ? error.message : String(error));
  }
}

start();
