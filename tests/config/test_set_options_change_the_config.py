from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.config import load_config, resolved_yaml
from forecast.config.settings_file import parse_override
from forecast.errors import ConfigError

KEEP_FILE = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)


def set_in(path: Path, *overrides: str):
    return load_config(path, overrides)


def test_a_number_a_name_and_an_index_reach_their_place(write):
    path = write()
    assert set_in(path, "sampler.draws=250").sampler.draws == 250
    assert set_in(path, "milestones.election.date=2024-11-06").milestones[1].date == date(2024, 11, 6)
    assert set_in(path, "milestones.1.date=2024-11-06").milestones[1].date == date(2024, 11, 6)
    assert set_in(path, "calendar.0.probability=0").calendar[0].probability == 0.0
    assert set_in(path, "targets.crisis.min_severity=3").targets["crisis"].min_severity == 3
    assert set_in(path, "targets.crisis.any_of.1=visit").targets["crisis"].any_of == ("sanction", "visit")


def test_lists_and_mappings_are_given_as_yaml(write):
    config = set_in(
        write(), "targets.crisis.any_of=[visit]", "targets.new={any_of: [dispute], min_severity: 2}"
    )
    assert config.targets["crisis"].any_of == ("visit",)
    assert config.targets["new"].min_severity == 2


def test_the_index_after_the_last_adds_an_item(write):
    config = set_in(write(), "milestones.2={name: later, date: 2025-01-20}")
    assert [milestone.name for milestone in config.milestones] == ["talks", "election", "later"]


def test_sections_that_the_file_leaves_out_are_made(write):
    assert set_in(write(), "report.paper=us-letter").report.paper == "us-letter"


def test_names_of_priors_keep_their_dots(write):
    config = set_in(
        write(),
        "model.priors.excitation.branching.military_incident=Beta(4, 8)",
        "model.priors.tension.persistence=quick",
        "model.priors.ballast.visit.median=0.2",
    )
    assert config.model.priors == {
        "tension.persistence": "quick",
        "ballast.visit": {"q05": -0.1, "median": 0.2, "q95": 0.4},
        "excitation.branching.military_incident": "Beta(4, 8)",
    }


def test_finer_quantiles_have_three_digits(write):
    config = set_in(write(), "model.priors.ballast.visit={q975: 3, q10: 2, q025: 1}")
    assert config.model.priors["ballast.visit"] == {"q025": 1.0, "q10": 2.0, "q975": 3.0}


def test_text_needs_no_quotes_for_yaml_signs(write):
    label = "Talks: part #2 & more, [maybe]"
    assert set_in(write(), f"milestones.talks.label={label}").milestones[0].label == label


def test_quotes_keep_a_number_as_text(write):
    assert set_in(write(), "milestones.talks.label='2023'").milestones[0].label == "2023"


def test_later_options_win_and_the_file_is_left_alone(write):
    path = write()
    before = path.read_bytes()
    assert set_in(path, "sampler.draws=250", "sampler.draws=300").sampler.draws == 300
    assert path.read_bytes() == before


def test_as_of_and_seed_win_over_file_and_options(write):
    config = load_config(write(), ["sampler.seed=1", "as_of=2023-07-01"], as_of=date(2023, 7, 2), seed=99)
    assert (config.as_of, config.sampler.seed) == (date(2023, 7, 2), 99)
    assert str(config.error(("as_of",), "late")) == "--as-of: late"
    assert str(config.error(("sampler", "seed"), "odd")) == "--seed: odd"


def test_a_seed_alone_stands_for_the_sampler_section(write):
    path = write(("sampler: {seed: 7}\n", ""))
    assert load_config(path, seed=5).sampler.seed == 5


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
]


def test_a_wrong_option_is_named_in_the_message(write, snapshot):
    messages = []
    for override in WRONG:
        with pytest.raises(ConfigError, match=r"^--set ") as refused:
            load_config(write(), [override])
        messages.append(str(refused.value))
    assert "\n".join(messages) == snapshot


def test_nothing_can_be_set_below_a_value_of_the_wrong_kind(write):
    path = write(("{seed: 7}", "7"))
    with pytest.raises(ConfigError, match="'sampler' holds a single value in the file"):
        load_config(path, ["sampler.draws=50"])


def test_faults_of_file_and_options_come_together_the_file_first(write):
    path = write(("min_severity: 4", "min_severity: 7"))
    with pytest.raises(ConfigError, match="min_severity") as caught:
        load_config(path, ["sampler.drawz=1", "sampler.tune=0"])
    places = [line.split(": ")[0] for line in str(caught.value).splitlines()]
    assert places == [f"{path}:11:5", "--set sampler.drawz", "--set sampler.tune"]


LABELS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=40)


def is_kept_by_shells_and_quotes(label: str) -> bool:
    return bool(label.strip()) and label.strip()[0] not in "[{'\""


@KEEP_FILE
@given(
    draws=st.integers(10, 100_000),
    accept=st.floats(0.51, 0.99),
    day=st.dates(date(2023, 7, 12), date(2033, 7, 9)),
    severity=st.integers(1, 5),
    probability=st.floats(0, 1),
)
def test_every_valid_value_set_is_the_value_read(write, draws, accept, day, severity, probability):
    config = set_in(
        write(),
        f"sampler.draws={draws}",
        f"sampler.target_accept={accept!r}",
        f"milestones.2={{name: last, date: {date(2033, 7, 10)}}}",
        f"milestones.election.date={day}",
        f"targets.clash.min_severity={severity}",
        f"calendar.0.probability={probability!r}",
    )
    assert config.sampler.draws == draws
    assert config.sampler.target_accept == accept
    assert config.milestones[1].date == day
    assert config.targets["clash"].min_severity == severity
    assert config.calendar[0].probability == probability


@KEEP_FILE
@given(label=LABELS.filter(is_kept_by_shells_and_quotes))
def test_any_label_set_is_the_label_read_unless_it_means_a_number_or_nothing(write, label):
    value = parse_override(f"milestones.talks.label={label}").value
    if isinstance(value, str):
        assert set_in(write(), f"milestones.talks.label={label}").milestones[0].label == label.strip()
    elif value is None:
        assert set_in(write(), f"milestones.talks.label={label}").milestones[0].label is None
    else:
        with pytest.raises(ConfigError, match=r"Put it in quotes|allowed: text"):
            set_in(write(), f"milestones.talks.label={label}")


@KEEP_FILE
@given(label=LABELS.filter(str.strip))
def test_any_label_in_the_resolved_text_is_read_back(write, label):
    quoted = label.replace("'", "''")
    config = set_in(write(), f"milestones.talks.label='{quoted}'")
    assert config.milestones[0].label == label.strip()
    path = write().with_name("resolved.yaml")
    path.write_text(resolved_yaml(config), encoding="utf-8")
    assert load_config(path) == config
