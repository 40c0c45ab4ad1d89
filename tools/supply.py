"""What the environment is made of: licences that are allowed, versions without known advisories, an SBOM.

All is read from the metadata of the installed packages and from a list beside this file; nothing is
fetched. The list of advisories is kept by hand. Whoever has a network runs ``pip-audit`` beside it.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
import sysconfig
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
ADVISORIES = Path(__file__).with_name("advisories.csv")
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


def bill_of_materials(packages: Iterable[Package]) -> dict[str, object]:
    """Return a CycloneDX 1.6 document of the packages; the same packages give the same document."""
    packages = list(packages)
    names = {one.name for one in packages}
    address = {one.name: f"pkg:pypi/{one.name}@{one.version}" for one in packages}
    text = "\n".join(address.values())
    serial = uuid.uuid5(uuid.NAMESPACE_URL, text)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "components": [
            {
                "type": "library",
                "bom-ref": address[one.name],
                "name": one.name,
                "version": one.version,
                "purl": address[one.name],
                "licenses": [{"license": {"name": one.licence}}],
            }
            for one in packages
        ],
        "dependencies": [
            {"ref": address[one.name], "dependsOn": [address[name] for name in one.needs if name in names]}
            for one in packages
        ],
    }


def main() -> None:
    """Check the environment and write its bill of materials; exit code 1 where something is not allowed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--sbom", type=Path, help="file to write the bill of materials (CycloneDX) to")
    given = parser.parse_args()
    packages = installed()
    faults = [*licence_faults(packages), *advisory_faults(packages)]
    if given.sbom:
        given.sbom.parent.mkdir(parents=True, exist_ok=True)
        given.sbom.write_text(json.dumps(bill_of_materials(packages), indent=1) + "\n", encoding="utf-8")
    print(f"{len(packages)} packages, {len(faults)} faults")
    print("\n".join(faults), end="\n" if faults else "")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
