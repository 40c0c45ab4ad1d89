"""``--set`` reaches any setting of a file, and what it cannot reach is named with the option."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.config import load_config, resolved_yaml
from forecast.errors import ConfigError

KEEP_FILE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)


def test_names_numbers_and_indices_reach_their_place(write):
    path = write()
    before = path.read_bytes()
    label = "Talks: part #2 & more, [maybe]"
    config = load_config(
        path,
        [
            "sampler.draws=250",
            "sampler.draws=300",
            "milestones.election.date=2024-11-06",
            "milestones.2={name: later, date: 2025-01-20}",
            f"milestones.0.label={label}",
            "milestones.2.label='2023'",
            "calendar.0.probability=0",
            "targets.crisis.min_severity=3",
            "targets.crisis.any_of.1=visit",
            "targets.new={any_of: [dispute], min_severity: 2}",
            "report.paper=us-letter",
        ],
    )
    assert config.sampler.draws == 300
    assert [one.date for one in config.milestones[1:]] == [date(2024, 11, 6), date(2025, 1, 20)]
    assert [one.label for one in config.milestones] == [label, "General election", "2023"]
    assert config.calendar[0].probability == 0.0
    assert (config.targets["crisis"].min_severity, config.targets["new"].min_severity) == (3, 2)
    assert config.targets["crisis"].any_of == ("sanction", "visit")
    assert config.report.paper == "us-letter"
    assert path.read_bytes() == before


def test_a_category_is_read_however_it_is_spelled(write):
    path = write(
        ("[sanction, dispute]", "[Channel Closure, military-posture]"),
        ("category: visit", "category: channel opening"),
    )
    config = load_config(path, ["model.priors.ballast.Channel opening=calms"])
    assert config.targets["crisis"].any_of == ("channel_closure", "military_posture")
    assert config.calendar[0].category == "channel_opening"
    assert config.model.priors["ballast.channel_opening"] == "calms"


def test_names_of_priors_keep_their_dots(write):
    config = load_config(
        write(),
        [
            "model.priors.excitation.branching.military_incident=Beta(4, 8)",
            "model.priors.tension.persistence=quick",
            "model.priors.ballast.visit.median=0.2",
            "model.priors.ballast.channel_opening={q975: 3, q10: 2, q025: 1}",
        ],
    )
    assert config.model.priors == {
        "tension.persistence": "quick",
        "ballast.visit": {"q05": -0.1, "median": 0.2, "q95": 0.4},
        "excitation.branching.military_incident": "Beta(4, 8)",
        "ballast.channel_opening": {"q025": 1.0, "q10": 2.0, "q975": 3.0},
    }


def test_as_of_and_seed_win_over_file_and_options(write):
    path = write(("sampler: {seed: 7}\n", ""))
    config = load_config(path, ["sampler.seed=1", "as_of=2023-07-01"], as_of=date(2023, 7, 2), seed=99)
    assert (config.as_of, config.sampler.seed) == (date(2023, 7, 2), 99)
    assert str(config.error(("as_of",), "late")) == "`as_of`: late"
    assert str(config.error(("sampler", "seed"), "odd")) == "`seed`: odd"


WRONG = [
    "sampler.drawz=5",
    "samplr.draws=5",
    "milestones.elections.date=2024-01-01",
    "milestones.3.date=2024-01-01",
    "milestones.-1.date=2024-01-01",
    "calendar.first.date=2024-01-01",
    "targets.crises.min_severity=3",
    "name.first=x",
    "sampler..draws=5",
    "sampler.draws",
    "=5",
    "targets={a: [",
    "targets=[*a]",
    "sampler.draws=0",
    "sampler.draws=",
    "milestones.talks.date=2023-07-10",
    "calendar.0={date: 2023-08-01}",
    "targets.x={any_of: [visitt], min_severity: 1}",
    "milestones=[{name: [a], date: 2024-01-01}]",
    'model.priors.severity.tension="\\ud800"',
    "name=\udcff",
    "headline.milestone=[]",
]


def test_a_wrong_option_is_named_in_the_message(write, snapshot):
    messages = []
    for override in WRONG:
        with pytest.raises(ConfigError, match=r"^`overrides` ") as refused:
            load_config(write(), [override])
        messages.append(str(refused.value))
    assert "\n".join(messages) == snapshot


def test_faults_of_file_and_options_come_together_the_file_first(write):
    path = write(("min_severity: 4", "min_severity: 7"))
    with pytest.raises(ConfigError, match="min_severity") as caught:
        load_config(path, ["sampler.drawz=1", "sampler.tune=0"])
    places = [line.split(": ")[0] for line in str(caught.value).splitlines()]
    assert places == [f"{path}:11:5", "`overrides` sampler.drawz", "`overrides` sampler.tune"]


LABELS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=40)


@KEEP_FILE
@given(
    label=LABELS.filter(str.strip),
    draws=st.integers(10, 100_000),
    accept=st.floats(0.51, 0.99),
    day=st.dates(date(2023, 7, 12), date(2033, 7, 9)),
    probability=st.floats(0, 1),
)
def test_every_valid_value_set_is_the_value_read_and_read_back(write, label, draws, accept, day, probability):
    quoted = label.replace("'", "''")
    config = load_config(
        write(),
        [
            f"milestones.talks.label='{quoted}'",
            f"sampler.draws={draws}",
            f"sampler.target_accept={accept!r}",
            f"milestones.2={{name: last, date: {date(2033, 7, 10)}}}",
            f"milestones.talks.date={day}",
            f"calendar.0.probability={probability!r}",
        ],
    )
    assert (config.sampler.draws, config.sampler.target_accept) == (draws, accept)
    assert (config.milestones[0].label, config.milestones[0].date) == (label.strip(), day)
    assert config.calendar[0].probability == probability
    path = write().with_name("resolved.yaml")
    path.write_text(resolved_yaml(config), encoding="utf-8")
    assert load_config(path) == config
