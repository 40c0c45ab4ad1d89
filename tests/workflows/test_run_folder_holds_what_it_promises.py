"""The folder of a real run: files, contract, numbers that agree; reactions, assumptions, ArviZ."""

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import arviz as az
import numpy as np
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from forecast.config import load_config, load_scenarios
from forecast.config.writing import schema_of
from forecast.models.draws import log_likelihood
from forecast.records.analysis import Analysis, LedgerSummary, PreviousRun, Sensitivity
from forecast.records.forecast import Forecast
from forecast.runs.files import check_folder, record_outputs, run_hash
from forecast.runs.run import read_run
from forecast.sensitivity.reactions import measure_reactions, trigger_shown
from forecast.targets import ActClass, TargetRule
from tests.conftest import answers_of

FILES = {
    "analysis.json",
    "config.resolved.yaml",
    "brief.pdf",
    "events.csv",
    "figures/assumptions.svg",
    "figures/cases-contact.svg",
    "figures/course.svg",
    "figures/tension.svg",
    "forecast.json",
    "ledger_record.json",
    "manifest.json",
    "posterior.nc",
    "report.html",
    "report.pdf",
    "scenarios/01-drill.yaml",
}


@pytest.fixture(scope="module")
def record(run_folder) -> Forecast:
    return Forecast.model_validate_json((run_folder / "forecast.json").read_bytes())


@pytest.fixture(scope="module")
def analysis(run_folder) -> Analysis:
    return Analysis.model_validate_json((run_folder / "analysis.json").read_bytes())


def schema_faults(content, name="forecast") -> list[str]:
    """What another library finds wrong with a file of a run by its schema, each with its place."""
    found = Draft202012Validator(schema_of(name), format_checker=FormatChecker()).iter_errors(content)
    return [f"{one.json_path}: {one.message}" for one in found]


def test_the_folder_holds_exactly_the_promised_files(finished):
    ended, folder = finished
    assert ended.code == 0, ended.err
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == FILES
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_forecast_json_keeps_its_schema_and_reads_back_the_same(run_folder, record):
    content = json.loads((run_folder / "forecast.json").read_text(encoding="utf-8"))
    assert schema_faults(content) == []
    assert json.loads(record.model_dump_json(by_alias=True)) == content


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda content: content.pop("as_of"), "$: 'as_of' is a required property"),
        (lambda content: content.update(extra=1), "$: Additional properties are not allowed ('extra' was"),
        (lambda content: content.update(schema=1), "$.schema: 8 was expected"),
        (
            lambda content: content["targets"][0]["chances"].update(mean=[1.2]),
            "$.targets[0].chances.mean[0]: 1.2 is greater than the maximum of 1",
        ),
    ],
)
def test_the_schema_refuses_what_is_no_forecast(run_folder, change, fault):
    content = json.loads((run_folder / "forecast.json").read_text(encoding="utf-8"))
    change(content)
    (found,) = schema_faults(content)
    assert found.startswith(fault)


def test_the_curve_starts_at_nothing_the_day_after_and_never_falls(record):
    for target in record.targets:
        assert target.chances.day[0] == record.as_of + timedelta(days=1)
        assert all(after - day == timedelta(days=1) for day, after in pairwise(target.chances.day))
        assert target.chances.mean[0] == 0.0
        for line in (target.chances.mean, target.chances.low, target.chances.high):
            assert np.all(np.diff(line) >= 0)
        assert np.all(np.array(target.chances.low) <= np.array(target.chances.mean))
        assert np.all(np.array(target.chances.mean) <= np.array(target.chances.high))


def test_the_kept_draws_give_the_probabilities_again(run_folder, record):
    run = read_run(run_folder)
    assert run.mixture.survival.values.shape[:2] == (200, 3)
    for target in record.targets:
        quiet = run.mixture.survival.of(target.name).mean(axis=0)
        for milestone in target.milestones:
            day = (milestone.date - record.as_of).days - 1
            assert 1 - quiet[day] == pytest.approx(milestone.probability, abs=1e-12)
            assert run.mixture.probability(target.name, day) == pytest.approx(
                milestone.probability, abs=1e-12
            )


def test_analysis_json_follows_its_schema(run_folder):
    content = json.loads((run_folder / "analysis.json").read_text(encoding="utf-8"))
    assert schema_faults(content, "analysis") == []


def test_a_rebuilt_report_takes_in_what_others_said_since_and_stays_the_same_run(
    run_folder, tmp_path, command, record
):
    shutil.copytree(run_folder.parents[1], tmp_path / "runs")
    copy, ledger = tmp_path / "runs/small/2022-01-01", tmp_path / "runs/ledger.sqlite"
    before = run_hash(copy)
    sheet = tmp_path / "sheet.csv"
    sheet_to_fill = command("ledger", "export", "--format", "questions", "--ledger", ledger).out
    (asked,) = {
        row["question"]
        for row in csv.DictReader(sheet_to_fill.splitlines())
        if (row["target"], row["milestone"]) == ("lethal_clash", "2022-04-01")
    }
    sheet.write_text(
        "question,forecaster,probability,made_on,link\n"
        f"{asked},market,0.02,2022-01-03,https://example.org/q\n",
        encoding="utf-8",
    )
    done = command("ledger", "import", sheet, "--format", "csv", "--ledger", ledger)
    assert done.code == 0, done.err
    assert command("report", copy).code == 0
    (said,) = LedgerSummary.model_validate_json((copy / "ledger_record.json").read_bytes()).others
    assert (said.forecaster, said.probability, said.milestone) == ("market", 0.02, "spring")
    assert (said.link, said.after_as_of) == ("https://example.org/q", True)
    assert run_hash(copy) == before
    assert check_folder(copy)[1] == ()
    altered = (copy / "analysis.json").read_text().replace('"chains": 2', '"chains": 3')
    (copy / "analysis.json").write_text(altered, encoding="utf-8")
    record_outputs(copy, ["analysis.json"])
    assert run_hash(copy) != before


def test_a_report_since_an_earlier_run_says_what_each_new_row_moved(run_folder, tmp_path, command, record):
    """Both runs gave one number here, so that what two rows moved and the rest are opposite."""
    now, then = (tmp_path / name for name in ("now", "then"))
    for folder, changed in ((now, {}), (then, {"as_of": "2021-12-31", "run_id": "then"})):
        shutil.copytree(run_folder, folder)
        content = json.loads((folder / "forecast.json").read_text(encoding="utf-8")) | changed
        content["converged"] = True
        for fit in content["fits"]:
            fit["failures"] = []
        (folder / "forecast.json").write_text(json.dumps(content), encoding="utf-8")
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        manifest["run_id"] = content["run_id"]
        (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    rows = (then / "events.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (then / "events.csv").write_text("".join(rows[:-2]), encoding="utf-8")
    for folder in (now, then):
        record_outputs(folder, ["forecast.json", "events.csv"])
    ended = command("report", now, "--since", then)
    assert (ended.code, ended.err) == (0, "")
    previous = PreviousRun.model_validate_json((now / "previous_run.json").read_bytes())
    check_folder(now)
    moved = previous.moved
    assert (moved.news.added, moved.news.changed, moved.news.removed) == (2, 0, 0)
    assert (moved.change, moved.reasons) == (0.0, ("days",))
    assert moved.before == record.headline_milestone.probability
    assert moved.news.change + moved.rest == pytest.approx(0.0, abs=1e-12)
    new = {row.event_id for row in moved.news.rows}
    assert new <= {row.split(",", 1)[0] for row in rows[-2:]}


def test_the_manifest_names_every_file_by_its_hash(run_folder):
    manifest = json.loads((run_folder / "manifest.json").read_text(encoding="utf-8"))
    hashes = {
        name: hashlib.sha256((run_folder / name).read_bytes()).hexdigest()
        for name in FILES - {"manifest.json"}
    }
    assert manifest["outputs_sha256"] == hashes
    assert manifest["data_sha256"] == hashes["events.csv"]
    assert manifest["seed"] == 5
    assert set(manifest["timings_s"]) == {
        "read",
        "fit",
        "chances",
        "drivers",
        "assumptions",
        "ahead",
        "scenarios",
        "report",
    }


def test_the_resolved_config_runs_again_from_where_it_lies(run_folder, config):
    resolved, given = load_config(run_folder / "config.resolved.yaml"), load_config(config)
    assert resolved.events_path.resolve() == given.events_path.resolve()
    elsewhere = {"events", "scenarios"}  # their paths start from another folder
    assert resolved.model_dump(exclude=elsewhere) == given.model_dump(exclude=elsewhere)


def test_a_rebuilt_report_has_the_bytes_of_the_first(run_folder, tmp_path, command):
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    first = (copy / "report.pdf").read_bytes()
    (copy / "report.pdf").unlink()
    (copy / "posterior.nc").unlink()  # a report needs no posterior
    ended = command("report", copy, "--json")
    assert (ended.code, json.loads(ended.out)["report"]) == (0, str(copy / "report.pdf"))
    assert (copy / "report.pdf").read_bytes() == first


def test_scenarios_are_kept_with_the_forecast_and_as_files(run_folder, config, record):
    (found,) = record.scenarios
    assert (found.name, found.label, found.method) == ("drill", "A large drill", "exact")
    known = {(target.name, one.name): one for target in record.targets for one in target.milestones}
    for target in found.targets:
        for one in target.milestones:
            before = known[target.name, one.name]
            assert one.probability == pytest.approx(before.probability + one.difference.value, abs=1e-12)
    drill = record.scenario("drill").target("military_confrontation").milestones
    assert drill[0].difference.value == 0.0  # the spring milestone comes before the drill
    assert drill[-1].difference.value > 4 * drill[-1].difference.mcse > 0
    kept = load_scenarios(load_config(run_folder / "config.resolved.yaml"))
    assert kept == load_scenarios(load_config(config))


def test_a_scenario_of_the_saved_run_is_the_one_of_the_run(command, run_folder, record):
    kept = json.loads(command("scenario", run_folder, "--json").out)["scenarios"]
    file = run_folder / "scenarios/01-drill.yaml"
    ended = command("scenario", run_folder, file, "--json")
    assert ended.code == 0, ended.err
    again = json.loads(ended.out)["scenarios"]
    assert again == kept == [json.loads(one.model_dump_json(by_alias=True)) for one in record.scenarios]


def test_cases_of_a_declared_reaction_are_counted_as_by_hand(run):
    (found,) = run.analysis.reactions
    events, epoch = run.inputs.events, np.datetime64("1970-01-01", "D")
    last, first = (
        (np.datetime64(day, "D") - epoch).astype(int)
        for day in (run.inputs.config.as_of, run.inputs.data.grid.start)
    )
    trigger = (events.category == "dispute") & (events.initiator == "USA")
    trigger &= np.char.startswith(events.subcategory.astype(str), "taiwan_")
    answer = (events.category == "military_posture") & (events.initiator == "CHN")
    day = (events.date - epoch).astype(int)
    used = day >= first
    cases, answers = {*day[trigger & used].tolist()}, {*day[answer & used].tolist()}

    def is_followed(one: int, by: set[int] = answers) -> bool:
        return any(one < later <= one + 14 for later in by)

    over = [one for one in cases if one + 14 <= last]
    assert (found.cases, found.answer.followed) == (len(over), sum(map(is_followed, over)))
    for rule, counted in zip(run.inputs.rules, found.targets, strict=True):
        met = {*day[rule.mask(events) & used].tolist()}
        after = {later for one in over for later in met if one < later <= one + 14}
        followed = sum(is_followed(one, met) for one in over)
        assert (counted.target, counted.followed, counted.answers) == (rule.name, followed, len(after))
        assert sum(grade.followed for grade in counted.by_severity) == followed
        assert sum(grade.cases for grade in counted.by_severity) == len(over)
    assert {(np.datetime64(one.date, "D") - epoch).astype(int) for one in found.shown} == cases
    # The answered ones first, then the gravest.
    order = [(one.answered_on is not None, one.severity) for one in found.shown]
    assert order == sorted(order, reverse=True)
    for one in found.shown:
        if one.answered_on:
            assert one.date < one.answered_on <= one.date + timedelta(days=14)
    assert sum(one.answered_on is not None and one.over for one in found.shown) == found.answer.followed
    others = [one for one in range(first, last - 13) if one not in cases]
    came = sum(map(is_followed, others))
    assert found.answer.by_chance == pytest.approx((came + 0.5) / (len(others) + 1))


@pytest.mark.parametrize(
    ("severities", "kind", "least", "shown"),
    [
        ((3, 4, 5), "dispute", 4, 3),
        ((1, 2, 3, 4, 5), "dispute", 5, 4),
        ((), "dispute", 3, 2),
        ((4, 5), "dispute", 4, None),
        ((3, 4, 5), "sanction", 1, 4),
        ((5,), "sanction", 1, 5),
    ],
)
def test_the_trigger_shown_is_no_case_of_the_event_itself(severities, kind, least, shown):
    when, rule = ActClass("dispute", (), severities, ("CHN",)), TargetRule("crisis", (kind,), least)
    trigger = trigger_shown(when, rule, date(2022, 1, 2))
    assert (trigger and trigger.severity) == shown
    assert trigger_shown(when, replace(rule, by=("USA",)), date(2022, 1, 2)).severity in (4, 5)


def test_one_trigger_does_what_the_scenario_of_it_does(run, run_folder, command):
    (found,) = measure_reactions(run)
    assert (found,) == run.analysis.reactions
    assert 0 < found.chance90[0] < found.chance < found.chance90[1] < 1
    assert all(one.probability >= one.base for one in found.effects)
    assert (found.severity, found.counts_itself) == (4, False)
    act = f"{run.inputs.config.as_of + timedelta(days=1)}:dispute/taiwan_:{found.severity}:1:USA"
    told = command("scenario", run_folder, "--event", act, "--json").facts["scenarios"][0]
    (target,) = (one for one in told["targets"] if one["name"] == found.target)
    after = {one["days"]: (one["probability"], one["base"]) for one in target["after"]}
    ours = {one.days: (one.probability, one.base) for one in found.effects if one.days}
    assert ours.keys() == after.keys()
    for days, both in ours.items():
        assert both == pytest.approx(after[days], abs=1e-9)
    asked = answers_of(target)["party-congress"]
    assert found.effects[-1].probability == pytest.approx(asked["probability"], abs=1e-9)


def test_the_chance_told_is_that_of_a_trigger_of_the_severity_told(run):
    (declared,), (found,) = run.inputs.reactions, run.analysis.reactions
    mild = replace(declared, when=replace(declared.when, severities=(2, 3)))
    (told,) = measure_reactions(replace(run, inputs=replace(run.inputs, reactions=(mild,))))
    number, steeper = (run.samples.variables[f"reaction.{name}"].ravel() for name in ("number", "severity"))
    assert (found.severity, told.severity) == (4, 3)
    assert found.chance == pytest.approx(1 - np.exp(-number).mean())
    assert told.chance == pytest.approx(1 - np.exp(-number * np.exp(-steeper)).mean())


def test_a_conditional_question_goes_on_record_with_the_chance_that_the_trigger_leaves(
    run, run_folder, command, tmp_path
):
    (found,) = run.analysis.reactions
    (effect,) = (one for one in found.effects if one.days == 30)
    asked = ("judge", run_folder, "--ledger", tmp_path / "a.sqlite", "--json")
    asked += ("--target", found.target, "--before", "new-year", "--within", 30)
    told = command(*asked, "--if", "dispute/taiwan_*:4:USA").facts["conditional"]
    # The day of the trigger, and the base rate with it, are left out.
    assert effect.base < told["probability"] < effect.probability
    assert told["probability"] == pytest.approx(effect.probability, abs=0.02)
    assert told["interval90"][0] < told["probability"] < told["interval90"][1]
    named = command(*asked, "--if", "contact", "--by", "anna", "--probability", "40%").facts
    assert (named["added"], named["probability"], named["model"]) == (
        *(2, 0.4),
        pytest.approx(named["conditional"]["probability"], abs=1e-6),
    )
    # The same days, of which more are slight; and the cases of the reaction, by another count of answers.
    assert named["model"] < told["probability"]
    assert named["conditional"]["cases"] >= found.cases > told["cases"]
    for trigger, says in (
        ("contacts", "unknown category 'contacts'. "),
        ("dispute:6", "expected CATEGORY[/SUBCATEGORY][:SEVERITY][:BY[:TOWARDS]]"),
        ("dispute:4:IND", "'IND' is no actor of the dyad"),
        ("military_posture:4", f"meets '{found.target}' by itself"),
    ):
        assert says in command(*asked, "--if", trigger).err


GROUPS = {
    *("posterior", "sample_stats", "prior", "observed_data", "constant_data"),
    *("posterior_predictive", "log_likelihood", "log_prior"),
}


@pytest.fixture(scope="module")
def run(run_folder):
    return read_run(run_folder)


@pytest.fixture(scope="module")
def tree(run):
    return run.posterior


def test_the_tree_has_every_group_with_weeks_and_kinds(run, tree):
    assert set(tree.children) == GROUPS
    acts = tree["observed_data"]["acts"]
    assert acts.dims == ("week", "kind")
    np.testing.assert_array_equal(acts.values, run.inputs.data.counts)
    events = run.events.between(date(2017, 1, 1), run.inputs.config.as_of)
    assert int(acts.sel(kind="visit").sum()) == int((events.category == "visit").sum())
    lethal = events.date[(events.category == "military_incident") & (events.severity == 5)]
    deadly = [kind for kind in acts.kind.values.tolist() if "lethal_clash" in kind]
    assert int(acts.sel(kind=deadly).sum()) == len(np.unique(lethal))
    assert acts.week.values[0] == np.datetime64("2017-01-01")
    prior = run.prior_predictive()
    assert set(prior.children) == {"prior_predictive"}
    for acts in (tree["log_likelihood"], tree["posterior_predictive"], prior["prior_predictive"]):
        assert acts["acts"].dims == ("chain", "draw", "week", "kind")


def test_the_log_likelihood_is_that_of_the_fit(run, tree):
    pointwise = tree["log_likelihood"]["acts"].sum(("week", "kind")).values.ravel()
    whole = log_likelihood(run.inputs.data, run.draws, run.inputs.priors)
    np.testing.assert_allclose(pointwise, whole, rtol=1e-9)


def test_the_prior_group_follows_the_priors(run, tree):
    stated = run.inputs.priors.priors["tension.persistence"].distribution
    drawn = tree["prior"]["tension.persistence"].values.ravel()
    share = (drawn < stated.quantile(0.5)).mean()
    assert abs(share - 0.5) < 4 * 0.5 / np.sqrt(len(drawn))
    values = tree["posterior"]["tension.persistence"]
    expected = stated.log_density(values.values)
    np.testing.assert_allclose(tree["log_prior"]["tension.persistence"].values, expected)
    priors = run.inputs.priors
    known = {group.name for group in priors.groups if priors.of_group(group)}
    assert set(tree["log_prior"].data_vars) == known


def test_the_posterior_predicts_as_many_acts_as_were_seen(tree):
    seen = int(tree["observed_data"]["acts"].sum())
    predicted = tree["posterior_predictive"]["acts"].sum(("week", "kind")).values
    assert abs(predicted.mean() - seen) < 4 * predicted.std()
    assert predicted.mean() == pytest.approx(seen, rel=0.2)


@pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")
def test_loo_is_pointwise_by_week_and_kind(tree):
    found = az.loo(tree, pointwise=True)
    assert found.elpd_i.dims == ("week", "kind")
    assert float(found.elpd_i.sum()) == pytest.approx(found.elpd, rel=1e-6)
    assert found.n_data_points == tree["observed_data"]["acts"].size


@pytest.fixture(scope="module")
def sensitivity(analysis) -> Sensitivity:
    return analysis.sensitivity


def test_every_probability_has_a_label_in_the_contract(record, sensitivity):
    labels = {(one.target, one.milestone): one.rests_on for one in sensitivity.labels}
    for target in record.targets:
        for milestone in target.milestones:
            assert milestone.rests_on == labels[target.name, milestone.name]
    assert len(labels) == sum(len(target.milestones) for target in record.targets)


def test_assumptions_are_moved_for_the_headline(record, sensitivity):
    assert (sensitivity.target, sensitivity.milestone) == ("military_confrontation", "party-congress")
    chance = {one.name: one for one in record.target(sensitivity.target).milestones}["party-congress"]
    for bar in sensitivity.assumptions:
        for end in (bar.lower, bar.upper):
            if end.probability is not None and 0 < end.probability < 1:
                assert end.probability - end.change == pytest.approx(chance.probability, abs=1e-9)
    assert any(bar.name == "calendar.0" for bar in sensitivity.assumptions)
    widths = [max(abs(bar.lower.change or 0), abs(bar.upper.change or 0)) for bar in sensitivity.assumptions]
    assert widths == sorted(widths, reverse=True)


def test_the_command_prints_labels_and_assumptions(command, run_folder):
    ended = command("sensitivity", run_folder)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    for text in ("What each probability rests on", "Rests on assumptions (never seen): ", "one step down"):
        assert text in ended.out
    assert "  How long tension lasts" in ended.out


def test_another_question_is_measured_from_the_saved_draws(command, run_folder, sensitivity):
    ended = command(
        "sensitivity", run_folder, *("--target", "major_escalation", "--milestone", "spring", "--json")
    )
    found = Sensitivity.model_validate_json(ended.out)
    assert (found.target, found.milestone) == ("major_escalation", "spring")
    assert found.labels == sensitivity.labels


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--target", "lethal_crash"],
            "--target: the run has no 'lethal_crash'. Did you mean 'lethal_clash'?",
        ),
        (["--milestone", "autumn"], "--milestone: the run has no milestone 'autumn'."),
    ],
)
def test_what_cannot_be_asked_is_refused(command, run_folder, arguments, says):
    ended = command("sensitivity", run_folder, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
