"""YAML without surprises, changed by --set; every bad value is one line that says where and what."""

import re
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.config import load_config, resolved_yaml
from forecast.config.settings_file import MAX_BYTES, parse_yaml, plain_scalar, read_yaml
from forecast.errors import ConfigError

AS_OF, ACT = "as_of: 2023-07-10", "calendar:\n  - {date: 2023-07-16"
ENVOY = "  - {date: 2023-07-16, category: visit, severity: 2, probability: 0.95, label: Envoy}\n"


FAULTS = {
    "sampler:": ("samplr:", "step: day\nsampler:", "report: {paper: a5}\nsampler:"),
    "{seed: 7}": (
        *("{seed: 7, drawz: 5}", "{seed: -1}", "{seed: 7, chains: 1}", "{seed: 7, target_accept: 1}", "7"),
    ),
    "label: General": ("labelx: General",),
    "min_severity: 4": (
        *("severity: 4", "label: X", "min_severity: 7", "min_severity: 04", "min_severity: true"),
        *("min_severity: 4.5", "min_severity: serous"),
    ),
    "sampler: {seed: 7}": ("scenario: []",),
    "as_of: 2023-07-10\n": ("",),
    "[sanction,": ("[sanctoin,",),
    "[sanction, dispute]": ("[dispute, dispute]",),
    "[military_incident]": ("[]",),
    "severity: 2": ("severity: 0",),
    "0.95": ("1.2", "95 of 100"),
    AS_OF: (
        *("as_of: 2023-02-30", "as_of: 10/07/2023", "as_of: 20230710", "as_of: 2023-07-10T00:00:00"),
        *("as_of: 2023-W28-1",),
    ),
    "date: 2024-11-05": ("date: 2023-07-10", "date: 2033-07-11", "date: 2023-11-17"),
    "start: 2017-01-20": ("start: 2023-07-10", "start: 2024-01-01"),
    ACT: (ACT.replace("07-16", "07-10"), ACT.replace("2023", "2025")),
    "name: small": (
        "name: ../up",
        "name: Small",
        "name: con",
        f"name: {'x' * 65}",
        "name: 2023",
        "name: 1.50",
        "name: true",
    ),
    "a: AAA": (
        *(
            "a: ''",
            "a: []",
            "a: 2",
            "a: true",
            "a: [NAT, NAT]",
            "a: [NAT, {x: 1}]",
            'a: "A\\u202eB"',
            "a: Korea",
        ),
        *("a: [India, IND]",),
    ),
    "a: AAA, b: BBB": ("a: India, b: IND",),
    "  source: events.csv": (
        *("  source: events.csv\n  dates: dym", "  source: bundled:us-china\n  dates: dmy"),
    ),
    "b: BBB": ("b: AAA", "b: [BBB, AAA]", "b: BBB, theatre: [CCC, BBB]", "b: BBB, theatre: [CCC, CCC]"),
    "name: talks": ("name: election", "name: '3'"),
    "probability: 0.95": ("probability: 120%",),
    ENVOY: (ENVOY + ENVOY.replace("0.95", "0.5"),),
    "  clash:": ("  a b:",),
    "target: clash": ("target: clsh",),
    "milestone: talks": ("milestone: elections",),
    "source: events.csv": ("source: ''",),
    "label: Envoy": (f"label: {'x' * 301}", 'label: "a\\u202eb"', 'label: "a\\nb"'),
    "schema: 1": ("schema: 2",),
    "model:\n": ("model:\n  family: 7\n",),
    "tension.persistence:": ("' tension':",),
    "persistence: slow": ("persistence: 3", "persistence: [slow]"),
    "median: 0.1": ("median: 0.5", "q50: 0.1, median: 0.2", "mid: 0.1", "median: 1e999"),
    "{q05: -0.1, median: 0.1, q95: 0.4}": ("{median: 1}", "true"),
}
"""What is written in place of what stands in the valid config."""


def test_each_fault_is_one_line_with_its_place_and_what_to_do(write, snapshot):
    faults = [(old, new) for old, wrong in FAULTS.items() for new in wrong]
    messages = ["\n    ".join((new.strip(), *refusals(write((old, new))))) for old, new in faults]
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
            ("0.95", "2"),
            ("{seed: 7}", "{seed: 7, drawz: 1}"),
        )
    )
    assert [line.split(": ")[1] for line in lines] == [
        "name",
        "as_of",
        "targets.crisis.min_severity",
        "calendar[0].probability",
        "sampler.drawz",
    ]
    lines = refusals(write(("target: clash", "target: clsh"), ("date: 2024-11-05", "date: 2023-07-10")))
    assert [line.split(": ")[1] for line in lines] == [
        "milestones[1].date",
        "headline.target",
    ], "settings that disagree come together"
    many = refusals(write(("sampler:", "".join(f"x{index}: 1\n" for index in range(70)) + "sampler:")))
    assert (len(many), many[-1]) == (51, " and 20 more faults")


def test_signs_that_would_steer_a_terminal_are_shown_as_escapes(write):
    (line,) = refusals(write(("sampler:", '"x\\e[2J\\n": 1\nsampler:')))
    assert line.startswith(r"25:1: x\x1b[2J\n: unknown key")


def content(text: str) -> object:
    return parse_yaml(text, "f.yaml")[0]


def test_words_mean_what_the_json_schema_of_yaml_says():
    stay = ["NO", "on", "off", "yes", "Y", "12:30", "12:30:00", "010", "0o17", "0x1F", "1_000", "2023-07-10"]
    stay += [".inf", "+", "1e999", "9" * 5000]
    assert [plain_scalar(word) for word in stay] == stay
    turn = {"12": 12, "-3": -3, "0": 0, "0.5": 0.5, ".5": 0.5, "1e3": 1000.0, "true": True, "~": None}
    read = [plain_scalar(word) for word in turn]
    assert read == [*turn.values()]
    assert [*map(type, read)] == [*map(type, turn.values())]
    assert content("a: \"12\"\nb: '12'\n1: a\nno: b\nnull: c") == {
        "a": "12",
        "b": "12",
        "1": "a",
        "no": "b",
        "null": "c",
    }


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r"1:4: anchor '&a' is not allowed"),
        ("a: *b", r"1:4: alias '\*b' is not allowed"),
        ("&k a: 1", r"1:1: anchor '&k' is not allowed"),
        ("a: !!python/object/apply:os.system [ls]", r"1:4: tag '!!python/object/apply:os.system'"),
        ("a: ! 12", r"1:4: tag '!' is not allowed"),
        ("a: 1\n---\nb: 2", r"2:1: a second document"),
        ("a: {b: 1,\n b: 2}", r"2:2: a.b: duplicate key, already set on line 1; keep one"),
        ("x: [1]\n'x': 2", r"2:1: x: duplicate key, already set on line 1"),
        ("{[1]: 2}", r"1:2: a list or mapping cannot be a key"),
        ("a: b: c", r"1:5: not valid YAML: .*put text that holds ': ' in quotes"),
        ("a:\n\t- 1", r"2:1: not valid YAML: .*indent with spaces, not tabs"),
        ("a: [1, 2", r"1:9: not valid YAML: .*closing brackets"),
        ("a: @x", r"1:4: not valid YAML: .*in quotes"),
        ("a: 1\nb\nc: 1", r"3:1: not valid YAML: .*is a colon or a closing quote missing"),
        ("a: 'x", r"1:6: not valid YAML: .*check quotes"),
        ("a: 1\nb: x\x01", r"2:5: control character U\+0001"),
        ("a: " + "[" * 3000, r"1:23: nested more than 20 levels deep"),
        ('a: "\\ud800"', r"1:4: '\\ud800' is half of a sign, which no file can hold"),
        ("", r"1:1: the file is empty"),
        ("# only a comment\n", r"1:1: the file is empty"),
        ("---\n", r"1:1: the file is empty"),
    ],
)
def test_what_is_refused_is_one_error_with_its_place(text, message):
    with pytest.raises(ConfigError, match=f"^f.yaml:{message}") as caught:
        parse_yaml(text, "f.yaml")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"a: 1\0\xff", "f.yaml:1: byte 0xff is not UTF-8"),
        (b"a: 1\0", r"f.yaml:1:5: control character U\+0000 is not allowed"),
        (b"a: 1\nb: \xe9\n", r"f.yaml:2: byte 0xe9 is not UTF-8; save the file as UTF-8"),
        ("a: 1".encode("utf-16"), "f.yaml:1: byte 0xff is not UTF-8"),
        (b"\xef\xbb\xbfa: 1\nb: \xe9\n", "f.yaml:2: byte 0xe9 is not UTF-8"),
        (b"a: " + b"x" * MAX_BYTES, "larger than 1,000,000 bytes"),
        (b"- a\n", r"f.yaml:1:1: got a list; expected 'key: value' lines"),
        (b"just words\n", r"f.yaml:1:1: got 'just words'; expected 'key: value' lines"),
    ],
)
def test_files_that_are_no_small_utf8_text_of_keys_are_refused(tmp_path, raw, message):
    (tmp_path / "f.yaml").write_bytes(raw)
    with pytest.raises(ConfigError, match=message):
        read_yaml(tmp_path / "f.yaml")


def test_a_file_that_is_not_there_names_its_nearest_neighbour(tmp_path):
    (tmp_path / "us-china.yaml").write_text("a: 1")
    wrong = tmp_path / "us-chian.yaml"
    near = f"{wrong}: no such file. Did you mean '{tmp_path / 'us-china.yaml'}'?"
    for path, message in (
        (wrong, re.escape(near)),
        (tmp_path / "nowhere" / "a.yaml", "no such file. 'forecast new"),
        (tmp_path, "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_yaml(path)


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


def test_a_category_and_a_severity_are_read_however_they_are_spelled(write):
    path = write(
        ("[sanction, dispute]", "[Channel Closure, military-posture]"),
        ("min_severity: 4", "min_severity: Major"),
        ("category: visit, severity: 2", "category: channel opening, severity: notable"),
    )
    config = load_config(path, ["model.priors.ballast.Channel opening=calms"])
    assert config.targets["crisis"].any_of == ("channel_closure", "military_posture")
    assert config.targets["crisis"].min_severity == 4
    assert (config.calendar[0].category, config.calendar[0].severity) == ("channel_opening", 2)
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
