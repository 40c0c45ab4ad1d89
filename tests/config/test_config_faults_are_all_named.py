"""Every bad value of a config: one line that says where, what came, what is allowed."""

import re

import pytest

from forecast.config import load_config
from forecast.errors import ConfigError

AS_OF, ACT = "as_of: 2023-07-10", "calendar:\n  - {date: 2023-07-16"
ENVOY = "  - {date: 2023-07-16, category: visit, severity: 2, probability: 0.95, label: Envoy}\n"


FAULTS = [
    ("sampler:", "samplr:"),
    ("{seed: 7}", "{seed: 7, drawz: 5}"),
    ("label: General", "labelx: General"),
    ("min_severity: 4", "severity: 4"),
    ("sampler: {seed: 7}", "scenario: []"),
    ("as_of: 2023-07-10\n", ""),
    ("min_severity: 4", "label: X"),
    ("[sanction,", "[sanctoin,"),
    ("[sanction, dispute]", "[dispute, dispute]"),
    ("[military_incident]", "[]"),
    ("min_severity: 4", "min_severity: 7"),
    ("severity: 2", "severity: 0"),
    ("min_severity: 4", "min_severity: 04"),
    ("min_severity: 4", "min_severity: true"),
    ("min_severity: 4", "min_severity: 4.5"),
    ("0.95", "1.2"),
    ("0.95", "95 of 100"),
    (AS_OF, "as_of: 2023-02-30"),
    (AS_OF, "as_of: 10/07/2023"),
    (AS_OF, "as_of: 20230710"),
    (AS_OF, "as_of: 2023-07-10T00:00:00"),
    (AS_OF, "as_of: 2023-W28-1"),
    ("date: 2024-11-05", "date: 2023-07-10"),
    ("date: 2024-11-05", "date: 2033-07-11"),
    ("start: 2017-01-20", "start: 2023-07-10"),
    ("start: 2017-01-20", "start: 2024-01-01"),
    (ACT, ACT.replace("07-16", "07-10")),
    (ACT, ACT.replace("2023", "2025")),
    ("name: small", "name: ../up"),
    ("name: small", "name: Small"),
    ("name: small", "name: con"),
    ("name: small", f"name: {'x' * 65}"),
    ("name: small", "name: 2023"),
    ("a: AAA", "a: ''"),
    ("a: AAA", "a: []"),
    ("a: AAA", "a: 2"),
    ("a: AAA", "a: [NAT, NAT]"),
    ("a: AAA", "a: [NAT, {x: 1}]"),
    ("a: AAA", 'a: "A\\u202eB"'),
    ("a: AAA", "a: Korea"),
    ("a: AAA", "a: [India, IND]"),
    ("a: AAA, b: BBB", "a: India, b: IND"),
    ("  source: events.csv", "  source: events.csv\n  dates: dym"),
    ("  source: events.csv", "  source: bundled:us-china\n  dates: dmy"),
    ("b: BBB", "b: AAA"),
    ("b: BBB", "b: [BBB, AAA]"),
    ("b: BBB", "b: BBB, theatre: [CCC, BBB]"),
    ("b: BBB", "b: BBB, theatre: [CCC, CCC]"),
    ("name: talks", "name: election"),
    ("name: talks", "name: '3'"),
    ("date: 2024-11-05", "date: 2023-11-17"),
    ("probability: 0.95", "probability: 120%"),
    (ENVOY, ENVOY + ENVOY.replace("0.95", "0.5")),
    ("  clash:", "  a b:"),
    ("target: clash", "target: clsh"),
    ("milestone: talks", "milestone: elections"),
    ("source: events.csv", "source: ''"),
    ("label: Envoy", f"label: {'x' * 301}"),
    ("label: Envoy", 'label: "a\\u202eb"'),
    ("label: Envoy", 'label: "a\\nb"'),
    ("schema: 1", "schema: 2"),
    ("sampler:", "step: day\nsampler:"),
    ("sampler:", "report: {paper: a5}\nsampler:"),
    ("model:\n", "model:\n  family: 7\n"),
    ("{seed: 7}", "{seed: -1}"),
    ("{seed: 7}", "{seed: 7, chains: 1}"),
    ("{seed: 7}", "{seed: 7, target_accept: 1}"),
    ("{seed: 7}", "7"),
    ("tension.persistence:", "' tension':"),
    ("persistence: slow", "persistence: 3"),
    ("persistence: slow", "persistence: [slow]"),
    ("median: 0.1", "median: 0.5"),
    ("median: 0.1", "q50: 0.1, median: 0.2"),
    ("median: 0.1", "mid: 0.1"),
    ("{q05: -0.1, median: 0.1, q95: 0.4}", "{median: 1}"),
    ("median: 0.1", "median: 1e999"),
    ("{q05: -0.1, median: 0.1, q95: 0.4}", "true"),
]


def test_each_fault_is_one_line_with_its_place_and_what_to_do(write, snapshot):
    messages = ["\n    ".join((new.strip(), *refusals(write((old, new))))) for old, new in FAULTS]
    assert "\n".join(messages) == snapshot


def refusals(path) -> list[str]:
    """What is wrong with a file, a line each, without its name."""
    with pytest.raises(ConfigError, match=re.escape(f"{path}:")) as refused:
        load_config(path)
    return str(refused.value).replace(f"{path}:", "").splitlines()


def test_at_least_one_target_and_one_milestone_are_needed(write):
    for section, empty in (("targets", "{}"), ("milestones", "[]")):
        none = re.sub(rf"(?m)^{section}:\n(  .*\n)+", f"{section}:\n", write().read_text())
        assert f"{section}: got an empty value; expected a " in refusals(write(text=none))[0]
        (line, *_) = refusals(write((f"{section}:\n", f"{section}: {empty}\n"), text=none))
        assert re.search(f"{section}: empty; expected a .* of at least 1", line)


def test_all_faults_come_in_one_error_in_the_order_of_the_file(write):
    lines = refusals(
        write(
            ("name: small", "name: S"),
            (AS_OF, "as_of: 2023-02-30"),
            ("min_severity: 4", "min_severity: 7"),
            ("target: clash", "target: clsh"),
            ("0.95", "2"),
            ("{seed: 7}", "{seed: 7, drawz: 1}"),
        )
    )
    assert [line.split(": ")[1] for line in lines] == [
        "name",
        "as_of",
        "targets.crisis.min_severity",
        "headline.target",
        "calendar.0.probability",
        "sampler.drawz",
    ]
    many = refusals(write(("sampler:", "".join(f"x{index}: 1\n" for index in range(70)) + "sampler:")))
    assert (len(many), many[-1]) == (51, " and 20 more faults")


def test_signs_that_would_steer_a_terminal_are_shown_as_escapes(write):
    (line,) = refusals(write(("sampler:", '"x\\e[2J\\n": 1\nsampler:')))
    assert line.startswith(r"25:1: x\x1b[2J\n: unknown key")
