"""Bad input through the real command: exit code 2, nothing on standard output, one message that helps."""

import re

import pytest

FAULTS = {
    "an unknown key": {"config": ("seed: 7", "seed: 7, drawz: 9")},
    "a typo in a category": {"config": ("[sanction,", "[sanctoin,")},
    "a milestone before the as-of date": {"config": ("2024-11-05", "2023-07-01")},
    "no day before a milestone": {"config": ("2024-11-05", "2023-07-11")},
    "a side that the file writes otherwise": {"config": ("a: USA", "a: usa")},
    "an event file of another pair": {"config": ("{a: USA, b: CHN}", "{a: IND, b: [PAK, BGD]}")},
    "acts towards the theatre only": {"config": ("{a: USA, b: CHN}", "{a: USA, b: TWN, theatre: [CHN]}")},
    "an as-of date before the first event": {"config": ("2023-07-10", "2021-12-31")},
    "no event of a target's categories": {"config": ("[sanction, dispute]", "[military_incident]")},
    "a target's severity off the scale": {"config": ("min_severity: 4", "min_severity: 7")},
    "an as-of date that is not in the calendar": {"config": ("2023-07-10", "2023-02-30")},
    "an event file that is not there": {"config": ("events.csv", "evnts.csv")},
    "a bundled set that is not there": {"config": ("events.csv", '"bundled:us-chna"')},
    "a word that is none for its prior": {
        "config": ("sampler:", "model: {priors: {tension.persistence: slw}}\nsampler:")
    },
    "a prior outside the parameter's range": {
        "config": ("sampler:", 'model: {priors: {tension.scale: "Normal(0, 1)"}}\nsampler:')
    },
    "an event's severity off the scale": {"events": ("sanction,2", "sanction,7")},
    "a day that is not in the calendar": {"events": ("2022-01-05", "2023-02-30")},
    "a typo in an event's category": {"events": ("sanction,2", "sanctoin,2")},
    "an id used twice": {"events": ("e3,", "e2,")},
    "an act known before it happened": {"events": ("2022-03-04", "2022-02-27")},
}
RAW_FILES = {
    "empty": b"",
    "binary": bytes(range(256)) * 40,
    "a spreadsheet": b"PK\x03\x04" + bytes(200),
    "without rows": b"date,initiator,target,category,severity\n",
}


def refusal(ended) -> str:
    """Return the one line of an answer that refuses its input."""
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("forecast: ")
    assert ended.err.count("\n") == 1, ended.err
    assert "Traceback" not in ended.err
    return ended.err.rstrip()


def assert_refused(ended, says: str) -> None:
    assert says in refusal(ended)


def test_every_fault_is_named_with_its_place_and_what_is_allowed(case, command, tmp_path, snapshot):
    said = {name: refusal(command("check", case(**change))) for name, change in FAULTS.items()}
    path = case()
    for name, raw in RAW_FILES.items():
        (path.parent / "events.csv").write_bytes(raw)
        said[f"an event file, {name}"] = refusal(command("check", path))
    assert {name: line.replace(str(tmp_path), "DIR") for name, line in said.items()} == snapshot


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_mark_and_line_ends_are_accepted(case, command, encoding, end):
    path = case()
    file = path.parent / "events.csv"
    file.write_bytes(file.read_text().replace("\n", end).encode(encoding))
    ended = command("check", path)
    assert (ended.code, ended.err) == (0, "")
    assert "4 events known by 10 July 2023" in ended.out


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("sampler.drawz=5", "--set sampler.drawz: unknown key. Did you mean 'draws'?"),
        ("sampler.draws=many", "--set sampler.draws: got 'many'; expected a whole number"),
        ("sampler.draws", "--set sampler.draws: "),
    ],
)
def test_a_bad_set_option_is_named(case, command, setting, says):
    assert_refused(command("check", case(), "--set", setting), says)


def test_a_bad_as_of_option_is_named(case, command):
    assert_refused(
        command("check", case(), "--as-of", "2021-01-01"),
        "--as-of: nothing was known on 2021-01-01: the first event",
    )


@pytest.mark.parametrize("arguments", [["chek"], ["run"], ["check", "a.yaml", "--sed", "4"], ["schema", "x"]])
def test_wrong_usage_exits_2_and_says_how_to_get_help(command, arguments):
    ended = command(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "--help" in ended.err
    assert "Traceback" not in ended.err


def test_an_unknown_prior_is_met_with_a_suggestion(case, command):
    ended = command("priors", case(), "--explain", "tension.persistance")
    assert_refused(ended, "tension.persistance: unknown prior. Did you mean 'tension.persistence'?")


def test_faults_of_an_event_file_are_listed_by_its_own_command_too(case, command):
    path = case(events=("sanction,2", "sanctoin,9")).parent / "events.csv"
    ended = command("events", "validate", path)
    assert (ended.code, ended.out) == (2, "")
    assert re.findall(r"events\.csv:2: (\w+):", ended.err) == ["category", "severity"]
