// The scenario page: one state, one question, one answer at a time; the latest change wins.

import { pastActs, timeline } from "./acts.js";
import { markHeadline, showAnswer, showCurve, showEffect } from "./answer.js";
import { beliefControls, ratioControls, reactionControls } from "./beliefs.js";
import { byId, el, longDay, reasonOf, replace, report, save, shortDay } from "./dom.js";
import { ask, askJson, emptyState, fromFragment, isChanged, toFragment } from "./state.js";

/** @import { PageAnswer, PageModel, State } from "./types" */

const DEBOUNCE_MS = 40;
const KEPT_ANSWERS = 40;

/** @param {PageModel} model */
function open(model) {
  let { state, problem } = fromFragment(location.hash, model);
  /** @type {PageAnswer | null} */
  let shown = null;
  /** Answers given already, the latest last. @type {Map<string, PageAnswer>} */
  const answers = new Map();
  let timer = 0;
  let running = new AbortController();

  const hands = {
    state: () => state,
    /** @param {(state: State) => void} change @param {boolean} [commit] */
    change(change, commit = true) {
      const next = structuredClone(state);
      change(next);
      put(next, commit);
    },
  };
  const beliefs = beliefControls(model, hands), line = timeline(model, hands), past = pastActs(model, hands);
  const reactions = reactionControls(model, hands), ratios = ratioControls(model, hands);
  const refit = refitOffer((asked, answer) => {
    remember(JSON.stringify(asked), answer);
    if (JSON.stringify(asked) === JSON.stringify(state)) show(answer);
  });

  showFrame(model);
  notice(problem);
  for (const [id, key, entries] of /** @type {const} */ ([["target", "target", model.targets], ["milestone", "milestone", model.milestones]])) {
    byId(id).append(...entries.map((entry) =>
      el("option", { value: entry.name }, "date" in entry ? `${entry.label} (${shortDay(entry.date)})` : entry.label)));
    byId(id).addEventListener("change", () => hands.change((now) => { now[key] = picker(id).value; }));
  }
  if (!model.stamp) {
    byId("reactions-part").hidden = reactions.none;
    for (const [id, part] of Object.entries({ acts: line, reactions, ratios, beliefs, past })) byId(`${id}-here`).append(part.node);
  } else {
    byId("controls").remove();
    byId("page").classList.add("alone");
  }
  /** @param {string} id @param {() => string | Promise<string>} act says what it did */
  const tool = (id, act) => byId(id).addEventListener("click", async () => {
    try {
      replace(byId("done"), await act());
    } catch (error) {
      replace(byId("done"), reasonOf(error));
    }
  });
  tool("reset", () => {
    put({ ...emptyState(model), target: state.target, milestone: state.milestone }, true);
    return "Back to the forecast of the run.";
  });
  tool("save-yaml", async () => {
    save(await (await ask("yaml", state)).blob(), "scenario-page.yaml");
    return "Saved. Compute the same: forecast scenario RUN_DIR scenario-page.yaml";
  });
  tool("bulletin", async () => {
    replace(byId("done"), "Making the bulletin …");
    save(await (await ask("bulletin", state)).blob(), "bulletin.pdf");
    return "Saved: bulletin.pdf.";
  });
  addEventListener("hashchange", fromAddress);
  addEventListener("popstate", fromAddress);
  let width = 0;
  new ResizeObserver(() => {
    const now = byId("curve").clientWidth;
    if (Math.abs(now - width) > 4 && shown) for (const draw of [showCurve, showEffect]) draw(model, shown);
    width = now;
  }).observe(byId("curve"));
  refresh();
  request();

  function fromAddress() {
    if (toFragment(state) === location.hash) return;
    const found = fromFragment(location.hash, model);
    notice(found.problem);
    state = found.state;
    refresh();
    request();
  }

  /** @param {State} next @param {boolean} commit */
  function put(next, commit) {
    state = next;
    replace(byId("done"));
    // While a slider moves the entry of the history stays; letting go of it makes one.
    if (commit) {
      if (toFragment(state) !== location.hash) history.pushState(null, "", toFragment(state));
      refresh();
    } else for (const part of [reactions, beliefs]) part.update();
    request();
  }

  function refresh() {
    for (const part of [beliefs, reactions, ratios, line, past]) part.update();
    for (const key of /** @type {const} */ (["target", "milestone"])) picker(key).value = state[key];
    replace(byId("definition"), `What counts: ${model.counts[state.target]}`);
  }

  function request() {
    refit.drop();
    clearTimeout(timer);
    running.abort();
    const asked = structuredClone(state);
    const key = JSON.stringify(asked);
    const known = answers.get(key);
    if (known) {
      show(known);
      return;
    }
    markHeadline("working");
    running = new AbortController();
    const { signal } = running;
    timer = window.setTimeout(async () => {
      try {
        const answer = await askJson("answer", asked, signal);
        if (signal.aborted) return;
        remember(key, answer);
        show(answer);
      } catch (error) {
        if (!signal.aborted) refused(reasonOf(error));
      }
    }, DEBOUNCE_MS);
  }

  /** @param {string} key @param {PageAnswer} answer */
  function remember(key, answer) {
    answers.delete(key);
    answers.set(key, answer);
    const oldest = answers.keys().next().value;
    if (answers.size > KEPT_ANSWERS && oldest !== undefined) answers.delete(oldest);
  }

  /** @param {PageAnswer} answer */
  function show(answer) {
    shown = answer;
    refit.drop();
    const changed = isChanged(state);
    byId("problem").hidden = true;
    showAnswer(model, answer);
    for (const id of ["save-yaml", "reset"]) /** @type {HTMLButtonElement} */ (byId(id)).disabled = !changed;
    /** @type {HTMLButtonElement} */ (byId("bulletin")).disabled = !state.events.length;
    if (changed && answer.method === "refit" && answer.status !== "ready") refit.offer(structuredClone(state));
  }

  /** @param {string} message */
  function refused(message) {
    markHeadline("withheld");
    for (const id of ["range", "change"]) replace(byId(id));
    replace(byId("number"), "No answer");
    replace(byId("sentence"), "There is no answer to these settings.");
    replace(byId("problem"), message);
    byId("problem").hidden = false;
  }
}

/** The offer to fit the model again: one request, which ends when the page goes on. @param {(state: State, answer: PageAnswer) => void} done */
function refitOffer(done) {
  const place = byId("refit");
  let fitting = new AbortController();

  /** @param {State} state @param {string} [problem] */
  function offer(state, problem) {
    replace(place, problem && el("p", { class: "problem", role: "alert", id: "refit-problem" }, problem), el("p", {},
      el("button", { type: "button", class: "primary", id: "start-refit", onclick: () => fit(state) }, "Fit the model again")));
  }

  /** @param {State} state */
  async function fit(state) {
    fitting = new AbortController();
    const { signal } = fitting;
    const stop = el("button", { type: "button", id: "cancel-refit", onclick: () => {
      fitting.abort();
      offer(state);
    } }, "Cancel");
    replace(place, el("div", { class: "refitting" }, el("p", {}, "Fitting the model again …"), el("progress", { "aria-label": "Progress" }), stop));
    stop.focus({ preventScroll: true });
    try {
      const answer = await askJson("refit", state, signal);
      if (!signal.aborted) done(state, answer);
    } catch (error) {
      if (!signal.aborted) offer(state, reasonOf(error));
    }
  }

  return { offer, drop() {
    fitting.abort();
    replace(place);
  } };
}

/** @param {string} id */
const picker = (id) => /** @type {HTMLSelectElement} */ (byId(id));

/** @param {string | null} text */
function notice(text) {
  replace(byId("notice"), text);
  byId("notice").hidden = !text;
}

/** @param {PageModel} model */
function showFrame(model) {
  document.title = `${model.title}: scenarios`;
  replace(byId("title"), model.title);
  replace(byId("as-of"), `As of ${longDay(model.as_of)}${model.made ? `. ${model.made}` : ""}`);
  replace(byId("stamp"), model.stamp);
  byId("stamp").hidden = !model.stamp;
  byId("page-1").append(...report(model.page_1).filter((part) => part instanceof Node));
  byId("page-1").hidden = !model.page_1.length;
  if (model.cautions.length) byId("cautions").append(el("details", {}, el("summary", {}, `Cautions (${model.cautions.length})`),
    el("ul", {}, ...model.cautions.map((text) => el("li", {}, text)))));
  replace(byId("about"), `This page is served by your own computer. Nothing leaves it. Run ${model.run_id}.`);
  byId("page").hidden = false;
  byId("loading").remove();
}

askJson("model").then(open).catch((error) => {
  const place = byId("loading");
  place.setAttribute("role", "alert");
  replace(place, reasonOf(error));
});
