// Future acts on a timeline: click to add, drag or use the arrow keys to move, edit below. Past acts, to leave out.

import { beginsStep, byId, chanceText, dayAfter, daysBetween, el, focusKey, longDay, monthOf, monthStep, monthsBetween, put, removal, replace, shortDay } from "./dom.js";

/** @import { Act, PageAct, Hands, PageModel, PastAct } from "./types" */

const FIRST_PAST = 5;
/** How far a key moves an act, in days. @type {Record<string, number>} */
const KEY_DAYS = { ArrowLeft: -1, ArrowRight: 1, PageUp: 30, PageDown: -30 };

/** @param {PageModel} model @param {Hands} hands */
export function timeline(model, hands) {
  const first = dayAfter(model.as_of, 1);
  const last = model.milestones.map(({ date }) => date).sort().at(-1) ?? first;
  const span = Math.max(daysBetween(first, last), 1);
  const categories = new Map(model.categories.map((category) => [category.name, category]));
  const nameOf = (/** @type {Act} */ act) => act.label ?? categories.get(act.category)?.label ?? act.category;
  const side = (/** @type {{ category: string }} */ { category }) => (categories.get(category)?.conflict ? "hostile" : "friendly");
  const dayOf = (/** @type {Act} */ act) => act.date ?? act.window?.[0] ?? first;
  const inside = (/** @type {string} */ day) => (day < first ? first : day > last ? last : day);
  const place = (/** @type {string} */ day) => (100 * Math.min(Math.max(daysBetween(first, day), 0), span)) / span;

  const track = el("div", { class: "track", id: "track", onclick: (/** @type {MouseEvent} */ event) => {
    if (!(event.target instanceof Element && event.target.closest("button"))) addAt(dayAt(event.clientX));
  } });
  const marks = el("div", { class: "marks" });
  const axis = el("div", { class: "axis", "aria-hidden": "true" });
  const status = el("p", { class: "unseen", role: "status", id: "timeline-status" });
  const add = el("button", { type: "button", id: "add-act", class: "primary", onclick: () => addAt(dayAfter(model.as_of, Math.min(30, span))) },
    "Add an act");
  const cards = el("div", { class: "cards", id: "acts" });
  const scheduled = model.calendar.map(scheduledRow);
  track.append(axis, marks);
  const node = el("div", { class: "timeline" },
    el("p", { class: "fine", id: "timeline-help" },
      "Click the line to add an act on that day. Drag a mark to move it, or use the keys: ← → a day, ",
      "Page Up and Page Down a month, Delete to remove. Hollow marks are scheduled events."),
    track, el("div", { class: "row" }, add), status, cards,
    scheduled.length > 0 && el("section", { class: "scheduled" }, el("h3", {}, "Scheduled events"),
      el("p", { class: "fine" }, "Already built into the forecast. Change how likely each is."), ...scheduled.map((row) => row.node)));

  /** @param {number} clientX */
  function dayAt(clientX) {
    const box = track.getBoundingClientRect();
    return dayAfter(first, Math.round(Math.min(Math.max((clientX - box.left) / box.width, 0), 1) * span));
  }

  /** @param {string} date */
  function addAt(date) {
    const { events } = hands.state();
    if (events.length >= model.most_acts) {
      replace(status, `You can assume at most ${model.most_acts} acts.`);
      return;
    }
    const before = events.at(-1);
    /** @type {Act} */
    const act = { date, category: before?.category ?? "visit", severity: before?.severity ?? 3, probability: 1 };
    for (const key of /** @type {const} */ (["by", "towards", "subcategory"])) put(act, key, before?.[key]);
    named(act);
    // Acts that are alike in all are one act to the model: a label tells them apart.
    const same = events.filter((other) => /** @type {const} */ (["date", "category", "severity", "by", "towards", "subcategory"]).every((key) => other[key] === act[key]));
    if (same.length) act.label = `${nameOf(act)} ${same.length + 1}`;
    hands.change((state) => state.events.push(act));
    replace(status, `Added: ${nameOf(act)} on ${longDay(date)}.`);
    focusKey(node, `category-${events.length}`);
  }

  /** Say who acts where it must be said. @param {Act} act */
  function named(act) {
    const needed = categories.get(act.category)?.actor_needed ?? 6;
    if (!act.by && act.severity >= needed && model.actors[0]) act.by = model.actors[0];
  }

  function drawAxis() {
    // A name of a month takes some 75 pixels.
    const step = monthStep(span, Math.max(Math.floor((track.clientWidth || 600) / 75), 2));
    const ticks = monthsBetween(first, last).map((iso) => {
      const named = beginsStep(iso, step) && place(iso) < 93;
      return at(el("span", { class: named ? "tick named" : "tick" }, named && monthOf(iso)), iso);
    });
    const milestones = model.milestones.map(({ label, date }) =>
      at(el("span", { class: "milestone", title: `${label}, ${shortDay(date)}` }), date));
    axis.replaceChildren(...ticks, ...milestones);
  }

  /** @template {HTMLElement} T @param {T} mark @param {string} day @returns {T} */
  function at(mark, day) {
    mark.style.left = `${place(day)}%`;
    return mark;
  }

  function update() {
    const { events } = hands.state();
    // Marks keep their own width apart, in percent of the line.
    const apart = Math.min(3000 / Math.max(track.clientWidth, 300), 12);
    /** @type {number[]} */
    const lanes = [];
    const entries = [
      ...model.calendar.map((act) => ({ day: act.date, mark: scheduledMark(act) })),
      ...events.map((act, index) => ({ day: dayOf(act), mark: actMark(act, index) })),
    ].sort((a, b) => a.day.localeCompare(b.day));
    for (const { day, mark } of entries) {
      const free = lanes.findIndex((end) => place(day) - end > apart), lane = free < 0 ? lanes.length : free;
      lanes[lane] = place(day);
      at(mark, day).style.bottom = `${lane * 28 + 6}px`;
    }
    track.style.height = `${Math.max(lanes.length, 2) * 28 + 40}px`;
    replace(marks, ...entries.map(({ mark }) => mark));
    replace(cards, ...events.map(card));
    for (const row of scheduled) row.update();
  }

  /** @param {PageAct} act */
  function scheduledMark(act) {
    const chance = hands.state().calendar[act.label] ?? act.probability;
    return el("button", {
      type: "button", class: `mark hollow ${side(act)}`,
      "aria-label": `Scheduled: ${act.label}, ${longDay(act.date)}, ${chanceText(chance)} likely. Change its probability`,
      title: `${act.label}, ${shortDay(act.date)}`, onclick: () => focusKey(node, `scheduled-${model.calendar.indexOf(act)}`),
    });
  }

  /** @param {Act} act @param {number} index */
  function actMark(act, index) {
    const day = dayOf(act);
    const mark = el("button", {
      type: "button", class: `mark ${side(act)}`, "data-key": `mark-${index}`, "aria-describedby": "timeline-help",
      "aria-label": `${nameOf(act)}, severity ${act.severity}, ${longDay(day)}, ${chanceText(act.probability)} likely`,
      title: `${nameOf(act)}, ${shortDay(day)}`,
      onclick: () => mark.dataset["dragged"] || focusKey(node, `category-${index}`),
      onpointerdown: (/** @type {PointerEvent} */ event) => drag(event, mark, index),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        const steps = KEY_DAYS[event.key];
        if (steps) moveTo(index, inside(dayAfter(day, event.shiftKey ? 7 * steps : steps)));
        else if (event.key === "Delete" || event.key === "Backspace") remove(index);
        else return;
        event.preventDefault();
      },
    }, String(act.severity));
    return mark;
  }

  /** @param {PointerEvent} event @param {HTMLElement} mark @param {number} index */
  function drag(event, mark, index) {
    if (event.button !== 0) return;
    const over = new AbortController(), from = event.clientX;
    let day = "";
    mark.setPointerCapture(event.pointerId);
    mark.addEventListener("pointermove", (moved) => {
      if (!day && Math.abs(moved.clientX - from) < 4) return;
      day = inside(dayAt(moved.clientX));
      at(mark, day).classList.add("dragged");
      Object.assign(mark.dataset, { dragged: "yes", day: shortDay(day) });
    }, { signal: over.signal });
    for (const end of ["pointerup", "pointercancel"]) {
      mark.addEventListener(end, () => {
        over.abort();
        mark.classList.remove("dragged");
        setTimeout(() => delete mark.dataset["dragged"]);
        if (day) moveTo(index, day);
      }, { signal: over.signal });
    }
  }

  /** @param {number} index @param {string} date */
  function moveTo(index, date) {
    edit(index, (act) => spread(act, date, act.window ? dayAfter(act.window[1], daysBetween(dayOf(act), date)) : ""));
    replace(status, `Moved to ${longDay(date)}.`);
    focusKey(node, `mark-${index}`);
  }

  /** @param {number} index */
  function remove(index) {
    hands.change((state) => state.events.splice(index, 1));
    replace(status, "Removed.");
    byId("add-act").focus({ preventScroll: true });
  }

  /** @param {number} index @param {(act: Act) => void} change */
  function edit(index, change) {
    hands.change((state) => state.events[index] && change(state.events[index]));
  }

  /** @param {Act} act @param {number} index */
  function card(act, index) {
    const category = categories.get(act.category), severities = category?.severities ?? [], kinds = category?.subcategories ?? [], kind = act.subcategory;
    const keyed = (/** @type {string} */ key) => ({ "data-key": `${key}-${index}` });
    const on = (/** @type {(act: Act, value: string) => void} */ change) =>
      (/** @type {any} */ event) => edit(index, (edited) => change(edited, event.target.value.trim()));
    const choice = (/** @type {string} */ key, /** @type {[string | number, string][]} */ options, /** @type {unknown} */ chosen, /** @type {(act: Act, value: string) => void} */ change) =>
      el("select", { ...keyed(key), onchange: on(change) },
        ...options.map(([value, text]) => el("option", { value, selected: value === chosen }, text)));
    const written = (/** @type {"subcategory" | "label"} */ key, /** @type {number} */ maxlength, /** @type {string | false} */ list = false) =>
      el("input", { type: "text", maxlength, value: act[key] ?? "", list, autocomplete: "off", ...keyed(key), onchange: on((edited, value) => put(edited, key, value)) });
    const asked = (/** @type {string} */ value, /** @type {string} */ text, /** @type {boolean | undefined} */ checked) =>
      el("label", {}, el("input", { type: "radio", name: `asked-${index}`, value, checked, ...keyed(value), onchange: () => edit(index, (edited) => {
        put(edited, "seen", value === "seen");
        if (edited.seen) edited.probability = 1;
      }) }), text);
    const day = (/** @type {string} */ key, /** @type {string} */ value, /** @type {string} */ min, /** @type {(act: Act, value: string) => void} */ change) =>
      el("input", { type: "date", value, min, max: last, ...keyed(key), onchange: on(change) });
    const begins = dayOf(act), chance = el("output", { for: `act-chance-${index}` }, chanceText(act.probability));
    /** @type {[string, string][]} */
    const actors = model.actors.map((actor) => [actor, actor]);
    if (act.severity < (category?.actor_needed ?? 6)) actors.unshift(["", "Not said"]);
    return el("fieldset", { class: `card ${side(act)}` },
      el("legend", {}, `Act ${index + 1}`, el("span", { class: "unseen" }, `: ${nameOf(act)}`)),
      el("div", { class: "fields" },
        el("label", {}, "What", choice("category", model.categories.map(({ name, label }) => [name, label]), act.category,
          (edited, value) => { edited.category = value; delete edited.subcategory; named(edited); })),
        el("label", {}, "What kind (optional)", written("subcategory", 80, `kinds-${index}`),
          el("datalist", { id: `kinds-${index}` }, ...kinds.map((value) => el("option", { value })))),
        kind && kinds.length > 0 && !kinds.includes(kind) && el("label", { class: "whole" },
          el("input", { type: "checkbox", checked: hands.state().new_subcategories.includes(kind), ...keyed("new"), onchange: (/** @type {any} */ event) =>
            hands.change((state) => { state.new_subcategories = [...state.new_subcategories.filter((other) => other !== kind), ...(event.target.checked ? [kind] : [])]; }) }),
          "This kind is new: the record has no such act"),
        el("label", {}, act.window ? "From" : "When", day("date", begins, first, (edited, value) => { if (value) spread(edited, inside(value), edited.window?.[1] ?? ""); })),
        el("label", {}, "To (optional)", day("until", act.window?.[1] ?? "", begins, (edited, value) => spread(edited, dayOf(edited), value && inside(value)))),
        el("label", { class: "whole" }, "Severity", choice("severity", severities.map((text, place) => [place + 1, `${place + 1} – ${text}`]), act.severity,
          (edited, value) => { edited.severity = Number(value); named(edited); }),
          el("span", { class: "fine block" }, severities[act.severity - 1])),
        el("label", {}, "Who acts", choice("by", actors, act.by ?? "", (edited, value) => put(edited, "by", value))),
        model.actors.length > 2 && el("label", {}, "Towards", choice("towards", [["", "Not said"], ...model.actors.map((actor) => /** @type {[string, string]} */ ([actor, actor]))], act.towards ?? "",
          (edited, value) => put(edited, "towards", value))),
        el("div", { class: "whole" }, el("div", { class: "switch", role: "radiogroup", "aria-label": "Asked" },
          asked("done", "If it is done", !act.seen), asked("seen", "If it is seen", act.seen)),
        el("span", { class: "fine block" }, act.seen ? "Seen, it also tells how tense things are and how high conflict runs."
          : "Done, it changes what follows, however tense things are.")),
        !act.seen && el("label", {}, el("span", {}, "How likely ", chance), el("input", { type: "range", min: 0, max: 100, step: 5,
          value: Math.round(100 * act.probability), ...keyed("chance"), id: `act-chance-${index}`,
          oninput: (/** @type {any} */ event) => replace(chance, `${event.target.value}%`),
          onchange: on((edited, value) => { edited.probability = Number(value) / 100; }) })),
        el("label", {}, "Name (optional)", written("label", 120)),
        removal(`remove-${index}`, `act ${index + 1}`, () => remove(index))));
  }

  /** Put an act on a day, or some time within a window. @param {Act} act @param {string} day @param {string} until */
  function spread(act, day, until) {
    put(act, "window", until > day && [day, until]);
    put(act, "date", !act.window && day);
  }

  /** @param {PageAct} act @param {number} index */
  function scheduledRow(act, index) {
    const id = `scheduled-${index}`, output = el("output", { for: id });
    const put = (/** @type {Event} */ event) => {
      const chance = Number(input.value) / 100;
      replace(output, `${input.value}%`);
      hands.change((state) => {
        if (Math.abs(chance - act.probability) < 0.004) delete state.calendar[act.label];
        else state.calendar[act.label] = chance;
      }, event.type === "change");
    };
    const input = el("input", { type: "range", min: 0, max: 100, step: 5, id, "data-scheduled": act.label, "data-key": id, oninput: put, onchange: put });
    const row = el("div", { class: "scheduled-row" }, el("label", { for: id }, act.label, el("span", { class: "fine block" }, act.detail)), input, output);
    return { node: row, update() {
      const { calendar } = hands.state(), chance = calendar[act.label] ?? act.probability;
      if (document.activeElement !== input) input.value = String(Math.round(100 * chance));
      replace(output, chanceText(chance));
      row.classList.toggle("moved", act.label in calendar);
    } };
  }

  let width = 0;
  new ResizeObserver(() => {
    if (track.clientWidth === width || track.querySelector(".dragged")) return;
    width = track.clientWidth;
    drawAxis();
    update();
  }).observe(track);
  return { node, update };
}

/** @param {PageModel} model @param {Hands} hands */
export function pastActs(model, hands) {
  /** @type {Map<string, HTMLInputElement>} */
  const boxes = new Map();
  const row = (/** @type {PastAct} */ { id, also, date, text, effect, kind }) => {
    const ids = [id, ...also];
    const box = el("input", { type: "checkbox", id: `past-${id}`, onchange: () => {
      hands.change((state) => {
        state.without = [...state.without.filter((other) => !ids.includes(other)), ...(box.checked ? ids : [])];
      });
    } });
    boxes.set(id, box);
    return el("li", {}, box, el("label", { for: `past-${id}` }, el("span", { class: "unseen" }, "Leave out: "),
      el("strong", {}, shortDay(date)), ` ${text} `, el("span", { class: "fine nobreak" }, effect), el("span", { class: "fine block" }, kind)));
  };
  const first = model.past.slice(0, FIRST_PAST), rest = model.past.slice(FIRST_PAST);
  const node = el("div", { class: "past" },
    el("p", { class: "fine" },
      "Tick an act to leave it out; that needs a new fit. The figure is how the headline changes without it on record, ± one Monte Carlo standard error."),
    first.length ? el("ul", {}, ...first.map(row)) : el("p", {}, "No past act moves this forecast clearly."),
    rest.length > 0 && el("details", { class: "more" }, el("summary", {}, `More past acts (${rest.length})`), el("ul", {}, ...rest.map(row))));
  const update = () => {
    for (const [id, box] of boxes) box.checked = hands.state().without.includes(id);
  };
  return { node, update };
}
