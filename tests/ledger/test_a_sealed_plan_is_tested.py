"""A plan is sealed before its windows open, tested when they have closed, and checked without the program."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from forecast import __version__
from forecast.config.seal import load_plan
from forecast.errors import ConfigError, LedgerError
from forecast.evaluation.study import decisive_versions
from forecast.ledger.judgements import chain_lines
from forecast.ledger.seal import refuse_begun, score_seal, seal_of
from forecast.ledger.store import BadRecordError, Ledger
from forecast.phrases.ledger import as_sealed_text, refused_texts
from forecast.records.forecast import Baseline
from forecast.records.ledger import (
    ForecastEntry,
    JudgementEntry,
    ResolutionEntry,
    RunEntry,
    VoidEntry,
    canonical_json,
    link_hash,
    with_id,
)

VERIFY = Path(__file__).parents[2] / "tools" / "verify_ledger.py"
SEALED = date(2022, 12, 30)
TODAY = date(2023, 7, 1)
CONFIG = """
name: small
dyad: {a: USA, b: CHN}
as_of: 2022-12-01
events: {source: "bundled:us-china"}
targets: {crisis: {any_of: [sanction, dispute], min_severity: 4}}
milestones: [{name: summer, date: 2023-06-01}]
headline: {target: crisis, milestone: summer}
model: {family: pooled_hazard}
"""
PLAN = """
name: trial
configs: small.yaml
as_of: [2023-01-01, 2023-02-01, 2023-03-01]
rivals: [Crowd, Nobody]
"""


@pytest.fixture
def plan(tmp_path):
    (tmp_path / "small.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    return load_plan(tmp_path / "plan.yaml")


def put(ledger, entry, day=SEALED):
    return ledger.add(ledger.next_link(entry, datetime.combine(day, datetime.min.time(), UTC)))


def answer(sealed, probability=0.3, **changes):
    """What a run of the sealed config puts on record on the day of the question."""
    made = {
        "question": sealed.question,
        "name": sealed.name,
        "dyad_label": "A – B",
        "target": sealed.target,
        "target_label": "Crisis",
        "milestone_name": "summer",
        "milestone_label": "Summer",
        "model": sealed.model,
        "probability": probability,
        "mcse": 0.01,
        "interval90": (0.1, 0.6),
        "baseline": Baseline(name="climatology", probability=0.5),
        "converged": True,
        "config_sha256": sealed.config_sha256,
        "data_sha256": "d" * 64,
        "code_version": __version__,
        "program": decisive_versions(),
        "run_id": "small",
        "run_folder": None,
        "made_on": datetime.combine(sealed.question.as_of, datetime.min.time(), UTC),
    }
    return with_id(ForecastEntry, **made | changes)


def settle(ledger, question, outcome):
    made = {"question_id": question.id, "outcome": outcome, "acts": (), "decided_on": None}
    made["through"] = date(2023, 6, 30)
    put(ledger, with_id(ResolutionEntry, **made, events_source="file", events_sha256="e" * 64), TODAY)


@pytest.fixture
def ledger(plan):
    """Sealed, answered and settled as planned: probabilities .3, .3, .8 of no, no, yes."""
    ledger = Ledger("made")
    seal = seal_of(plan, SEALED)
    put(ledger, seal)
    for sealed, chance, outcome in zip(seal.forecasts, (0.3, 0.3, 0.8), (0, 0, 1), strict=True):
        put(ledger, answer(sealed, chance), sealed.question.as_of)
        settle(ledger, sealed.question, outcome)
    crowd = {"question": seal.forecasts[0].question, "forecaster": "Crowd", "probability": 0.1}
    put(ledger, with_id(JudgementEntry, **crowd, made_on=datetime(2023, 1, 3, tzinfo=UTC)), TODAY)
    return ledger


def test_a_plan_that_was_kept_is_scored_beside_the_base_rate_and_its_rivals(plan, ledger):
    scores = score_seal(ledger, plan, TODAY)
    assert (scores.sealed, scores.refused) == (3, ())
    by = {score.by: score for score in scores.scores}
    assert by["model"].brier == pytest.approx((0.09 + 0.09 + 0.04) / 3)
    assert by["base rate"].brier == pytest.approx(0.25)
    assert (by["Crowd"].n, by["Crowd"].brier) == (1, pytest.approx(0.01))
    assert by["Crowd"].lead == pytest.approx(0.09 - 0.01)
    assert as_sealed_text(scores) == "3 of 3 forecasts made as sealed on 30 December 2022."


@pytest.mark.parametrize(
    ("changes", "day", "why"),
    [
        (None, None, "missing"),
        ({"converged": False}, None, "unconverged"),
        ({"config_sha256": "0" * 64}, None, "settings"),
        ({"program": "another"}, None, "program"),
        ({}, date(2023, 1, 20), "late"),
    ],
)
def test_a_forecast_that_is_not_as_sealed_is_refused_by_name(plan, changes, day, why):
    ledger, seal = Ledger("made"), seal_of(plan, SEALED)
    put(ledger, seal)
    first, *others = seal.forecasts
    for sealed in others:
        put(ledger, answer(sealed), sealed.question.as_of)
    if changes is not None:
        put(ledger, answer(first, **changes), day or first.question.as_of)
        settle(ledger, first.question, 0)
    for sealed in others:
        settle(ledger, sealed.question, 1)
    scores = score_seal(ledger, plan, TODAY)
    assert [refusal.why for refusal in scores.refused] == [why]
    assert {score.by: score.n for score in scores.scores} == {"model": 2, "base rate": 2}
    (text,) = refused_texts(scores)
    assert text.startswith("small, crisis, as of 1 January 2023, before 1 June 2023: ")


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("plan.yaml", ("[Crowd, Nobody]", "[Crowd]"), "sealed on 2022-12-30: rivals changed"),
        ("plan.yaml", ("2023-03-01", "2023-03-02"), "questions or settings changed"),
        ("small.yaml", ("min_severity: 4", "min_severity: 3"), "questions or settings changed"),
        ("small.yaml", ("bundled:us-china", "mine.csv"), "settings and events known then changed"),
        ("plan.yaml", ("trial", "other"), "no plan 'other' is sealed. On record: trial"),
    ],
)
def test_a_plan_that_was_changed_since_is_not_scored(plan, ledger, us_china, tmp_path, file, change, said):
    mine = us_china.select(us_china.id != us_china.id[100])
    (tmp_path / "mine.csv").write_text(mine.canonical_csv(), encoding="utf-8")
    text = (tmp_path / file).read_text(encoding="utf-8")
    (tmp_path / file).write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(LedgerError, match=said):
        score_seal(ledger, load_plan(tmp_path / "plan.yaml"), TODAY)


def test_rows_that_became_known_later_change_no_seal(plan, us_china, tmp_path):
    assert us_china.known_date.max().astype(object) > SEALED
    known = us_china.known_by(SEALED)
    (tmp_path / "mine.csv").write_text(known.canonical_csv(), encoding="utf-8")
    config = CONFIG.replace("bundled:us-china", "mine.csv")
    (tmp_path / "small.yaml").write_text(config, encoding="utf-8")
    less = seal_of(plan, SEALED)
    (tmp_path / "mine.csv").write_text(us_china.canonical_csv(), encoding="utf-8")
    assert seal_of(plan, SEALED) == less


def test_windows_have_to_be_ahead_when_sealed_and_over_when_tested(plan, ledger):
    with pytest.raises(LedgerError, match="'trial' has 3 of 3 windows open, the last until 2023-05-31"):
        score_seal(ledger, plan, date(2023, 5, 31))
    refuse_begun(plan, date(2023, 1, 1))
    with pytest.raises(ConfigError, match="window of 2023-01-01 opened on 2023-01-02"):
        refuse_begun(plan, date(2023, 1, 2))
    with pytest.raises(BadRecordError, match="seals a window that opened on 2023-01-02"):
        put(Ledger("late"), seal_of(plan, SEALED), date(2023, 1, 2))
    with pytest.raises(BadRecordError, match="which was sealed on 2022-12-30"):
        put(ledger, seal_of(plan, SEALED - timedelta(days=1)))
    open_still = Ledger("open")
    seal = seal_of(plan, SEALED)
    for entry in (seal, *map(answer, seal.forecasts)):
        put(open_still, entry)
    with pytest.raises(LedgerError, match="'trial' has 3 of 3 questions not resolved"):
        score_seal(open_still, plan, TODAY)


def test_the_commands_seal_once_and_wait(plan, command, tmp_path):
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    config, text = tmp_path / "small.yaml", tmp_path / "plan.yaml"
    config.write_text(CONFIG.replace("2023-06-01", str(tomorrow + timedelta(days=40))), encoding="utf-8")
    text.write_text(f"name: ahead\nconfigs: small.yaml\nas_of: {tomorrow}\n", encoding="utf-8")
    asked = ("--ledger", tmp_path / "ledger.sqlite", "--json")
    first, again = (command("ledger", "seal", text, *asked) for _ in range(2))
    assert [(done.code, done.facts["added"]) for done in (first, again)] == [(0, True), (0, False)]
    shown = command("ledger", "show", first.facts["seal"]["id"], *asked[:2])
    assert "1 question of small. The first window opens on" in " ".join(shown.out.split())
    waiting = command("ledger", "test", text, *asked)
    assert (waiting.code, "'ahead' has 1 of 1 window open" in waiting.err) == (2, True)


# The export, checked by the standard library alone


def verified(text, tmp_path, *head):
    (tmp_path / "chain.jsonl").write_text(text, encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(VERIFY), str(tmp_path / "chain.jsonl"), *head]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, (ended.stdout or ended.stderr).strip()


def test_a_sound_export_is_verified_and_tells_of_the_seal(ledger, tmp_path):
    said_of = {"question": next(iter(ledger.questions.values())), "forecaster": "Ann’s", "probability": 1e-06}
    said_of["made_on"] = datetime(2023, 1, 3, tzinfo=UTC)
    put(ledger, with_id(JudgementEntry, **said_of, person=True, interval=(0.0, 1.0), because="“so”"), TODAY)
    put(ledger, with_id(JudgementEntry, **said_of, price=True), TODAY)
    put(ledger, with_id(RunEntry, run_id="r", manifest_sha256="a" * 64, run_folder="runs/é"), TODAY)
    put(ledger, with_id(VoidEntry, subject=said_of["question"].id, reason="a slip"), TODAY)
    code, said = verified(chain_lines(ledger), tmp_path, ledger.head[:12])
    assert code == 0
    assert said == (
        f"12 records, chain unbroken, head {ledger.head}\n"
        "seal trial: recorded 2022-12-30T00:00:00Z, 3 of 3 questions resolved"
    )


def rewritten(lines, place, change):
    """Change a payload and link all that follows anew, as somebody would who holds the file."""
    before = lines[place - 1]["hash"] if place else "0" * 64
    for link in lines[place:]:
        payload = json.loads(link["payload"])
        if link is lines[place]:
            change(payload)
        text = canonical_json(payload)
        link |= {"previous": before, "payload": text, "hash": link_hash(before, text)}
        before = link["hash"]
    return lines


def test_an_altered_export_is_not(ledger, tmp_path):
    sound = [json.loads(line) for line in chain_lines(ledger).splitlines()]

    def lines(links):
        return "".join(json.dumps(link) + "\n" for link in links)

    def copy():
        return [dict(link) for link in sound]

    altered = copy()
    altered[1]["payload"] = altered[1]["payload"].replace('"probability":0.3', '"probability":0.1')
    outcome = rewritten(copy(), 2, lambda payload: payload["entry"].update(outcome=1))
    late = rewritten(copy(), 0, lambda payload: payload.update(recorded_on="2023-01-02T00:00:00Z"))
    for links, head, said in (
        (altered, "", "record 2: its content does not have its hash"),
        (copy()[1:], "", "record 1: its place or the hash before it is another"),
        ([*copy()[:2], *copy()[3:]], "", "record 3: its place or the hash before it is another"),
        (outcome, "", "record 3: its id is not that of its content"),
        (late, "", "seal trial: recorded 2023-01-02T00:00:00Z, its windows open after 2023-01-01"),
        (copy()[:-1], ledger.head, f"{ledger.head} is not in the chain, which was cut off or is another"),
        ([], "", "a record is not in the chain, which was cut off or is another"),
    ):
        assert verified(lines(links), tmp_path, head) == (1, f"not sound: {said}")
    assert verified("no JSON", tmp_path)[0] == 1
