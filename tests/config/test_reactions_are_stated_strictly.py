"""Reactions of a config: every form that can be stated, and every fault with its place and what to do."""

import re
from datetime import date

import pytest

from forecast.config import load_config, resolved_yaml
from forecast.errors import ConfigError, PriorError
from forecast.events.codebook import SEVERITIES
from forecast.phrases.check import describe_config
from forecast.priors import Distribution, answer_chance, chance_prior
from forecast.priors.named import CHANCE_SPREAD
from forecast.runs.inputs import reaction_rules, read_inputs
from forecast.targets import ActClass, Reaction
from forecast.wording import BANDS

CONFIG = """\
name: small
dyad: {a: AAA, b: [BBB, NAT], theatre: [CCC]}
as_of: 2023-07-10
events: {source: events.csv, start: 2021-01-01}
targets:
  drills: {any_of: [military_posture], min_severity: 4, by: [BBB]}
milestones:
  - {name: talks, date: 2023-11-17}
  - {name: election, date: 2024-11-05}
calendar:
  - {date: 2023-09-01, category: dispute, subcategory: probe, severity: 2, by: AAA, probability: 0.4,
     label: Probe}
  - {date: 2024-11-04, category: visit, severity: 2, probability: 0.4, label: Late}
model: {family: model, population: none}
reactions:
  answer: {when: {WHEN}, then: {THEN}, MORE}
"""
WHEN, THEN = "category: dispute, subcategory: probe, by: AAA", "category: military_posture, by: BBB"
OCCASION = "milestone: talks"
EVENTS = """\
date,initiator,target,category,subcategory,severity
2021-01-05,AAA,BBB,dispute,probe,2
2021-03-01,BBB,AAA,military_posture,drill,3
2021-08-09,AAA,BBB,military_posture,transit,1
2022-02-01,BBB,AAA,military_posture,transit,3
2022-03-01,BBB,AAA,dispute,protest,3
2023-06-20,BBB,AAA,military_posture,drill,4
"""


@pytest.fixture
def write(tmp_path):
    """Write a config with one reaction, and its events; return its path."""

    def write(when=WHEN, then=THEN, more="days: 14", after="", events=EVENTS):
        text = CONFIG.replace("WHEN", when).replace("THEN", then).replace("MORE", more) + after
        (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
        (tmp_path / "events.csv").write_text(events, encoding="utf-8")
        return tmp_path / "small.yaml"

    return write


STATED = "days: 14, chance: likely"
WRONG = (
    {"when": "category: disptue"},
    {"then": "category: millitary_posture"},
    {"when": "category: dispute, by: AAB"},
    {"then": "by: BBC"},
    {"then": "by: CCC"},
    {"then": "category: sanction, towards: DDD"},
    {"then": "category: sanction, by: AAA, towards: AAA"},
    {"then": "target: drills, towards: AAA"},
    {"then": "category: sanction, by: [AAA, BBB, NAT]"},
    {"then": "target: drill"},
    {"when": "milestone: talk", "more": STATED},
    {"when": "calendar: probe", "more": STATED},
    {"more": "chance: 0"},
    {"more": "chance: 100%"},
    {"more": "chance: {q05: 0.1, q95: 1}"},
    {"more": "chance: likly"},
    {"more": "chance: [0.5]"},
    {"more": "chance: {odds: {q05: 1, q95: 2}}"},
    {"more": "chance: {q05: 0.5, q95: 0.1}"},
    {"more": "chance: Beta(3)"},
    {"more": "chance: 'Gamma(2, 3)'"},
    {"more": "days: 0"},
    {"more": "days: 366"},
    {"when": "category: dispute, severity: [4, 6]"},
    {"when": ""},
    {"when": f"{WHEN}, milestone: talks"},
    {"when": "milestone: talks, by: AAA", "more": STATED},
    {"then": ""},
    {"then": "target: drills, by: BBB"},
    {"then": "category: visit"},
    {"when": "milestone: election", "more": STATED},
    {"when": "calendar: Late", "more": STATED},
    {"when": OCCASION, "more": "chance: likely, past: [2023-07-11]"},
    {"more": "past: [2022-01-01]"},
    {"when": OCCASION, "more": "past: [2022-01-01, 2022-01-01]"},
    {"when": OCCASION, "more": "past: [2020-12-31, 2022-01-01]"},
    {"more": "record: ignore"},
    {"when": OCCASION},
    {"when": OCCASION, "more": f"{STATED}, record: ignore"},
    {"when": "category: military_posture"},
    {"then": "by: AAA"},
    {"when": "category: military_posture, severity: [3, 4]", "then": "target: drills"},
    {"when": "category: military_posture, subcategory: [transit, drill]"},
    {"after": f"  again: {{when: {{by: [AAA], {WHEN[:-9]}}}, then: {{{THEN}}}, chance: likely}}\n"},
    {"when": "category: dispute, subcategory: prob"},
    {"when": "category: dispute, by: NAT"},
    {"events": EVENTS.replace(",probe,", ",,").replace(",protest,", ",,")},
    {"more": "within: 14"},
    {"when": "category: dispute, subcategory: [7]"},
    {"more": "label: {a: 1}"},
    {"when": f"{WHEN}, severity: x"},
)


def test_each_fault_is_one_line_with_its_place_and_what_to_do(write, refused, snapshot):
    answers = refused(lambda changes: read_inputs(load_config(write(**changes))), *((one,) for one in WRONG))
    for line in answers.values():
        assert re.match(r"small\.yaml:\d+:\d+: reactions\.[^\n]*$", line)
    assert answers == snapshot


def test_an_act_of_the_calendar_is_of_one_subcategory(write):
    path = write()
    path.write_text(path.read_text().replace("subcategory: probe, severity", "subcategory: 'pro*', severity"))
    with pytest.raises(ConfigError, match=r"calendar\[0\]\.subcategory: 'pro\*' stands for several"):
        load_config(path)


def test_a_subcategory_of_the_calendar_reaches_the_act(write):
    assert [act.subcategory for act in read_inputs(load_config(write())).calendar] == ["probe", ""]


def test_all_that_is_stated_reaches_the_rule(write):
    (rule,) = read_inputs(
        load_config(write(more="label: Told, days: 30, chance: 60%, rationale: Why"))
    ).reactions
    probe = ActClass("dispute", ("probe",), SEVERITIES, ("AAA",))
    assert rule == Reaction(
        "answer", "Told", probe, ("military_posture",), ("BBB",), None, 30, 0.6, rationale="Why"
    )
    (rule,) = reaction_rules(load_config(write("calendar: Probe", "target: drills", "chance: likely")))
    assert (rule.label, rule.when, rule.then, rule.target) == ("Answer", None, (), "drills")
    assert (rule.ahead, rule.ahead_probability, rule.days) == (date(2023, 9, 1), 0.4, 14)
    (rule,) = reaction_rules(load_config(write(then="towards: [AAA, CCC], by: BBB")))
    assert (rule.then, rule.by, rule.towards) == ((), ("BBB",), ("AAA", "CCC"))
    past = "past: [2022-05-01, 2021-05-01], chance: likely, record: ignore"
    (rule,) = reaction_rules(load_config(write(OCCASION, "by: AAA", past)))
    assert (rule.ahead, rule.ahead_probability) == (date(2023, 11, 17), 1.0)
    assert rule.past == (date(2021, 5, 1), date(2022, 5, 1))
    assert not rule.use_record


@pytest.mark.parametrize(
    "chance", ["learned", "almost certain", "0.25", "'Beta(3, 2)'", "{q05: 20%, q95: 80%}"]
)
def test_a_reaction_survives_resolving_and_is_read_back(write, tmp_path, chance):
    config = load_config(write(more=f"chance: {chance}"))
    again = tmp_path / "again.yaml"
    again.write_text(resolved_yaml(config), encoding="utf-8")
    assert load_config(again) == config
    read = " ".join(describe_config(config).split())
    # The model counts acts of the whole side, and of the theatre against the other one, as answers.
    said = "Dispute (probe) by AAA is answered by any military posture by BBB or NAT within 14 days, "
    assert f"{said}chance " in read


def test_at_another_day_a_reaction_keeps_what_was_known_then(write):
    more = "past: [2021-05-01, 2022-05-01], chance: likely"
    for when in (OCCASION, "calendar: Probe"):
        config = load_config(write(when, "by: AAA", more))
        earlier = {"as_of": date(2022, 1, 1), "calendar": (), "milestones": config.milestones[1:]}
        (rule,) = reaction_rules(config.model_copy(update=earlier))
        assert (rule.past, rule.ahead) == ((date(2021, 5, 1),), None)


def test_a_class_holds_the_acts_that_its_mask_finds(write):
    events = read_inputs(load_config(write())).events
    for one in (
        ActClass("military_posture"),
        ActClass("military_posture", ("dr*", "x"), (3, 4)),
        ActClass("military_posture", ("*", "drill"), by=("AAA",)),
        ActClass("dispute", ("prob?", "[p]robe", "protest")),
    ):
        held = [
            one.holds(row.category, row.subcategory, row.severity, row.initiator) for row in events.rows()
        ]
        assert one.mask(events).tolist() == held
    assert ActClass("military_posture", ("dr*",), (3, 4)).mask(events).sum() == 2
    assert ActClass("dispute", ("prob?",)).mask(events).sum() == 0


def test_a_subcategory_that_no_event_has_is_refused_unless_it_is_said_to_be_new(write):
    path = write("category: dispute, subcategory: [probe, protst, 'new*']", more=STATED)
    new = "events.new_subcategories=['new*']"
    with pytest.raises(ConfigError) as refused:
        read_inputs(load_config(path, [new]))
    (said,) = str(refused.value).splitlines()
    assert "subcategory 'protst'. Did you mean 'protest'? They have: probe, protest" in said
    text = path.read_text().replace("protst, ", "").replace("probe, severity: 2", "oil, severity: 2")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"calendar\[0\]\.subcategory: no dispute .* subcategory 'oil'"):
        read_inputs(load_config(path, [new]))
    read_inputs(load_config(path, [new.replace("[", "[oil, ")]))


def test_a_word_has_its_middle_as_mean_and_a_share_its_value_as_median():
    for word, least, most in BANDS:
        prior = chance_prior(word)
        assert prior.mean == pytest.approx((least + most) / 200)
        assert min(prior.values) >= 1 - 1e-12
        assert sum(prior.values) >= 10 - 1e-12
    assert float(chance_prior(0.6).quantile(0.5)) == pytest.approx(0.6)
    assert chance_prior(0.6).values[1] == CHANCE_SPREAD
    stated = chance_prior({"q05": 0.2, "q95": 0.8})
    assert stated.quantile([0.05, 0.95]) == pytest.approx([0.2, 0.8])
    assert str(chance_prior("Beta(3, 2)")) == "Beta(alpha=3, beta=2)"
    assert chance_prior("learned") is None


@pytest.mark.parametrize("chance", [0.0, 1.0, "sure", "Normal(0, 1)", {"q05": 0.0, "q95": 0.5}])
def test_a_chance_beyond_what_is_possible_is_refused(chance):
    with pytest.raises(PriorError):
        chance_prior(chance)


def test_the_chance_told_is_the_mean_over_the_prior_of_the_number():
    """Of an exponential number of answers the chance is uniform."""
    chance, (low, high) = answer_chance(Distribution("Gamma", (1.0, 1.0)))
    assert (chance, low, high) == pytest.approx((0.5, 0.05, 0.95), abs=1e-6)
