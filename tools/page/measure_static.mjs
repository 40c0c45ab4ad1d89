// Times the answers of a page in one file: node tools/page/measure_static.mjs FILE.html [CHANGES]
//
// The kinds of change are those of `forecast bench page`, each differs from all before it, as a slider's do, and an
// act is of any category and severity on any day. Wall time, and time of the processor, which other work on the machine
// lengthens less.

import { readFileSync, statSync } from "node:fs";

const [file, count = "200"] = process.argv.slice(2);
const page = new URL("../../forecast/app/page/", import.meta.url);
const { createEngine } = await import(new URL("static_engine.js", page).href);
const found = /<script type="application\/json" id="static-run">(.*?)<\/script>/s.exec(readFileSync(file, "utf8"));
const engine = await createEngine(JSON.parse(found[1]));
const { model } = engine;

const clock = (work) => {
  const [wall, before] = [performance.now(), process.cpuUsage()];
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - wall, own: (user + system) / 1000, result };
};
const quantile = (values, p) => [...values].sort((a, b) => a - b)[Math.min(Math.floor(p * values.length), values.length - 1)];
const row = (name, times) => {
  const cells = ["wall", "own"].flatMap((key) => [0.5, 0.95].map((p) => quantile(times.map((one) => one[key]), p).toFixed(0).padStart(8)));
  console.log(name.padEnd(28), ...cells);
};

const n = Number(count);
// A generator with a seed (mulberry32), so that two measurements ask the same.
let seed = 1;
const random = () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
};
const any = (values) => values[Math.floor(random() * values.length)];
const belief = () => {
  const prior = any(model.priors.filter((one) => one.key));
  const stop = any(prior.stops.filter((one) => one.steps >= prior.reliable[0] && one.steps <= prior.reliable[1]));
  return { priors: { [prior.name]: stop.statement } };
};
const act = (probability) => {
  const ahead = 1 + Math.floor(random() * (model.horizon_days - 1));
  const date = new Date(Date.parse(`${model.as_of}T00:00:00Z`) + ahead * 86_400_000).toISOString().slice(0, 10);
  return { events: [{ date, category: any(model.categories).name, severity: 1 + Math.floor(random() * 5), probability }] };
};
const unsure = () => Math.round(100 * (0.05 + 0.9 * random())) / 100;
const kinds = {
  "a belief": belief,
  "an act": () => act(unsure()),
  "a certain act": () => act(1),
  "a belief and an act": () => ({ ...belief(), ...act(unsure()) }),
};
if (model.calendar.length) {
  kinds["a scheduled act"] = () => ({ calendar: { [any(model.calendar).label]: Math.round(100 * random()) / 100 } });
}
console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(2)} MB`);
const first = clock(() => engine.ensure());
console.log(`futures of the run made ready, once: ${first.wall.toFixed(0)} ms (${first.own.toFixed(0)} ms of the processor)`);
console.log("ms".padEnd(28), ...["median", "95%", "own", "own 95%"].map((one) => one.padStart(8)));
const memory = () => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
};
for (const kind of Object.values(kinds)) engine.answer(kind());
for (const [name, kind] of Object.entries(kinds)) {
  const states = Array.from({ length: n }, kind);
  row(name, states.map((state) => clock(() => engine.answer(state))));
}
row("what would it take", Array.from({ length: 5 }, () => clock(() => engine.breakEven(act(unsure()), 0.8))));
const before = memory();
for (let i = 0; i < 1000; i++) engine.answer(kinds["a belief and an act"]());
console.log(`memory before and after 1,000 more changes: ${before.toFixed(0)} MB, ${memory().toFixed(0)} MB`);
