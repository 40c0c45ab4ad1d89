"""The commands as typed: one JSON object or plain English, exit codes, and a config on the result."""

import contextlib
import json

import duckdb
import pytest

from forecast.errors import InputError
from forecast.feeds.formats import LAYOUTS
from forecast.feeds.options import feed_options

IMPORT = ("events", "import", "--format", "gdelt2", "--dyad", "USA,CHN")


@pytest.fixture(scope="module")
def command(command, samples, tmp_path_factory):
    """Run a command in a folder of its own."""
    folder = tmp_path_factory.mktemp("commands")

    def run(*arguments: str):
        with contextlib.chdir(folder):
            return command(*arguments)

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def many_days(command):
    """GDELT rows over two years, as the engine writes Parquet; with them the same as text."""
    wanted = {
        "GLOBALEVENTID": "range",
        "SQLDATE": "strftime(DATE '2019-01-01' + CAST(range // 3 AS INTEGER), '%Y%m%d')",
        "Actor1CountryCode": "CASE WHEN range % 2 = 0 THEN 'USA' ELSE 'CHN' END",
        "Actor2CountryCode": "CASE WHEN range % 2 = 0 THEN 'CHN' ELSE 'USA' END",
        "EventCode": "['042', '112', '163', '150', '193', '010'][CAST(range % 6 AS INTEGER) + 1]",
        "EventRootCode": "['04', '11', '16', '15', '19', '01'][CAST(range % 6 AS INTEGER) + 1]",
        "IsRootEvent": "1",
        "NumMentions": "10",
        "NumSources": "2",
        "ActionGeo_FullName": "'Place ' || range",
        "DATEADDED": "strftime(DATE '2019-01-01' + CAST(range // 3 AS INTEGER), '%Y%m%d')",
        "SOURCEURL": "'https://example.org/' || range",
    }
    cells = ", ".join(
        f'CAST({wanted.get(name, repr(""))} AS VARCHAR) AS "{name}"' for name in LAYOUTS["gdelt2"].columns
    )
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t AS SELECT {cells} FROM range(2193)")
        connection.execute(f"COPY t TO '{command.folder}/many.parquet' (FORMAT parquet)")
        connection.execute(
            f"COPY t TO '{command.folder}/many.csv' (FORMAT csv, DELIM '\t', HEADER false, QUOTE '')"
        )
    return command.folder


def test_parquet_and_text_of_the_same_rows_give_the_same_events(command, many_days):
    reports = []
    for name in ("many.parquet", "many.csv"):
        ended = command(*IMPORT, name, "-o", f"{name}.out.csv", "--json")
        assert ended.code == 0, ended.err
        reports.append(json.loads(ended.out))
    first, second = ((many_days / f"{name}.out.csv").read_bytes() for name in ("many.parquet", "many.csv"))
    assert first == second
    assert reports[0]["rows"] == reports[1]["rows"] == 2193
    assert reports[0]["kept"] + sum(fate["rows"] for fate in reports[0]["dropped"].values()) == 2193


@pytest.mark.parametrize("output", ["events.csv", "events.parquet"])
def test_a_config_on_imported_events_passes_the_check(command, many_days, output):
    ended = command(*IMPORT, "many.csv", "-o", output)
    assert ended.code == 0, ended.err
    assert "2,193 rows." in ended.out
    config = many_days / "config.yaml"
    config.write_text(
        f"""schema: 1
name: imported
dyad: {{a: USA, b: CHN}}
as_of: 2020-12-31
events: {{source: {output}}}
targets:
  force: {{any_of: [military_incident], min_severity: 4}}
milestones:
  - {{name: spring, date: 2021-04-01}}
headline: {{target: force, milestone: spring}}
model: {{family: model}}
sampler: {{seed: 1}}
"""
    )
    checked = command("check", "config.yaml", "--json")
    assert checked.code == 0, checked.err
    facts = json.loads(checked.out)
    assert facts["valid"]
    assert facts["events"] > 1700


def test_a_dyad_goes_by_names_as_by_codes():
    assert feed_options("gdelt2", ["United States,china"]).dyads == (("USA", "CHN"),)
    with pytest.raises(InputError, match="'Korea' may be KOR"):
        feed_options("gdelt2", ["USA,Korea"])


def test_wrong_usage_exits_2_with_one_message_and_no_traceback(command, many_days, snapshot):
    base = ("events", "import", "many.csv", "-o", "x.csv", "--format", "gdelt2")
    asked = (
        (*base, "--dyad", "USA"),
        (*base, "--dyad", "USA,chn"),
        (*base, "--dyad", "USA,USA"),
        (*base, "--dyad", "USA,CHN", "--dyad", "CHN,USA"),
        (*base[:-1], "gdelt3", "--dyad", "USA,CHN"),
        (*base, "--dyad", "USA,CHN", "--codes", "weis"),
        (*base, "--dyad", "USA,CHN", "--column", "date=Day"),
        (*base, "--dyad", "USA,CHN", "--seed", "3"),
        (*base, "--dyad", "USA,CHN", "--keep-repeats", "--repeat-days", "2"),
        (*base, "--dyad", "USA,CHN", "--memory", "10"),
        ("events", "crosswalk", "cow"),
    )
    answers = [command(*arguments) for arguments in asked]
    assert {(ended.code, ended.out) for ended in answers} == {(2, "")}
    assert [ended.err for ended in answers] == snapshot
    assert not (many_days / "x.csv").exists()


def test_the_crosswalk_printed_is_a_mapping_that_changes_nothing(command, many_days):
    printed = command("events", "crosswalk", "cameo")
    assert printed.out.startswith("code,mode,label,category,severity,score,score_of\n01,,")
    (many_days / "same.csv").write_text(printed.out)
    plain = command(*IMPORT, "many.csv", "-o", "plain.csv")
    mapped = command(*IMPORT, "many.csv", "-o", "mapped.csv", "--mapping", "same.csv")
    assert (plain.code, mapped.code) == (0, 0)
    assert (many_days / "plain.csv").read_bytes() == (many_days / "mapped.csv").read_bytes()


def test_a_table_of_others_is_read_by_the_columns_named(command, many_days):
    (many_days / "own.csv").write_text(
        "Tag;Wer;Wen;Art;Stufe\n2020-01-02;United States;China;visit;2\n"
        "2020-01-03;CHN;USA;dispute;9\n2020-01-04;CHN;USA;quarrel;1\n"
    )
    arguments = [
        f"--column={name}"
        for name in ("date=Tag", "initiator=Wer", "target=Wen", "category=Art", "severity=Stufe")
    ]
    own = ("events", "import", "own.csv", "--format", "csv", "--dyad", "USA,CHN", "-o", "own.out.csv")
    ended = command(*own, "--json", *arguments)
    assert ended.code == 0, ended.err
    report = json.loads(ended.out)
    assert report["kept"] == 1
    assert {name: fate["rows"] for name, fate in report["dropped"].items()} == {"code": 1, "severity": 1}
