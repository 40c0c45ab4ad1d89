// Asks the engine of a static page: node ask_static_engine.mjs PAGE_FOLDER FILE.html < questions.json > answers.json
import { readFileSync } from "node:fs";

const [folder, file] = process.argv.slice(2);
const load = (name) => import(`file://${folder}/${name}`);
const { createEngine } = await load("static_engine.js");
const { planState } = await load("engine_states.js");
const { readPrior } = await load("engine_priors.js");
const { betaQuantile, normalQuantile } = await load("engine_numbers.js");
const { importanceWeights, monteCarloError } = await load("engine_weights.js");

const html = readFileSync(file, "utf8");
const found = /<script type="application\/json" id="static-run">(.*?)<\/script>/s.exec(html);
const engine = await createEngine(JSON.parse(found[1]));
const plain = (value) => JSON.stringify(value, (_, one) =>
  ArrayBuffer.isView(one) ? [...one] : typeof one === "number" && !Number.isFinite(one) ? String(one) : one);

const asked = {
  answer: ({ state }) => engine.answer(state),
  curve: ({ state, target }) => {
    const plan = planState(state, engine.carried, engine.model);
    engine.ensure();
    return engine.draws(engine.carried.targets.indexOf(target), engine.weigh(plan.priors), plan).curve();
  },
  weights: ({ state }) => {
    const { weights, k, effective } = engine.weigh(planState(state, engine.carried, engine.model).priors);
    return { weights, k, effective };
  },
  days: ({ state }) => {
    engine.ensure();
    const plan = planState(state, engine.carried, engine.model);
    return engine.carried.rules.map((rule) => engine.newDays(plan, rule.name));
  },
  prior: ({ name, statement }) => readPrior(engine.carried.priors.find((one) => one.name === name), statement),
  goal: ({ state, goal }) => engine.breakEven(state, goal),
  yaml: ({ state }) => engine.yaml(state),
  quantiles: ({ beta, normal }) => [beta.map((one) => betaQuantile(...one)), normal.map(normalQuantile)],
  pareto: ({ ratio }) => importanceWeights(Float64Array.from(ratio)),
  error: ({ series, chains }) => monteCarloError(Float64Array.from(series), chains),
};
const answers = JSON.parse(readFileSync(0, "utf8")).map((question) => {
  try {
    return asked[question.ask](question);
  } catch (error) {
    return { error: error.message, key: error.key ?? null };
  }
});
process.stdout.write(plain(answers));
