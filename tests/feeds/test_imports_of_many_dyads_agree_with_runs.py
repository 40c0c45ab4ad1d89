"""A run on a file with several dyads uses, for each, the rows that the import counted for it."""

import csv
from collections import Counter

import pytest

from forecast.config import load_config
from forecast.runs.inputs import read_inputs

CONFIG = """schema: 1
name: imported
dyad: {{a: {a}, b: {b}}}
as_of: {as_of}
events: {{source: {source}}}
targets:
  any: {{any_of: [{category}], min_severity: 5}}
milestones:
  - {{name: later, date: 2021-06-01}}
headline: {{target: any, milestone: later}}
model: {{family: model}}
sampler: {{seed: 1}}
"""


@pytest.mark.parametrize(
    ("file", "name", "dyads"),
    [
        ("gdelt2-20201113.export.CSV", "gdelt2", ["USA,CHN", "RUS,USA", "ARM,AZE", "CHN,RUS"]),
        ("icews-2018-06-sample.tab", "icews", ["USA,CHN", "CHN,RUS", "USA,RUS"]),
    ],
)
@pytest.mark.parametrize("output", ["events.csv", "events.parquet"])
def test_each_dyad_has_in_a_run_the_counts_that_the_import_states(
    imported, samples, tmp_path, file, name, dyads, output
):
    got = imported([samples / file], name, *dyads, output=output)
    plain = imported([samples / file], name, *dyads, output="plain.csv").output
    with plain.open(encoding="utf-8") as stream:
        written = [(row["initiator"], row["target"], row["category"]) for row in csv.DictReader(stream)]
    categories = Counter()
    for dyad in dyads:
        a, b = dyad.split(",")
        own = Counter(category for one, other, category in written if {one, other} == {a, b})
        path = tmp_path / f"{a}-{b}.yaml"
        facts = {"as_of": got.report.last_known, "source": output, "category": max(own, key=own.get)}
        path.write_text(CONFIG.format(a=a, b=b, **facts), encoding="utf-8")
        inputs = read_inputs(load_config(path))
        assert len(inputs.events) == got.report.by_dyad[dyad]
        assert inputs.rows_left_out == got.report.kept - got.report.by_dyad[dyad]
        assert Counter(inputs.events.category.tolist()) == own
        assert int(inputs.data.counts.sum()) == got.report.by_dyad[dyad]
        alone = imported([samples / file], name, dyad, output=f"{a}-{b}.csv")
        assert alone.events.sha256 == inputs.events.sha256
        categories += own
    assert dict(categories) == got.report.by_category
