"""Check an exported ledger without the program that wrote it: Python's standard library alone.

    forecast ledger export --format chain > chain.jsonl
    python3 verify_ledger.py chain.jsonl [HEAD]

Each line is a record: its place, the hash of the record before, its own hash, its payload. A hash is SHA-256
of the hash before and the payload; an entry's id is that of what makes the entry what it is. HEAD, or its
first digits, is a head that was noted earlier. Exit code 0: all is as it was recorded; 1: it is not.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

IDENTITY = {
    "forecast": "question name target milestone_name model config_sha256 data_sha256 code_version",
    "judgement": "question forecaster probability",
    "run": "run_id manifest_sha256",
}
STATED = {"person": "person made_on interval because", "price": "price made_on"}


def canonical(value: object) -> str:
    """Return the one text of a value, by RFC 8785 for numbers in plain notation."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float):
        text = format(Decimal(repr(value)), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return json.dumps(value, ensure_ascii=False)


def sha256(text: str) -> str:
    """Return 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def id_of(entry: dict[str, Any]) -> str:
    """Return the id that an entry has to have."""
    named = IDENTITY.get(entry["kind"], " ".join(entry)).split()
    named += [part for key, parts in STATED.items() if entry.get(key) for part in parts.split()]
    return sha256(canonical({key: entry[key] for key in {"kind", *named} - {"id"} if key in entry}))


def records(lines: Iterable[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the payload and the hash of each record; raise ``ValueError`` at the first that is not sound."""
    before, known = "0" * 64, set()
    for place, line in enumerate(lines, start=1):
        link = json.loads(line)
        text, stands = link["payload"], (link["sequence"], link["previous"])
        payload = json.loads(text)
        entry = payload["entry"]
        faults = {
            "its place or the hash before it is another": stands != (place, before),
            "its content does not have its hash": sha256(before + text) != link["hash"],
            "its payload is not canonical JSON": canonical(payload) != text,
            "its id is not that of its content": entry["id"] != id_of(entry),
            "its id is on record already": entry["id"] in known,
        }
        if found := [fault for fault, holds in faults.items() if holds]:
            raise ValueError(f"record {place}: {found[0]}")
        before = link["hash"]
        known.add(entry["id"])
        yield payload, before


def check(lines: Iterable[str], head: str = "") -> Iterator[str]:
    """Yield what is said of a sound chain; raise ``ValueError`` where it is not."""
    chain = list(records(lines))
    heads = [found for _, found in chain]
    if not any(found.startswith(head.lower()) for found in heads):
        raise ValueError(f"{head or 'a record'} is not in the chain, which was cut off or is another")
    yield f"{len(chain)} records, chain unbroken, head {heads[-1]}"
    entries = [payload["entry"] for payload, _ in chain]
    known = {entry["question_id"] for entry in entries if entry["kind"] == "resolution"}
    for payload, _ in chain:
        seal, recorded = payload["entry"], payload["recorded_on"]
        if seal["kind"] == "seal":
            asked = [sealed["question"] for sealed in seal["forecasts"]]
            first = min(question["as_of"] for question in asked)
            if recorded[:10] > first:
                raise ValueError(f"seal {seal['name']}: recorded {recorded}, its windows open after {first}")
            resolved = sum(sha256(canonical(question)) in known for question in asked)
            yield f"seal {seal['name']}: recorded {recorded}, {resolved} of {len(asked)} questions resolved"


if __name__ == "__main__":
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            print("\n".join(check(file, *sys.argv[2:3])))
    except (IndexError, KeyError, TypeError, OSError, ValueError) as error:
        sys.exit(f"not sound: {error}" if len(sys.argv) > 1 else __doc__)
