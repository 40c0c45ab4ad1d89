// Future acts on a timeline: click to add, drag or use the arrow keys to move, edit below. Past acts, to leave out.

import { byId, el, replace } from "./dom.js";
import { anchor } from "./state.js";
import { categoryName, dayAfter, daysBetween, longDay, monthOf, monthsBetween, points, share, shortDay, signedPoints } from "./words.js";

/** @import { Act, PageAct, Hands, PageModel, PastAct } from "./types" */

const WEEK = 7;
const FIRST_PAST = 5;

/** @param {PageModel} model @param {Hands} hands */
export function timeline(model, hands) {
  const first = dayAfter(model.as_of, 1);
  const last = model.milestones.map((one) => one.date).sort().at(-1) ?? first;
  const span = Math.max(daysBetween(first, last), 1);
  const conflict = new Set(model.categories.filter((one) => one.conflict).map((one) => one.name));
  const nameOf = (/** @type {string} */ category) => categoryName(model, category);

  const track = el("div", { class: "track", id: "track", onclick: clicked });
  const marks = el("div", { class: "marks" });
  const axis = el("div", { class: "axis", "aria-hidden": "true" });
  const status = el("p", { class: "unseen", role: "status", id: "timeline-status" });
  const add = el("button", { type: "button", id: "add-act", class: "primary", onclick: () => addAt(dayAfter(model.as_of, Math.min(30, span))) },
    "Add an act");
  const cards = el("div", { class: "cards", id: "acts" });
  const scheduled = model.calendar.length
    ? el("section", { class: "scheduled" }, el("h3", {}, "Scheduled acts"),
        el("p", { class: "fine" }, "Already built into the forecast. Change how likely each is."),
        ...model.calendar.map(scheduledRow))
    : null;
  track.append(axis, marks);
  drawAxis();

  const node = el("div", { class: "timeline" },
    el("p", { class: "fine", id: "timeline-help" },
      "Click the line to add an act on that day. Drag a mark to move it, or use the keys: ← → a day, ",
      "Page Up and Page Down a month, Delete to remove. Hollow marks are scheduled acts."),
    track, el("div", { class: "row" }, add), status, cards, scheduled);

  /** @param {string} day */
  function inside(day) {
    return day < first ? first : day > last ? last : day;
  }

  /** @param {string} day */
  function place(day) {
    return (100 * Math.min(Math.max(daysBetween(first, day), 0), span)) / span;
  }

  /** @param {number} clientX */
  function dayAt(clientX) {
    const box = track.getBoundingClientRect();
    const part = Math.min(Math.max((clientX - box.left) / box.width, 0), 1);
    return dayAfter(first, Math.round(part * span));
  }

  /** @param {MouseEvent} event */
  function clicked(event) {
    if (event.target instanceof Element && event.target.closest("button")) return;
    addAt(dayAt(event.clientX));
  }

  /** @param {string} date */
  function addAt(date) {
    const state = hands.state();
    if (state.events.length >= model.limits.acts) {
      replace(status, `You can assume at most ${model.limits.acts} acts.`);
      return;
    }
    const before = state.events.at(-1);
    const category = before?.category ?? model.categories.find((one) => one.name === "visit")?.name ?? model.categories[0]?.name ?? "";
    /** @type {Act} */
    const act = { date, category, severity: before?.severity ?? 3, probability: 1 };
    const by = before?.by ?? model.actors[0];
    if (by) act.by = by;
    // Acts that are alike in all are one act to the model: a label tells them apart.
    const same = state.events.filter((one) => one.date === date && one.category === category && one.severity === act.severity && one.by === act.by);
    if (same.length) act.label = `${nameOf(category)} ${same.length + 1}`;
    hands.change((one) => one.events.push(act));
    const place_ = hands.state().events.length - 1;
    replace(status, `Added: ${nameOf(category)} on ${longDay(date)}.`);
    focusOn(`category-${place_}`);
  }

  /** @param {string} key */
  function focusOn(key) {
    const found = node.querySelector(`[data-key="${key}"]`);
    if (found instanceof HTMLElement) found.focus({ preventScroll: true });
  }

  function drawAxis() {
    const children = [];
    // A name of a month takes some 75 pixels.
    const named = Math.max(Math.floor((track.clientWidth || 600) / 75), 2);
    const step = Math.max(1, Math.ceil(span / 30.44 / named));
    monthsBetween(first, last).forEach((iso, passed) => {
      const says = passed % step === 0 && place(iso) < 93;
      const tick = el("span", { class: says ? "tick named" : "tick" }, says ? monthOf(iso) : null);
      tick.style.left = `${place(iso)}%`;
      children.push(tick);
    });
    for (const one of model.milestones) {
      const mark = el("span", { class: "milestone", title: `${one.label}, ${shortDay(one.date)}` });
      mark.style.left = `${place(one.date)}%`;
      children.push(mark);
    }
    axis.replaceChildren(...children);
  }

  function update() {
    const state = hands.state();
    // Marks keep their own width apart, in percent of the line.
    const apart = Math.min(3000 / Math.max(track.clientWidth, 300), 12);
    /** @type {number[]} */
    const lanes = [];
    const entries = [
      ...model.calendar.map((act) => ({ day: act.date, node: scheduledMark(act) })),
      ...state.events.map((act, index) => ({ day: act.date ?? act.window?.[0] ?? first, node: actMark(act, index) })),
    ].sort((a, b) => a.day.localeCompare(b.day));
    for (const one of entries) {
      const at = place(one.day);
      let lane = lanes.findIndex((end) => at - end > apart);
      if (lane < 0) lane = lanes.length;
      lanes[lane] = at;
      one.node.style.left = `${at}%`;
      one.node.style.bottom = `${lane * 28 + 6}px`;
    }
    track.style.height = `${Math.max(lanes.length, 2) * 28 + 40}px`;
    replace(marks, ...entries.map((one) => one.node));
    replace(cards, ...state.events.map(card));
    for (const one of model.calendar) {
      const input = node.querySelector(`[data-scheduled="${CSS.escape(one.label)}"]`);
      if (input instanceof HTMLInputElement) {
        const chance = state.calendar[one.label] ?? one.probability;
        if (document.activeElement !== input) input.value = String(Math.round(100 * chance));
        const output = input.parentElement?.querySelector("output");
        if (output) replace(output, share(chance));
        input.closest(".scheduled-row")?.classList.toggle("moved", one.label in state.calendar);
      }
    }
  }

  /** @param {PageAct} act */
  function scheduledMark(act) {
    const chance = hands.state().calendar[act.label] ?? act.probability;
    return el("button", {
      type: "button", class: `mark hollow ${conflict.has(act.category) ? "hostile" : "friendly"}`,
      "aria-label": `Scheduled: ${act.label}, ${longDay(act.date)}, ${share(chance)} likely. Change its probability`,
      title: `${act.label}, ${shortDay(act.date)}`,
      onclick: () => {
        const input = node.querySelector(`[data-scheduled="${CSS.escape(act.label)}"]`);
        if (input instanceof HTMLElement) input.focus();
      },
    });
  }

  /** @param {Act} act @param {number} index */
  function actMark(act, index) {
    const day = act.date ?? act.window?.[0] ?? first;
    const mark = el("button", {
      type: "button", class: `mark ${conflict.has(act.category) ? "hostile" : "friendly"}`,
      "data-key": `mark-${index}`, "data-act": index,
      "aria-describedby": "timeline-help",
      "aria-label": `${act.label ?? nameOf(act.category)}, severity ${act.severity}, ${longDay(day)}, ${share(act.probability)} likely`,
      title: `${act.label ?? nameOf(act.category)}, ${shortDay(day)}`,
    }, String(act.severity));
    mark.addEventListener("pointerdown", (event) => drag(event, mark, index));
    mark.addEventListener("keydown", (event) => keyed(event, index, day));
    mark.addEventListener("click", () => {
      if (!mark.dataset["dragged"]) focusOn(`category-${index}`);
    });
    return mark;
  }

  /** @param {PointerEvent} event @param {HTMLElement} mark @param {number} index */
  function drag(event, mark, index) {
    if (event.button !== 0 || !hands.state().events[index]?.date) return;
    const from = event.clientX;
    let day = "";
    mark.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ moved) => {
      if (!day && Math.abs(moved.clientX - from) < 4) return;
      day = inside(dayAt(moved.clientX));
      mark.style.left = `${place(day)}%`;
      mark.classList.add("dragged");
      mark.dataset["dragged"] = "yes";
      mark.dataset["day"] = shortDay(day);
    };
    const stop = () => {
      mark.removeEventListener("pointermove", move);
      mark.removeEventListener("pointerup", stop);
      mark.removeEventListener("pointercancel", stop);
      mark.classList.remove("dragged");
      setTimeout(() => delete mark.dataset["dragged"]);
      if (day) moveTo(index, day);
    };
    mark.addEventListener("pointermove", move);
    mark.addEventListener("pointerup", stop);
    mark.addEventListener("pointercancel", stop);
  }

  /** @param {KeyboardEvent} event @param {number} index @param {string} day */
  function keyed(event, index, day) {
    const steps = /** @type {Record<string, number>} */ ({
      ArrowLeft: -1, ArrowRight: 1, PageUp: 30, PageDown: -30,
    })[event.key];
    if (steps !== undefined) {
      event.preventDefault();
      moveTo(index, inside(dayAfter(day, event.shiftKey ? steps * WEEK : steps)));
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      remove(index);
    }
  }

  /** @param {number} index @param {string} date */
  function moveTo(index, date) {
    hands.change((state) => {
      const act = state.events[index];
      if (act) act.date = date;
    });
    replace(status, `Moved to ${longDay(date)}.`);
    focusOn(`mark-${index}`);
  }

  /** @param {number} index */
  function remove(index) {
    hands.change((state) => state.events.splice(index, 1));
    replace(status, "Removed.");
    byId("add-act").focus({ preventScroll: true });
  }

  /** @param {Act} act @param {number} index */
  function card(act, index) {
    const set = (/** @type {(act: Act) => void} */ change, commit = true) =>
      hands.change((state) => {
        const own = state.events[index];
        if (own) change(own);
      }, { commit });
    const day = act.window
      ? el("span", {}, `${shortDay(act.window[0])} to ${shortDay(act.window[1])}`)
      : el("input", { type: "date", value: act.date, min: first, max: last, "data-key": `date-${index}`, id: `act-date-${index}`,
          onchange: (/** @type {any} */ event) => {
            const value = event.target.value;
            if (value) set((one) => { one.date = inside(value); });
          } });
    const chance = el("output", { for: `act-chance-${index}` }, share(act.probability));
    return el("fieldset", { class: `card ${conflict.has(act.category) ? "hostile" : "friendly"}` },
      el("legend", {}, `Act ${index + 1}`, el("span", { class: "unseen" }, `: ${act.label ?? nameOf(act.category)}`)),
      el("div", { class: "fields" },
        el("label", { class: "wide" }, "What", el("select", { "data-key": `category-${index}`,
          onchange: (/** @type {any} */ event) => set((one) => { one.category = event.target.value; }) },
          ...model.categories.map((one) => el("option", { value: one.name, selected: one.name === act.category }, one.label)))),
        el("label", {}, act.window ? "Between" : "When", day),
        el("label", { class: "whole" }, "Severity", el("select", { "data-key": `severity-${index}`,
          onchange: (/** @type {any} */ event) => set((one) => { one.severity = Number(event.target.value); }) },
          ...model.severities.map((one) => el("option", { value: one.value, selected: one.value === act.severity },
            `${one.value} – ${anchor(model, act.category, one.value) || `${one.label}: not on the scale of this run`}`))),
          el("span", { class: "fine block" }, anchor(model, act.category, act.severity))),
        model.actors.length ? el("label", { class: "wide" }, "Who acts", el("select", { "data-key": `by-${index}`,
          onchange: (/** @type {any} */ event) => set((one) => { one.by = event.target.value; }) },
          ...model.actors.map((one) => el("option", { value: one, selected: one === act.by }, one)))) : null,
        el("label", {}, el("span", {}, "How likely ", chance), el("input", { type: "range", min: 0, max: 100, step: 5,
          value: Math.round(100 * act.probability), "data-key": `chance-${index}`, id: `act-chance-${index}`,
          oninput: (/** @type {any} */ event) => {
            replace(chance, share(Number(event.target.value) / 100));
          },
          onchange: (/** @type {any} */ event) => set((one) => { one.probability = Number(event.target.value) / 100; }) })),
        el("label", { class: "wide" }, "Name (optional)", el("input", { type: "text", maxlength: 120, value: act.label ?? "",
          "data-key": `label-${index}`,
          onchange: (/** @type {any} */ event) => set((one) => {
            const text = event.target.value.trim();
            if (text) one.label = text;
            else delete one.label;
          }) })),
        el("button", { type: "button", class: "quiet", "data-key": `remove-${index}`, onclick: () => remove(index) },
          "Remove", el("span", { class: "unseen" }, ` act ${index + 1}`))));
  }

  /** @param {PageAct} act */
  function scheduledRow(act) {
    const id = `scheduled-${model.calendar.indexOf(act)}`;
    const output = el("output", { for: id }, share(act.probability));
    const put = (/** @type {any} */ event) => {
      const chance = Number(event.target.value) / 100;
      replace(output, share(chance));
      hands.change((state) => {
        if (Math.abs(chance - act.probability) < 0.004) delete state.calendar[act.label];
        else state.calendar[act.label] = chance;
      }, { commit: event.type === "change" });
    };
    return el("div", { class: "scheduled-row" },
      el("label", { for: id }, act.label, el("span", { class: "fine block" },
        `${shortDay(act.date)}; ${nameOf(act.category).toLowerCase()}, severity ${act.severity} (“${anchor(model, act.category, act.severity)}”); in the run ${share(act.probability)}`)),
      el("input", { type: "range", min: 0, max: 100, step: 5, id, value: Math.round(100 * act.probability),
        "data-scheduled": act.label, "data-key": id, oninput: put, onchange: put }),
      output);
  }
  let width = 0;
  new ResizeObserver(() => {
    if (track.clientWidth === width || track.querySelector(".dragged")) return;
    width = track.clientWidth;
    drawAxis();
    update();
  }).observe(track);
  update();
  return { node, update };
}

/** @param {PageModel} model @param {Hands} hands */
export function pastActs(model, hands) {
  const boxes = /** @type {Map<string, HTMLInputElement>} */ (new Map());
  const row = (/** @type {PastAct} */ act) => {
    const box = el("input", { type: "checkbox", id: `past-${act.id}`, onchange: () => {
      hands.change((state) => {
        state.without = state.without.filter((one) => one !== act.id);
        if (box.checked) state.without.push(act.id);
      });
    } });
    boxes.set(act.id, box);
    return el("li", {}, box, el("label", { for: `past-${act.id}` },
      el("span", { class: "unseen" }, "Leave out: "),
      el("strong", {}, shortDay(act.date)), ` ${act.text} `,
      el("span", { class: "fine nobreak" }, `${signedPoints(act.effect)} ± ${points(act.error)}`),
      el("span", { class: "fine block" }, `${categoryName(model, act.category)}, severity ${act.severity} (“${anchor(model, act.category, act.severity)}”)`)));
  };
  const first = model.past.slice(0, FIRST_PAST);
  const rest = model.past.slice(FIRST_PAST);
  const node = el("div", { class: "past" },
    el("p", { class: "fine" },
      "Tick an act to leave it out; that needs a new fit. The figure is what the act adds to the headline, ± one Monte Carlo standard error."),
    model.past.length ? el("ul", {}, ...first.map(row)) : el("p", {}, "No past act moves this forecast clearly."),
    rest.length ? el("details", { class: "more" }, el("summary", {}, `More past acts (${rest.length})`), el("ul", {}, ...rest.map(row))) : null);
  const update = () => {
    const out = new Set(hands.state().without);
    for (const [id, box] of boxes) box.checked = out.has(id);
  };
  update();
  return { node, update };
}
