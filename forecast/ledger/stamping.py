"""Time stamps of a ledger's head by a service of the user's choice (RFC 3161), kept beside the ledger.

A service signs that it saw a hash at a time. What is sent is the head, the hash of the last record, and
nothing else; whoever trusts the service knows from the stamp that all records up to this one stood then as
they stand now. The signature is checked by others' tools, with the head as the digest::

    openssl ts -verify -digest HEAD -in STAMP.tsr -CAfile SERVICE.pem

Requests and answers are files, so that a request made offline waits until it can be sent.

By hand, since ``rfc3161-client`` brings ``cryptography`` to everybody who verifies a ledger: of the DER of
requests and answers, a hash, a number and a time are needed here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from forecast.errors import LedgerError
from forecast.ledger.chain import Ledger
from forecast.storage import read_plain, write_file

REQUEST, ANSWER = ".tsq", ".tsr"
MAX_ANSWER_BYTES = 200_000
TIMEOUT_S = 20
_SHA256 = bytes.fromhex("300d06096086480165030402010500")
"""The algorithm identifier of SHA-256, in DER."""
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
"""The object identifier of the signed content of a time stamp."""
_GRANTED = (0, 1)
_INTEGER, _SEQUENCE, _OCTETS, _TIME = 0x02, 0x30, 0x04, 0x18


@dataclass(frozen=True)
class Stamp:
    """A stamp: what was stamped, when the service says it saw it, and the file that proves it.

    ``record`` is the place of the head in the chain; ``None`` where it is not there any more. ``time`` is
    ``None`` for a request that waits to be sent.
    """

    head: str
    file: Path
    time: datetime | None
    record: int | None

    @property
    def facts(self) -> dict[str, object]:
        """Return plain values."""
        time = self.time.isoformat() if self.time else None
        return {"head": self.head, "record": self.record, "time": time, "file": str(self.file)}


def stamp_folder(ledger: Path) -> Path:
    """Where the stamps of a ledger are kept."""
    return ledger.with_name(f"{ledger.name}.stamps")


def make_request(ledger: Ledger, place: Path) -> Path:
    """Write a request for the head, unless there is one; return its file.

    Raises
    ------
    LedgerError
        The ledger is empty, or the request cannot be written.
    """
    if not len(ledger):
        raise LedgerError(f"{place}: holds no record, so there is nothing to stamp")
    path = stamp_folder(place) / f"{len(ledger):06d}-{ledger.head}{REQUEST}"
    if path.exists() or path.with_suffix(ANSWER).exists():
        return path
    # The first bit is set, so that the number has one shortest form, with a zero before it.
    nonce = (secrets.randbits(63) | 1 << 63).to_bytes(8)
    imprint = _der(_SEQUENCE, _SHA256 + _der(_OCTETS, bytes.fromhex(ledger.head)))
    body = _der(_INTEGER, b"\x01") + imprint + _der(_INTEGER, b"\x00" + nonce) + b"\x01\x01\xff"
    return _written(path, _der(_SEQUENCE, body))


def send_waiting(ledger: Path, service: str) -> list[Path]:
    """Send every request that has no answer; return the answers.

    Raises
    ------
    LedgerError
        The address is not one, or the service cannot be reached or does not stamp. What was not answered
        waits.
    """
    if urlsplit(service).scheme not in ("http", "https"):
        raise LedgerError(f"--service {service}: give an address that begins with http:// or https://")
    return [
        take_answer(request, _asked(service, request.read_bytes()), service) for request in waiting(ledger)
    ]


def waiting(ledger: Path) -> list[Path]:
    """Return the requests that have no answer."""
    requests = sorted(stamp_folder(ledger).glob(f"*{REQUEST}"))
    return [path for path in requests if not path.with_suffix(ANSWER).exists()]


def _asked(service: str, content: bytes) -> bytes:
    request = Request(service, content, {"Content-Type": "application/timestamp-query"})
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            return bytes(answer.read(MAX_ANSWER_BYTES + 1))
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise LedgerError(
            f"{service}: cannot be reached ({reason}). The request waits; the same command sends it later"
        ) from error


def take_answer(request: Path, content: bytes, source: str) -> Path:
    """Check that an answer is about a request, and keep it.

    Raises
    ------
    LedgerError
        It is no answer, refuses, or is about something else.
    """
    head, asked = _head_of(request), request.read_bytes()
    time_of_answer(content, head, source)
    if _nonce(asked) not in content:
        raise LedgerError(f"{source}: answered another request than {request.name}. It was not kept")
    return _written(request.with_suffix(ANSWER), content)


def _written(path: Path, content: bytes) -> Path:
    try:
        path.parent.mkdir(exist_ok=True)
        write_file(path, content)
    except OSError as error:
        raise LedgerError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path


def time_of_answer(content: bytes, head: str, source: str) -> datetime:
    """Return when a service says that it saw a head; its signature is not checked here.

    Raises
    ------
    LedgerError
        It is no answer of such a service, it refuses, or it is about another hash.
    """
    try:
        (_, whole), *_ = _parts(content[:MAX_ANSWER_BYTES])
        (_, status), *token = _parts(whole)
        (_, code), *_ = _parts(status)
        if int.from_bytes(code) not in _GRANTED or not token:
            raise LedgerError(f"{source}: refuses to stamp (status {int.from_bytes(code)})")
        # Within the signed data, after the identifier, stands the content: [0] { OCTET STRING { TSTInfo } }.
        _, _, after = token[0][1].partition(_TST_INFO)
        ((_, boxed), *_) = _parts(after)
        ((_, octets), *_) = _parts(boxed)
        ((_, info), *_) = _parts(octets)
        stamped = next(value for tag, value in _parts(info) if tag == _SEQUENCE)
        moment = next(value for tag, value in _parts(info) if tag == _TIME)
        time = datetime.strptime(moment.decode("ascii").split(".")[0].rstrip("Z"), "%Y%m%d%H%M%S")
    except (ValueError, IndexError, StopIteration) as error:
        raise LedgerError(f"{source}: is no answer of a time-stamp service (RFC 3161)") from error
    if not stamped.endswith(bytes.fromhex(head)):
        raise LedgerError(f"{source}: is a stamp of another hash than {head[:16]}…")
    return time.replace(tzinfo=UTC)


def read_stamps(ledger: Ledger, place: Path) -> Iterator[Stamp]:
    """Yield the stamps and the waiting requests of a ledger, in order (``LedgerError``: one is damaged)."""
    places = {record.hash: record.sequence for record in ledger.records}
    for path in sorted(stamp_folder(place).glob("*.ts[qr]")):
        head = _head_of(path)
        if path.suffix == REQUEST:
            if not path.with_suffix(ANSWER).exists():
                yield Stamp(head, path, None, places.get(head))
            continue
        try:
            content = read_plain(path, MAX_ANSWER_BYTES)
        except OSError as error:
            raise LedgerError(f"{path}: cannot be read ({error.strerror or error})") from error
        yield Stamp(head, path, time_of_answer(content, head, str(path)), places.get(head))


def _head_of(path: Path) -> str:
    head = path.stem.rpartition("-")[2]
    if len(head) != 64 or not set(head) <= set("0123456789abcdef"):
        raise LedgerError(f"{path}: is not named as a stamp is, <record>-<head>{ANSWER}. Move it away")
    return head


def _nonce(request: bytes) -> bytes:
    ((_, body), *_) = _parts(request)
    return _der(_INTEGER, [value for tag, value in _parts(body) if tag == _INTEGER][1])


def _der(tag: int, content: bytes) -> bytes:
    if len(content) < 128:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content


def _parts(content: bytes) -> list[tuple[int, bytes]]:
    """Tags and contents of the elements of DER, one after the other (``ValueError``, ``IndexError``)."""
    parts = []
    place = 0
    while place < len(content):
        tag, size = content[place], content[place + 1]
        place += 2
        if size & 0x80:
            width = size & 0x7F
            size, place = int.from_bytes(content[place : place + width]), place + width
        if place + size > len(content):
            raise ValueError("cut short")
        parts.append((tag, content[place : place + size]))
        place += size
    return parts
