"""Bad input through the real command: exit code 2, nothing on standard output, one message that helps."""

import errno
import os
import re
import sys

import pytest

CONFIG_FAULTS = {
    "an unknown key": (
        ("seed: 7", "seed: 7, drawz: 9"),
        "case.yaml:11:20: sampler.drawz: unknown key. Did you mean 'draws'?",
    ),
    "a typo in a category": (
        ("[sanction,", "[sanctoin,"),
        "case.yaml:7:14: targets.crisis.any_of.0: unknown category 'sanctoin'. Did you mean 'sanction'?",
    ),
    "a milestone before the as-of date": (
        ("2024-11-05", "2023-07-01"),
        "milestones.0.date: 2023-07-01 is not after as_of (2023-07-10); give a later day or remove it",
    ),
    "no day before a milestone": (
        ("2024-11-05", "2023-07-11"),
        "milestones.0.date: no day lies between as_of (2023-07-10) and 2023-07-11; give a later day or "
        "remove it",
    ),
    "a side that the file writes otherwise": (
        ("a: USA", "a: usa"),
        "case.yaml:2:1: dyad: events.csv holds no acts between usa and CHN. Did you mean 'USA' for 'usa'? It "
        "holds CHN–USA (4 rows)",
    ),
    "an event file of another pair": (
        ("{a: USA, b: CHN}", "{a: IND, b: [PAK, BGD]}"),
        "dyad: events.csv holds no acts between IND and PAK or BGD. It holds CHN–USA (4 rows)",
    ),
    "an event file with acts towards the theatre only": (
        ("{a: USA, b: CHN}", "{a: USA, b: TWN, theatre: [CHN]}"),
        "dyad: events.csv holds no acts between USA and TWN. It holds CHN–USA (4 rows)",
    ),
    "an as-of date before the first event": (
        ("2023-07-10", "2021-12-31"),
        "case.yaml:3:1: as_of: nothing was known on 2021-12-31: the first event became known on 2022-01-05",
    ),
    "no event of a target's categories": (
        ("[sanction, dispute]", "[military_incident]"),
        "case.yaml:7:5: targets.crisis.any_of: the data hold no event of military_incident in 2022-01-05",
    ),
    "a severity off the scale": (
        ("min_severity: 4", "min_severity: 7"),
        "case.yaml:8:5: targets.crisis.min_severity: got 7; expected a whole number from 1 to 5",
    ),
    "a day that is not in the calendar": (
        ("2023-07-10", "2023-02-30"),
        "case.yaml:3:1: as_of: 2023-02-30 is not a day of the calendar",
    ),
    "an event file that is not there": (
        ("events.csv", "evnts.csv"),
        "case.yaml:4:10: events.source: ",
    ),
    "a bundled set that is not there": (
        ("events.csv", '"bundled:us-chna"'),
        "case.yaml:4:10: events.source: bundled:us-chna: no such bundled data set. Did you mean "
        "'bundled:us-china'?",
    ),
    "a word that is none for its prior": (
        ("sampler:", "model: {priors: {tension.persistence: slw}}\nsampler:"),
        "case.yaml:11:18: model.priors.tension.persistence: got 'slw'; expected a distribution, or a word: "
        "'fast', "
        "'medium', 'slow', 'default'. Did you mean 'slow'?",
    ),
    "a prior outside the parameter's range": (
        ("sampler:", 'model: {priors: {tension.scale: "Normal(0, 1)"}}\nsampler:'),
        "model.priors.tension.scale: Normal(mu=0, sigma=1) puts mass where the parameter cannot be (it must "
        "be above 0)",
    ),
}
EVENT_FAULTS = {
    "a severity off the scale": (
        ("sanction,2", "sanction,7"),
        "events.csv:2: severity: '7' is not on the scale. Allowed: a whole number from 1 (routine) to 5",
    ),
    "a day that is not in the calendar": (
        ("2022-01-05", "2023-02-30"),
        "events.csv:2: date: 2023-02-30 is not in the calendar. Allowed: a real day as YYYY-MM-DD",
    ),
    "a typo in a category": (
        ("sanction,2", "sanctoin,2"),
        "events.csv:2: category: unknown category 'sanctoin'. Did you mean 'sanction'?",
    ),
    "an id used twice": (("e3,", "e2,"), "events.csv:4: id: 'e2'"),
    "an act known before it happened": (
        ("2022-03-04", "2022-02-27"),
        "events.csv:3: known_date: 2022-02-27 is before date 2022-03-01",
    ),
}
RAW_FILES = {
    "empty": (b"", "events.csv: the file is empty"),
    "binary": (bytes(range(256)) * 40, "binary file"),
    "a spreadsheet": (
        b"PK\x03\x04" + bytes(200),
        "a damaged spreadsheet or ZIP file. Save the sheet as CSV (UTF-8)",
    ),
    "without rows": (b"date,initiator,target,category,severity\n", "events.csv"),
}


def assert_refused(ended, says: str) -> None:
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("forecast: ")
    assert ended.err.count("\n") == 1, ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("fault", CONFIG_FAULTS)
def test_a_fault_of_the_config_is_named_with_its_line(case, command, fault):
    change, says = CONFIG_FAULTS[fault]
    assert_refused(command("check", case(config=change)), says)


@pytest.mark.parametrize("fault", EVENT_FAULTS)
def test_a_fault_of_the_events_is_named_with_its_line(case, command, fault):
    change, says = EVENT_FAULTS[fault]
    assert_refused(command("check", case(events=change)), says)


@pytest.mark.parametrize("kind", RAW_FILES)
def test_a_file_that_holds_no_events_is_refused(case, command, kind):
    path = case()
    raw, says = RAW_FILES[kind]
    (path.parent / "events.csv").write_bytes(raw)
    assert_refused(command("check", path), says)


def test_a_line_of_fifty_megabytes_is_refused(case, command):
    path = case()
    with (path.parent / "events.csv").open("ab") as file:
        file.write(b"e5,2023-03-01,,USA,CHN,visit,2," + b"x" * 50_000_000 + b"\n")
    assert_refused(command("check", path), "events.csv:6:")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_mark_and_line_ends_are_accepted(case, command, encoding, end):
    path = case()
    file = path.parent / "events.csv"
    file.write_bytes(file.read_text().replace("\n", end).encode(encoding))
    ended = command("check", path)
    assert (ended.code, ended.err) == (0, "")
    assert "4 events known by 10 July 2023" in ended.out


def test_an_anchor_bomb_is_refused_at_once(case, command):
    path = case()
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    path.write_text("\n".join(["a0: &a0 [x, x]", *levels, ""]), encoding="utf-8")
    assert_refused(command("check", path), "case.yaml:1:5: anchor '&a0' is not allowed; write the value out")


def test_all_faults_are_told_at_once(case, command):
    path = case(config=("min_severity: 4", "min_severity: 9"))
    path.write_text(path.read_text().replace("seed: 7", "seed: -1"), encoding="utf-8")
    ended = command("check", path)
    assert ended.code == 2
    assert ended.err.count("\n") == 2
    assert "targets.crisis.min_severity: got 9" in ended.err
    assert "sampler.seed: got -1" in ended.err


def test_events_outside_the_folder_of_the_config_are_allowed_and_shown(case, command, tmp_path):
    path = case(config=("events.csv", "../elsewhere.csv"))
    outside = tmp_path / "deep" / "case.yaml"
    outside.parent.mkdir()
    outside.write_text(path.read_text())
    (tmp_path / "elsewhere.csv").write_text((tmp_path / "events.csv").read_text())
    ended = command("check", outside)
    assert ended.code == 0
    # A path longer than a line is broken, so that blanks tell nothing.
    shown = "".join(ended.out.split())
    assert f"{(tmp_path / 'elsewhere.csv').resolve()}(outsidethefolderoftheconfig)" in shown


def test_a_config_that_is_not_there_is_named(command, tmp_path):
    assert_refused(command("check", tmp_path / "no.yaml"), "no.yaml: no such file")


def test_a_folder_in_the_place_of_a_config_is_named(command, tmp_path):
    assert_refused(
        command("check", tmp_path), "cannot be read (Is a directory); give the path of a YAML file"
    )


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("sampler.drawz=5", "--set sampler.drawz: sampler: unknown key 'drawz'. Did you mean 'draws'?"),
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


def test_a_place_that_cannot_be_written_is_refused_before_any_work(case, command, tmp_path, monkeypatch):
    monkeypatch.setitem(
        sys.modules, "forecast.workflows.forecast", None
    )  # loading it, which takes seconds, would fail
    path = case()
    (tmp_path / "taken").write_text("a file")
    ended = command("run", path, "--out", tmp_path / "taken")
    assert_refused(ended, "taken/small/2023-07-10: cannot be written (Not a directory). Check permissions")


def test_a_full_disk_is_refused_before_any_work(case, command, tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("forecast.runs.folder.tempfile.TemporaryFile", full)
    ended = command("run", case(), "--out", tmp_path / "runs")
    assert_refused(ended, "cannot be written (No space left on device). Check permissions and free space")
    assert not (tmp_path / "runs").exists()


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
