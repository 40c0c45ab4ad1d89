"""Every bad value of a config: one line that says where, what came, what is allowed."""

import re

import pytest

from forecast.config import load_config
from forecast.config.faults import Position, SourceMap
from forecast.errors import ConfigError

AS_OF, ACT = (
    "as_of: 2023-07-10",
    "calendar:\n  - {date: 2023-07-16",
)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        # keys
        ("sampler:", "samplr:", "25:1: samplr: unknown key. Did you mean 'sampler'?"),
        ("{seed: 7}", "{seed: 7, drawz: 5}", "25:20: sampler.drawz: unknown key. Did you mean 'draws'?"),
        (
            "label: General",
            "labelx: General",
            "16:5: milestones.1.labelx: unknown key. Did you mean 'label'?",
        ),
        (
            "min_severity: 4",
            "severity: 4",
            "11:5: targets.crisis.severity: unknown key. Did you mean 'min_severity'?",
        ),
        ("sampler: {seed: 7}", "scenario: []", "25:1: scenario: unknown key. Did you mean 'scenarios'?"),
        ("as_of: 2023-07-10\n", "", "1:1: as_of: required key is missing; add 'as_of'"),
        ("min_severity: 4", "label: X", "9:3: targets.crisis.min_severity: required key is missing"),
        # categories and severities
        (
            "[sanction,",
            "[sanctoin,",
            "10:14: targets.crisis.any_of.0: unknown category 'sanctoin'. Did you mean 'sanction'?",
        ),
        (
            "category: visit",
            "category: Visit",
            "20:24: calendar.0.category: unknown category 'Visit'. Did you mean 'visit'?",
        ),
        ("[sanction, dispute]", "[dispute, dispute]", "10:5: targets.crisis.any_of: named twice: dispute"),
        ("[military_incident]", "[]", "12:11: targets.clash.any_of: empty; expected a list"),
        (
            "min_severity: 4",
            "min_severity: 7",
            "11:5: targets.crisis.min_severity: got 7; expected a whole number from 1 to 5",
        ),
        (
            "severity: 2",
            "severity: 0",
            "20:41: calendar.0.severity: got 0; expected a whole number from 1 to 5",
        ),
        ("min_severity: 4", "min_severity: 04", "11:5: targets.crisis.min_severity: got '04'"),
        ("min_severity: 4", "min_severity: true", "11:5: targets.crisis.min_severity: got true"),
        ("min_severity: 4", "min_severity: 4.5", "11:5: targets.crisis.min_severity: got 4.5"),
        (
            "0.95",
            "1.2",
            "20:54: calendar.0.probability: got 1.2; expected a number from 0 to 1, or a percent",
        ),
        ("0.95", "95 of 100", "20:54: calendar.0.probability: got '95 of 100'; expected a number from 0"),
        # days
        (AS_OF, "as_of: 2023-02-30", "4:1: as_of: 2023-02-30 is not a day of the calendar"),
        (AS_OF, "as_of: 10/07/2023", "4:1: as_of: got '10/07/2023'; expected a date as YYYY-MM-DD"),
        (AS_OF, "as_of: 20230710", "4:1: as_of: got 20230710; expected a date as YYYY-MM-DD"),
        (
            AS_OF,
            "as_of: 2023-07-10T00:00:00",
            "4:1: as_of: got '2023-07-10T00:00:00'; expected a date as YYYY-MM-DD",
        ),
        (AS_OF, "as_of: 2023-W28-1", "4:1: as_of: got '2023-W28-1'; expected a date as YYYY-MM-DD"),
        (
            "date: 2024-11-05",
            "date: 2023-07-10",
            "17:5: milestones.1.date: 2023-07-10 is not after as_of (2023-07-10)",
        ),
        (
            "date: 2024-11-05",
            "date: 2033-07-11",
            "17:5: milestones.1.date: 2033-07-11 is more than ten years after as_of",
        ),
        (
            "start: 2017-01-20",
            "start: 2023-07-10",
            "7:3: events.start: 2023-07-10 is not before as_of (2023-07-10)",
        ),
        (
            "start: 2017-01-20",
            "start: 2024-01-01",
            "7:3: events.start: 2024-01-01 is not before as_of (2023-07-10)",
        ),
        (
            ACT,
            ACT.replace("07-16", "07-10"),
            "20:6: calendar.0.date: 2023-07-10 is not after as_of (2023-07-10)",
        ),
        (
            ACT,
            ACT.replace("2023", "2025"),
            "20:6: calendar.0.date: 2025-07-16 is after the last milestone (2024-11-05)",
        ),
        # names
        ("name: small", "name: ../up", "2:1: name: '../up' cannot name a folder"),
        ("name: small", "name: Small", "2:1: name: 'Small' cannot name a folder"),
        ("name: small", "name: con", "2:1: name: 'con' cannot name a folder"),
        ("name: small", f"name: {'x' * 65}", "2:1: name: 'xxx"),
        ("name: small", "name: 2023", "2:1: name: got 2023; expected text. Put it in quotes: '2023'"),
        ("a: AAA", "a: ''", "3:8: dyad.a: empty text"),
        ("a: AAA", "a: []", "3:8: dyad.a: empty list; name at least one actor"),
        (
            "a: AAA",
            "a: 2",
            "3:8: dyad.a: got 2; expected an actor as the event file names it, or a list. Put",
        ),
        ("a: AAA", "a: [NAT, NAT]", "3:8: dyad.a: named twice: NAT; keep one of each"),
        ("a: AAA", "a: [NAT, {x: 1}]", "3:8: dyad.a: got a mapping (key: value); expected an actor"),
        ("a: AAA", 'a: "A\\u202eB"', "3:8: dyad.a: control or direction character U+202E at place 2"),
        ("a: AAA", "a: Korea", "3:8: dyad.a: 'Korea' may be KOR (South Korea) or PRK (North Korea); write"),
        ("a: AAA", "a: [India, IND]", "3:8: dyad.a: named twice: IND; keep one of each"),
        ("a: AAA, b: BBB", "a: India, b: IND", "3:18: dyad.b: 'IND' is in dyad.a already"),
        ("  source: events.csv", "  source: events.csv\n  dates: dym", "7:3: events.dates: got 'dym'"),
        (
            "  source: events.csv",
            "  source: bundled:us-china\n  dates: dmy",
            "7:3: events.dates: 'dmy' would have no effect: bundled:us-china has days as YYYY-MM-DD",
        ),
        ("b: BBB", "b: AAA", "3:16: dyad.b: 'AAA' is in dyad.a already; an actor has one place"),
        ("b: BBB", "b: [BBB, AAA]", "3:16: dyad.b: 'AAA' is in dyad.a already; an actor has one place"),
        ("b: BBB", "b: BBB, theatre: [CCC, BBB]", "3:24: dyad.theatre: 'BBB' is in dyad.b already"),
        ("b: BBB", "b: BBB, theatre: [CCC, CCC]", "3:24: dyad.theatre: named twice: CCC"),
        (
            "name: talks",
            "name: election",
            "15:5: milestones.1.name: 'election' names an earlier milestone too",
        ),
        ("name: talks", "name: '3'", "14:6: milestones.0.name: '3' cannot be a name"),
        ("  clash:", "  a b:", "12:3: targets.a b: 'a b' cannot be a name"),
        (
            "target: clash",
            "target: clsh",
            "18:12: headline.target: no target is named 'clsh'. Did you mean 'clash'? Allowed: crisis, clash",
        ),
        (
            "milestone: talks",
            "milestone: elections",
            "18:27: headline.milestone: no milestone is named 'elections'. Did you mean 'election'?",
        ),
        # other values
        ("source: events.csv", "source: ''", "6:3: events.source: empty text"),
        (
            "label: Envoy",
            f"label: {'x' * 301}",
            "20:73: calendar.0.label: got 301 characters; expected text of at most 300 characters",
        ),
        (
            "label: Envoy",
            'label: "a\\u202eb"',
            "20:73: calendar.0.label: control or direction character U+202E at place 2",
        ),
        (
            "label: Envoy",
            'label: "a\\nb"',
            "20:73: calendar.0.label: control or direction character U+000A at place 2",
        ),
        ("schema: 1", "schema: 2", "1:1: schema: got 2; expected 1"),
        ("sampler:", "step: day\nsampler:", "25:1: step: got 'day'; expected week"),
        (
            "sampler:",
            "report: {paper: a5}\nsampler:",
            "25:10: report.paper: got 'a5'; expected a4, us-letter",
        ),
        ("model:\n", "model:\n  family: 7\n", "22:3: model.family: got 7; expected text"),
        ("{seed: 7}", "{seed: -1}", "25:11: sampler.seed: got -1; expected a whole number, 0 or more"),
        (
            "{seed: 7}",
            "{seed: 7, chains: 1}",
            "25:20: sampler.chains: got 1; expected a whole number from 2 to 64",
        ),
        (
            "{seed: 7}",
            "{seed: 7, target_accept: 1}",
            "25:20: sampler.target_accept: got 1; expected a number between 0.5 and 1",
        ),
        ("{seed: 7}", "7", "25:1: sampler: got 7; expected a mapping"),
        # priors
        (
            "tension.persistence:",
            "' tension':",
            "23:5: model.priors. tension: ' tension' cannot name a prior",
        ),
        (
            "persistence: slow",
            "persistence: 3",
            "23:5: model.priors.tension.persistence: got 3; expected a word",
        ),
        (
            "persistence: slow",
            "persistence: [slow]",
            "23:5: model.priors.tension.persistence: got a list; expected a word",
        ),
        (
            "median: 0.1",
            "median: 0.5",
            "24:5: model.priors.ballast.visit: quantiles must rise: median = 0.5 is not below q95 = 0.4",
        ),
        (
            "median: 0.1",
            "q50: 0.1, median: 0.2",
            "24:5: model.priors.ballast.visit: median and q50 are the same quantile",
        ),
        (
            "median: 0.1",
            "mid: 0.1",
            "24:5: model.priors.ballast.visit: unknown quantile 'mid'; allowed: median and q01 to q99",
        ),
        (
            "{q05: -0.1, median: 0.1, q95: 0.4}",
            "{median: 1}",
            "24:5: model.priors.ballast.visit: at least two quantiles",
        ),
        (
            "median: 0.1",
            "median: 1e999",
            "24:5: model.priors.ballast.visit: quantile 'median': got '1e999'; expected a number",
        ),
        (
            "{q05: -0.1, median: 0.1, q95: 0.4}",
            "true",
            "24:5: model.priors.ballast.visit: got true; expected a word",
        ),
    ],
)
def test_each_fault_is_one_line_with_its_place_and_what_to_do(write, old, new, line):
    path = write((old, new))
    with pytest.raises(ConfigError, match=re.escape(f"{path}:{line}")):
        load_config(path)


@pytest.mark.parametrize("section", ["targets", "milestones"])
def test_at_least_one_target_and_one_milestone_are_needed(write, section):
    path = write(text=re.sub(rf"(?m)^{section}:\n(  .*\n)+", f"{section}:\n", write().read_text()))
    with pytest.raises(ConfigError, match=f"{section}: got an empty value; expected a "):
        load_config(path)
    empty = "{}" if section == "targets" else "[]"
    path = write((f"{section}:\n", f"{section}: {empty}\n"), text=path.read_text())
    with pytest.raises(ConfigError, match=f"{section}: empty; expected a .* of at least 1"):
        load_config(path)


def test_all_faults_come_in_one_error_in_the_order_of_the_file(write):
    path = write(
        ("name: small", "name: S"),
        (AS_OF, "as_of: 2023-02-30"),
        ("min_severity: 4", "min_severity: 7"),
        ("target: clash", "target: clsh"),
        ("0.95", "2"),
        ("{seed: 7}", "{seed: 7, drawz: 1}"),
    )
    with pytest.raises(ConfigError, match=r"name a folder") as caught:
        load_config(path)
    lines = str(caught.value).splitlines()
    assert [line.removeprefix(f"{path}:").split(": ")[1] for line in lines] == [
        "name",
        "as_of",
        "targets.crisis.min_severity",
        "headline.target",
        "calendar.0.probability",
        "sampler.drawz",
    ]


def test_a_fault_is_told_once(write):
    path = write(("target: clash", "target: clsh"))
    with pytest.raises(ConfigError, match=r"headline\.target") as caught:
        load_config(path)
    assert len(str(caught.value).splitlines()) == 1


def test_the_same_act_twice_is_refused(write):
    act = "  - {date: 2023-07-16, category: visit, severity: 2, probability: 0.95, label: Envoy}\n"
    path = write((act, act + act.replace("0.95", "0.5")))
    with pytest.raises(ConfigError, match=r":21:5: calendar.1: the same act as calendar.0"):
        load_config(path)


def test_a_file_with_very_many_faults_shows_fifty_and_counts_the_rest(write):
    path = write(("sampler:", "".join(f"x{index}: 1\n" for index in range(70)) + "sampler:"))
    with pytest.raises(ConfigError, match=r"and 20 more faults$") as caught:
        load_config(path)
    assert len(str(caught.value).splitlines()) == 51


class Counted(dict):
    """Counts how often it is looked into, and refuses to be gone through."""

    looked = 0

    def get(self, key, default=None):
        Counted.looked += 1
        return super().get(key, default)

    def __iter__(self):
        raise AssertionError("gone through")

    items = keys = values = __iter__


def test_the_place_of_a_key_is_looked_up_and_not_searched_for(monkeypatch):
    keys = {(f"k{key}",): Position(key + 1, 1) for key in range(1000)}
    source = SourceMap("f.yaml", Counted(keys), Counted())
    monkeypatch.setattr(Counted, "looked", 0)
    found = [source.origin((*path, "below", 0)) for path in keys]
    assert found == list(keys.values())
    # A path of three is asked for with its three keys above, itself included, among options and positions.
    assert Counted.looked <= 8 * len(keys)


def test_signs_that_would_steer_a_terminal_are_shown_as_escapes(write):
    path = write(("sampler:", '"x\\e[2J\\n": 1\nsampler:'))
    with pytest.raises(ConfigError, match=r":25:1: x\\x1b\[2J\\n: unknown key") as caught:
        load_config(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["- a\n", "just words\n", "7\n"])
def test_a_file_that_is_not_a_mapping_says_what_it_must_hold(write, text):
    with pytest.raises(ConfigError, match=r"small.yaml:1:1: got .*; expected 'key: value' lines"):
        load_config(write(text=text))


def test_two_milestones_on_one_day_are_refused_with_both_lines(write):
    with pytest.raises(ConfigError) as refused:
        load_config(write(("date: 2024-11-05", "date: 2023-11-17")))
    first, second = str(refused.value).splitlines()
    assert ".yaml:14:19: milestones.0.date: 2023-11-17 is the day of milestones.1 as well" in first
    assert ".yaml:17:5: milestones.1.date: 2023-11-17 is the day of milestones.0 as well" in second


def test_a_probability_may_be_a_percent(write):
    config = load_config(write(("probability: 0.95", "probability: 80%")))
    assert config.calendar[0].probability == 0.8
    with pytest.raises(ConfigError, match=r"calendar.0.probability: got 1\.2"):
        load_config(write(("probability: 0.95", "probability: 120%")))
