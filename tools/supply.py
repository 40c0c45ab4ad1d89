"""What the environment is made of: licences that are allowed, versions without known advisories, an SBOM.

Licences and the bill of materials come from the metadata of the installed packages. Advisories come from a
list beside this file, kept by hand, and from the public data base that ``pip-audit`` asks; where that cannot
be asked, for want of a network or of its answer, this is said, and with ``--online`` it is a failure.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
ADVISORIES = Path(__file__).with_name("advisories.csv")
PROJECT = "dyad-forecast"
CONTROL = ("jinja2==3.1.5", "CVE-2025-27516")
"""A version that the public data base must have an advisory about."""
MOST_SECONDS = 120
ALLOWED = (
    "0BSD",
    "Apache",
    "BSD",
    "CC-BY-4.0",
    "CC0-1.0",
    "CNRI-Python",
    "ISC",
    "MIT",
    "MPL",
    "Mozilla Public License",
    "OFL-1.1",
    "PSF",
    "Python Software Foundation",
    "Unlicense",
    "Zlib",
    "zlib",
)
"""Licences under which we may use and pass on a package, by a part of how they are written."""
TOOLS_ALONE = {
    "axe-playwright-python": "MIT, in its licence file alone; axe-core in it MPL-2.0: run in tests alone",
    "codespell": "GPL-2.0-only: run while linting, passed on with nothing",
    "docutils": "public domain and BSD but for files of an editor: run while building the manual",
}
"""Packages under other licences, and why they may be used."""


@dataclass(frozen=True)
class Package:
    """An installed package: its name in one spelling, version, licence as it is stated, and what it needs."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def installed() -> list[Package]:
    """Return the installed packages, by name; not those that another package carries inside itself."""
    places = list({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    every = distributions(path=places)
    found = {canonicalize_name(one.metadata["Name"]): one for one in every if one.metadata["Name"]}
    return [_package(name, found[name]) for name in sorted(found)]


def _package(name: str, distribution: Distribution) -> Package:
    needs = []
    for text in distribution.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needs.append(canonicalize_name(requirement.name))
    return Package(name, distribution.version, _licence(distribution), tuple(sorted(set(needs))))


def _licence(distribution: Distribution) -> str:
    metadata = distribution.metadata
    stated = metadata.get("License-Expression")
    classified = [
        one.rpartition("::")[2].strip()
        for one in metadata.get_all("Classifier") or ()
        if one.startswith("License ::")
    ]
    return stated or " AND ".join(classified) or (metadata.get("License") or "").split("\n")[0].strip()


def licence_faults(packages: Iterable[Package]) -> list[str]:
    """Name the packages whose licence is not stated or not allowed."""
    faults = []
    for one in packages:
        parts = [part.strip("() ") for part in re.split(r" AND ", one.licence)]
        bad = [part for part in parts if not any(name in part for name in ALLOWED)]
        if bad and one.name not in TOOLS_ALONE:
            faults.append(f"{one.name} {one.version}: licence '{one.licence or 'not stated'}' is not allowed")
    return faults


def advisory_faults(packages: Iterable[Package], listed: Path = ADVISORIES) -> list[str]:
    """Name the packages of a version that an advisory is about."""
    versions = {one.name: one for one in packages}
    faults = []
    with listed.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = versions.get(canonicalize_name(row["package"]))
            if found and Version(found.version) < Version(row["fixed_in"]):
                said = f"{row['advisory']} ({row['about']}); fixed in {row['fixed_in']}"
                faults.append(f"{found.name} {found.version}: {said}")
    return faults


@dataclass(frozen=True)
class Audit:
    """What the public data base of advisories says, by ``pip-audit``.

    ``not_made`` tells why it could not be asked at all, ``not_known`` names packages that it does not know.
    """

    faults: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    not_made: str = ""

    @property
    def said(self) -> str:
        """One line, also where nothing could be asked."""
        if self.not_made:
            return (
                f"Advisories were NOT asked for online: {self.not_made}. The list kept by hand was checked."
            )
        known = f"; {len(self.not_known)} packages are not known there: {', '.join(self.not_known)}"
        return f"Advisories asked for online: {len(self.faults)} found{known if self.not_known else ''}."


def ask_advisories(ask: Callable[[Sequence[str]], Mapping[str, Any]] | None = None) -> Audit:
    """Ask for advisories about what is installed; ``ask`` runs pip-audit with arguments.

    A version with a known advisory is asked about first: where that is not found, an answer without findings
    would mean nothing, and no more is asked.
    """
    ask = ask or _pip_audit
    try:
        with tempfile.TemporaryDirectory() as folder:
            control = Path(folder) / "control.txt"
            control.write_text(f"{CONTROL[0]}\n", encoding="utf-8")
            answer = ask(["--disable-pip", "--no-deps", "--requirement", str(control)])
            if CONTROL[1] not in json.dumps(answer):
                return Audit(not_made=f"the data base did not name {CONTROL[1]} of {CONTROL[0]}")
            answer = ask(["--local", "--skip-editable"])
    except AuditError as error:
        return Audit(not_made=str(error))
    faults, unknown = [], []
    for one in answer["dependencies"]:
        if "skip_reason" in one:
            unknown.append(one["name"])
        for found in one.get("vulns", ()):
            fixed = " or ".join(found["fix_versions"]) or "no version yet"
            faults.append(f"{one['name']} {one['version']}: {found['id']}; fixed in {fixed}")
    # The project itself is installed from its folder.
    return Audit(tuple(faults), tuple(sorted(set(unknown) - {PROJECT})))


class AuditError(Exception):
    """pip-audit gave no answer."""


def _pip_audit(arguments: Sequence[str]) -> Mapping[str, Any]:
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--timeout", "10", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=MOST_SECONDS)
        answer = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise AuditError(f"no answer within {MOST_SECONDS} s") from error
    except ValueError as error:
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise AuditError(f"pip-audit ended with code {done.returncode} ({last[:160]})") from error
    if not isinstance(answer, dict) or "dependencies" not in answer:
        raise AuditError("pip-audit gave no list of packages")
    return answer


def bill_of_materials(packages: Iterable[Package]) -> str:
    """Return a CycloneDX 1.6 document as JSON; the same packages give the same document.

    Raises ``ValueError``: the document does not meet the schema of CycloneDX.
    """
    packages = list(packages)
    licences = LicenseFactory()
    components = {}
    for one in packages:
        address = PackageURL("pypi", name=one.name, version=one.version)
        components[one.name] = Component(
            type=ComponentType.APPLICATION if one.name == PROJECT else ComponentType.LIBRARY,
            bom_ref=str(address),
            name=one.name,
            version=one.version,
            purl=address,
            licenses=[licences.make_from_string(one.licence)] if one.licence else (),
        )
    # Neither a random number nor the time: the same packages, the same bytes.
    serial = uuid.uuid5(uuid.NAMESPACE_URL, "\n".join(str(one.purl) for one in components.values()))
    bill = Bom(serial_number=serial)
    bill.metadata.timestamp = None
    bill.metadata.component = components.get(PROJECT)
    bill.components.update(one for name, one in components.items() if name != PROJECT)
    for one in packages:
        needs = [components[name] for name in one.needs if name in components]
        bill.register_dependency(components[one.name], needs)
    text = make_outputter(bill, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    faults = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if faults:
        raise ValueError(f"the bill of materials is no CycloneDX 1.6: {faults}")
    return f"{text}\n"


def main() -> None:
    """Check the environment and write its bill of materials; exit code 1 where something is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sbom", type=Path, help="file to write the bill of materials (CycloneDX) to")
    parser.add_argument("--online", action="store_true", help="fail where advisories cannot be asked for")
    given = parser.parse_args()
    packages = installed()
    audit = ask_advisories()
    faults = [*licence_faults(packages), *advisory_faults(packages), *audit.faults]
    if given.sbom:
        given.sbom.parent.mkdir(parents=True, exist_ok=True)
        given.sbom.write_text(bill_of_materials(packages), encoding="utf-8")
    print(audit.said)
    print(f"{len(packages)} packages, {len(faults)} faults")
    print("\n".join(faults), end="\n" if faults else "")
    sys.exit(bool(faults) or (given.online and bool(audit.not_made)))


if __name__ == "__main__":
    main()
