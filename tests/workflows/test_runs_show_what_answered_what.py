"""``forecast reactions`` of a saved run counts the record that the run was made from."""

import json

from forecast.reactions import find_reactions
from forecast.runs.run import read_run


def test_reactions_of_a_run_are_those_of_its_record(command, run_folder):
    found = command("reactions", run_folder, "--json").facts
    inputs = read_run(run_folder).inputs
    rules = sorted(inputs.rules, key=lambda rule: rule.name != inputs.config.headline.target)
    start, as_of = inputs.data.grid.start, inputs.config.as_of
    same = find_reactions(inputs.events, inputs.dyad, rules, start, as_of).to_dict()
    assert found == json.loads(json.dumps(same))
    assert {case["target"] for case in found["past"]} <= {rule.name for rule in rules}
