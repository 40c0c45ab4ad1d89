// Asks a static page: node ask_static_page.mjs PAGE_FOLDER FILE.html < questions.json > answers.json
import { readFileSync } from "node:fs";

const [folder, file] = process.argv.slice(2);
const load = (name) => import(`file://${folder}/${name}`);
const { carried } = await load("source.js");
const { Tabulated } = await load("tabulated.js");
const { goalOf, reachGoal } = await load("goals.js");
const { emptyState, stateYaml } = await load("state.js");

const html = readFileSync(file, "utf8");
const tables = new Tabulated(await carried(/id="static-run">(.*?)<\/script>/s.exec(html)[1]));
const asked = {
  answer: (state) => tables.answer(state),
  goal: (state, { goal }) => reachGoal(tables.model, state, goalOf(goal, tables.answer(state).probability), async (one) => tables.answer(one)),
  yaml: (state) => (tables.ensureChanged(state), stateYaml(state)),
};
const answers = await Promise.all(JSON.parse(readFileSync(0, "utf8")).map(async (question) => {
  try {
    return await asked[question.ask]({ ...emptyState(tables.model), ...question.state }, question);
  } catch (error) {
    return { error: error.message };
  }
}));
process.stdout.write(JSON.stringify(answers));
