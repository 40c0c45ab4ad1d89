// Times the answers of a page in one file: node tools/page/measure_static.mjs FILE.html [CHANGES]
//
// Each change differs from all before it, as a slider's do. Wall time, and time of the processor, which other
// work on the machine does not lengthen.

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
const belief = model.priors.find((one) => one.moves) ?? model.priors[0];
const [mu, sigma] = /mu=([-\d.e]+), sigma=([-\d.e]+)/.exec(belief.stops.find((one) => one.steps === 0).statement).slice(1).map(Number);
const family = /^\w+/.exec(belief.stops[0].statement)[0];
const day = new Date(Date.parse(`${model.as_of}T00:00:00Z`) + 30 * 86_400_000).toISOString().slice(0, 10);
const category = model.categories.find((one) => one.conflict).name;
const act = (i) => [{ date: day, category, severity: 3, probability: 0.2 + (0.7 * i) / n }];
const prior = (i) => ({ [belief.name]: `${family}(mu=${mu + ((i / n - 0.5) * sigma) / 2}, sigma=${sigma})` });
const kinds = {
  "a belief": (i) => ({ priors: prior(i) }),
  "a future act": (i) => ({ events: act(i) }),
  "a belief and a future act": (i) => ({ priors: prior(i), events: act(i) }),
};
if (model.calendar.length) {
  const { label } = model.calendar[0];
  kinds["a scheduled act"] = (i) => ({ calendar: { [label]: (i + 0.5) / n } });
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
for (const kind of Object.values(kinds)) engine.answer(kind(0));
for (const [name, state] of Object.entries(kinds)) {
  row(name, Array.from({ length: n }, (_, i) => clock(() => engine.answer(state(i)))));
}
row("what would it take", Array.from({ length: 5 }, (_, i) => clock(() => engine.breakEven({ events: act(i) }, 0.8))));
const before = memory();
for (let i = 0; i < 1000; i++) engine.answer(kinds["a belief and a future act"](i % n));
console.log(`memory before and after 1,000 more changes: ${before.toFixed(0)} MB, ${memory().toFixed(0)} MB`);
