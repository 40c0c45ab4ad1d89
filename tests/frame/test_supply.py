"""What the environment is made of is allowed, known, and written down in a form that others read."""

import json
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def supply(tool):
    return tool("supply")


@pytest.fixture(scope="module")
def packages(supply):
    return supply.installed()


def test_every_installed_package_has_an_allowed_licence_and_no_known_advisory(supply, packages):
    assert len(packages) > 50
    assert supply.licence_faults(packages) == []
    assert supply.advisory_faults(packages) == []


@pytest.mark.parametrize("licence", ["", "GPL-3.0-only", "MIT AND AGPL-3.0", "Proprietary"])
def test_another_licence_is_named(supply, licence):
    (fault,) = supply.licence_faults([supply.Package("thing", "1.0", licence, ())])
    assert fault.startswith("thing 1.0: licence")


def test_an_old_version_is_named_with_its_advisory(supply):
    (fault,) = supply.advisory_faults([supply.Package("jinja2", "3.1.5", "BSD", ())])
    assert fault == "jinja2 3.1.5: CVE-2025-27516 (a template can leave its sandbox); fixed in 3.1.6"
    assert supply.advisory_faults([supply.Package("jinja2", "3.1.6", "BSD", ())]) == []


def test_the_bill_is_cyclonedx_and_names_every_package_once_and_only_known_dependencies(supply, packages):
    text = supply.bill_of_materials(packages)
    bill = json.loads(text)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["name"] == "dyad-forecast"
    named = [one["bom-ref"] for one in (bill["metadata"]["component"], *bill["components"])]
    assert len(named) == len(set(named)) == len(packages)
    assert {one["ref"] for one in bill["dependencies"]} == set(named)
    assert {name for one in bill["dependencies"] for name in one.get("dependsOn", ())} <= set(named)
    assert supply.bill_of_materials(reversed(packages)).count("\n") == text.count("\n")
    assert supply.bill_of_materials(packages) == text
    pymc = next(one for one in bill["dependencies"] if one["ref"].startswith("pkg:pypi/pymc@"))
    assert any(name.startswith("pkg:pypi/pytensor@") for name in pymc["dependsOn"])


def test_licences_are_identifiers_where_they_are_and_names_where_not(supply):
    stated = {"mine": "MIT", "both": "MIT OR Apache-2.0", "other": "BSD License", "none": ""}
    packages = [supply.Package(name, "1", licence, ()) for name, licence in stated.items()]
    found = {
        one["name"]: one.get("licenses")
        for one in json.loads(supply.bill_of_materials(packages))["components"]
    }
    assert found["mine"] == [{"license": {"id": "MIT"}}]
    assert found["both"] == [{"expression": "MIT OR Apache-2.0"}]
    assert found["other"] == [{"license": {"name": "BSD License"}}]
    assert found["none"] is None


CONTROL = {
    "dependencies": [
        {"name": "jinja2", "version": "3.1.5", "vulns": [{"id": "X", "aliases": ["CVE-2025-27516"]}]}
    ]
}


def test_what_the_data_base_says_is_a_fault_and_what_it_does_not_know_is_named(supply):
    vulns = [{"id": "PYSEC-1", "fix_versions": ["2.0"], "aliases": []}]
    installed = {
        "dependencies": [
            {"name": "thing", "version": "1.0", "vulns": vulns},
            {"name": "fine", "version": "1.0", "vulns": []},
            {"name": "odd", "skip_reason": "not found"},
            {"name": "dyad-forecast", "skip_reason": "distribution marked as editable"},
        ]
    }
    answers = iter([CONTROL, installed])
    audit = supply.ask_advisories(lambda arguments: next(answers))
    assert audit == supply.Audit(("thing 1.0: PYSEC-1; fixed in 2.0",), ("odd",))
    assert audit.said == "Advisories asked for online: 1 found; 1 packages are not known there: odd."


def test_a_data_base_that_does_not_know_a_known_advisory_is_not_believed(supply):
    """Without its answers pip-audit says that nothing was found, and ends with 0."""
    silent = {"dependencies": [{"name": "jinja2", "skip_reason": "Dependency not found"}]}
    audit = supply.ask_advisories(lambda arguments: silent)
    assert audit.not_made == "the data base did not name CVE-2025-27516 of jinja2==3.1.5"
    assert "NOT asked" in audit.said


def test_a_want_of_network_is_said_and_fails_only_where_that_is_asked_for(supply, monkeypatch, capsys):
    def offline(arguments):
        raise supply.AuditError("no answer within 120 s")

    monkeypatch.setattr(supply, "_pip_audit", offline)
    for options, code in (([], 0), (["--online"], 1)):
        monkeypatch.setattr(sys, "argv", ["supply", *options])
        with pytest.raises(SystemExit) as ended:
            supply.main()
        assert int(ended.value.code) == code
        assert "NOT asked for online: no answer within 120 s" in capsys.readouterr().out
