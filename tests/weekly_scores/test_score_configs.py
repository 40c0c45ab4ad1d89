import re

import pytest

from forecast.config import load_score_config, resolved_yaml
from forecast.errors import ConfigError
from forecast.weekly_scores.checking import read_score_inputs

CONFIG = """\
name: small
dyad: {a: USA, b: CHN}
as_of: 2023-07-09
scores: {source: scores.csv}
targets:
  cold: {direction: a_to_b, score_below: -5}
milestones:
  - {name: election, date: 2024-11-05}
sampler: {seed: 1}
"""


@pytest.fixture
def case(tmp_path):
    def write(old: str = "", new: str = ""):
        assert old in CONFIG
        path = tmp_path / "case.yaml"
        path.write_text(CONFIG.replace(old, new, 1) if old else CONFIG, encoding="utf-8")
        return path

    return write


def test_a_config_resolved_reads_back_as_the_same(case, tmp_path):
    config = load_score_config(case())
    again = tmp_path / "again.yaml"
    again.write_text(resolved_yaml(config), encoding="utf-8")
    assert load_score_config(again).model_dump() == config.model_dump()


def test_settings_can_be_changed_for_one_run(case):
    changed = load_score_config(case(), ["targets.cold.score_below=-7", "sampler.draws=50"], seed=9)
    assert changed.targets["cold"].score_below == -7
    assert (changed.sampler.draws, changed.sampler.seed) == (50, 9)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("score_below: -5", "score_bellow: -5", "unknown key. Did you mean 'score_below'?"),
        (
            "score_below: -5",
            "score_below: low",
            "targets.cold.score_below: came text 'low'; allowed: a number",
        ),
        ("direction: a_to_b", "direction: a_b", "Did you mean 'a_to_b'?"),
        ("scores: {source: scores.csv}\n", "", "scores: required key is missing"),
        ("scores: {source: scores.csv}", "scores: {source: x, start: 2024-01-01}", "no score would be left"),
        ("date: 2024-11-05", "date: 2023-07-09", "is not after as_of"),
        ("b: CHN", "b: USA", "both countries are 'USA'"),
        ("sampler:", "events: {source: x}\nsampler:", "events: unknown key"),
    ],
)
def test_faults_are_told_with_their_line(case, old, new, message):
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        load_score_config(case(old, new))
    assert re.match(r".*case\.yaml:\d+:\d+: ", str(caught.value))


def test_an_option_that_names_no_setting_is_refused(case):
    with pytest.raises(ConfigError, match=r"unknown key 'scorez'\. Did you mean 'scores'"):
        load_score_config(case(), ["scorez.start=2020-01-01"])


def weeks(pairs=("USA,CHN", "CHN,USA")) -> str:
    from datetime import date, timedelta

    rows = ["week,initiator,target,score,acts"]
    for week in range(60):
        day = date(2022, 1, 3) + timedelta(weeks=week)
        rows += [f"{day},{pair},{1 + week % 3},1" for pair in pairs]
    return "\n".join(rows) + "\n"


def test_what_the_scores_cannot_answer_is_refused_at_its_key(case, tmp_path):
    with pytest.raises(ConfigError, match=r"case\.yaml:4:\d+: scores\.source: no such file"):
        read_score_inputs(load_score_config(case()))
    (tmp_path / "scores.csv").write_text(weeks(("CHN,USA",)))
    with pytest.raises(ConfigError, match=r"targets\.cold\.direction: the file has no scores a_to_b"):
        read_score_inputs(load_score_config(case()))
    (tmp_path / "scores.csv").write_text(weeks())
    wrong = case("sampler:", "model: {priors: {tone.persistance: 'Normal(0, 1)'}}\nsampler:")
    with pytest.raises(ConfigError, match=r"Did you mean 'tone\.persistence'"):
        read_score_inputs(load_score_config(wrong))
    mass = case("sampler:", "model: {priors: {tone.persistence: 'Normal(0, 1)'}}\nsampler:")
    with pytest.raises(ConfigError, match="puts mass where it cannot be"):
        read_score_inputs(load_score_config(mass))


def test_a_stated_prior_replaces_the_default(case, tmp_path):
    (tmp_path / "scores.csv").write_text(weeks())
    stated = case(
        "sampler:", "model: {priors: {noise.tail: 'Gamma(2, 1)', tone.mean: {q05: -1, q95: 1}}}\nsampler:"
    )
    priors = read_score_inputs(load_score_config(stated)).priors
    assert str(priors.distributions["noise.tail"]) == "Gamma(alpha=2, beta=1)"
    assert priors.distributions["tone.mean"].quantile(0.95) == pytest.approx(1, abs=1e-3)
    assert priors.stated == {"noise.tail", "tone.mean"}
