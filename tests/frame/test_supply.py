"""What the environment is made of is allowed, known, and written down in a form that others read."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def supply():
    spec = importlib.util.spec_from_file_location("supply", ROOT / "tools/supply.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["supply"] = module
    spec.loader.exec_module(module)
    return module


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


def test_the_bill_names_every_package_once_and_only_known_dependencies(supply, packages):
    bill = supply.bill_of_materials(packages)
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    references = [one["bom-ref"] for one in bill["components"]]
    assert len(references) == len(set(references)) == len(packages)
    assert {one["ref"] for one in bill["dependencies"]} == set(references)
    assert {name for one in bill["dependencies"] for name in one["dependsOn"]} <= set(references)
    assert supply.bill_of_materials(packages) == bill
    pymc = next(one for one in bill["dependencies"] if one["ref"].startswith("pkg:pypi/pymc@"))
    assert any(name.startswith("pkg:pypi/pytensor@") for name in pymc["dependsOn"])
