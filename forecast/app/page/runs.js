// The runs below a folder, question by question, the newest first.

import { byId, el, replace } from "./dom.js";
import { runs } from "./source.js";
import { longDay, percent, shortDay } from "./words.js";

/** @import { ListedRun } from "./types" */

/** @param {ListedRun[]} found */
function show(found) {
  const names = [...new Set(found.map((one) => one.name))];
  replace(byId("runs"), ...names.map((name) => {
    const own = found.filter((one) => one.name === name).sort((a, b) => b.as_of.localeCompare(a.as_of));
    return el("section", {},
      el("h2", {}, own[0]?.title ?? name),
      el("table", { class: "runs" },
        el("caption", { class: "unseen" }, `Runs of ${name}`),
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "As of"), el("th", { scope: "col" }, "Question"),
          el("th", { scope: "col", class: "right" }, "Probability"))),
        el("tbody", {}, ...own.map(row))));
  }));
  if (!found.length) replace(byId("runs"), el("p", {}, "There are no runs in this folder."));
}

/** @param {ListedRun} one */
function row(one) {
  const asked = one.headline;
  return el("tr", {},
    el("th", { scope: "row" }, one.page ? el("a", { href: one.page }, shortDay(one.as_of)) : shortDay(one.as_of)),
    el("td", {}, asked ? `${asked.label}, before ${longDay(asked.date)}` : "–",
      one.reason ? el("span", { class: "fine block" }, one.reason) : null),
    el("td", { class: "right" }, !one.converged ? "not converged" : asked ? percent(asked.probability) : "–",
      one.converged && asked ? el("span", { class: "fine block" }, asked.words) : null));
}

async function start() {
  try {
    show(await runs());
    byId("loading").remove();
  } catch (error) {
    const place = byId("loading");
    place.setAttribute("role", "alert");
    replace(place, error instanceof Error ? error.message : String(error));
  }
}

start();
