"""A head is stamped by a service, checked by a third-party tool, and a chain rewritten after it is found."""

import json
import shutil
import sqlite3
import subprocess
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from forecast.errors import LedgerError
from forecast.ledger import stamping
from forecast.ledger.store import open_ledger

OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
SETTINGS = """\
[req]
distinguished_name = name
[name]
[ext]
basicConstraints = CA:FALSE
keyUsage = digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = here
[here]
serial = ./serial
crypto_device = builtin
signer_cert = ./tsa.pem
certs = ./tsa.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


class Authority:
    """A time-stamp authority of our own, by openssl."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "tsa.cnf").write_text(SETTINGS)
        (folder / "serial").write_text("01\n")
        key = ("-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.pem", "-days", "30")
        self.call("req", "-x509", *key, "-subj", "/CN=trial", "-config", "tsa.cnf", "-extensions", "ext")

    def call(self, *arguments: object) -> subprocess.CompletedProcess:
        command = [OPENSSL, *map(str, arguments)]
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=True, timeout=60)

    def answer(self, request: bytes) -> bytes:
        (self.folder / "in.tsq").write_bytes(request)
        self.call("ts", "-reply", "-queryfile", "in.tsq", "-out", "out.tsr", "-config", "tsa.cnf")
        return (self.folder / "out.tsr").read_bytes()

    def verifies(self, head: str, stamp) -> bool:
        try:
            self.call("ts", "-verify", "-digest", head, "-in", stamp, "-CAfile", "tsa.pem")
        except subprocess.CalledProcessError:
            return False
        return True


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def service(authority):
    """The address of the authority on this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            self.send_response(200)
            self.end_headers()
            self.wfile.write(authority.answer(asked))

        def log_message(self, *arguments):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def recorded(case):
    case.record("2022-01-01", {"crisis": {30: 0.25, 90: 0.5}})
    return case


@needs_openssl
def test_a_stamp_is_of_the_head_and_a_third_party_tool_verifies_it(recorded, service, authority, command):
    head = recorded.ledger.head
    before = json.loads(command("ledger", "verify", "--json", "--ledger", recorded.path).out)
    assert before["stamps"] == []
    assert "No stamp" in command("ledger", "verify", "--ledger", recorded.path).out
    ended = command("ledger", "stamp", "--service", service, "--ledger", recorded.path, "--json")
    (stamp,) = json.loads(ended.out)["stamps"]
    assert (stamp["head"], stamp["record"]) == (head, 2)
    assert authority.verifies(head, stamp["file"])
    assert not authority.verifies("0" * 64, stamp["file"])
    recorded.record("2022-02-01", {"crisis": {30: 0.25}})
    said = command("ledger", "verify", "--ledger", recorded.path).out
    assert "Record 2 was stamped on" in said
    assert f"openssl ts -verify -digest {head}" in said


@needs_openssl
def test_a_chain_that_was_rewritten_whole_is_found_by_its_stamp(recorded, service, command, tmp_path):
    command("ledger", "stamp", "--service", service, "--ledger", recorded.path)
    recorded.path.unlink()
    recorded.record("2022-01-01", {"crisis": {30: 0.95, 90: 0.95}})
    assert len(open_ledger(recorded.path)) == 2  # a sound chain by itself
    ended = command("ledger", "verify", "--ledger", recorded.path)
    assert (ended.code, ended.out) == (2, "")
    assert "stamps a head that is not in it: the chain was rewritten or cut off since" in ended.err


@needs_openssl
def test_a_request_made_offline_waits_and_is_sent_later(recorded, service, command):
    ended = command("ledger", "stamp", "--ledger", recorded.path, "--service", "http://127.0.0.1:9/")
    assert ended.code == 2
    assert "cannot be reached" in ended.err
    assert "The request waits; the same command sends it later" in ended.err
    (waits,) = stamping.waiting(recorded.path)
    assert waits.name == f"000002-{recorded.ledger.head}.tsq"
    recorded.record("2022-02-01", {"crisis": {30: 0.25}})
    ended = command("ledger", "stamp", "--ledger", recorded.path, "--service", service, "--json")
    stamps = json.loads(ended.out)["stamps"]
    assert [stamp["record"] for stamp in stamps] == [2, 3]
    assert all(stamp["time"] for stamp in stamps)
    assert stamping.waiting(recorded.path) == []


@needs_openssl
def test_an_answer_fetched_by_other_means_is_taken(recorded, authority, command, tmp_path):
    command("ledger", "stamp", "--ledger", recorded.path)
    (waits,) = stamping.waiting(recorded.path)
    (tmp_path / "answer").write_bytes(authority.answer(waits.read_bytes()))
    ended = command("ledger", "stamp", "--ledger", recorded.path, "--response", tmp_path / "answer")
    assert ended.code == 0, ended.err
    assert stamping.waiting(recorded.path) == []


@needs_openssl
def test_an_answer_about_something_else_is_refused_and_not_kept(recorded, authority, tmp_path):
    request = stamping.make_request(recorded.ledger, recorded.path)
    right = authority.answer(request.read_bytes())
    other = bytes.fromhex(recorded.ledger.head)
    wrong = request.read_bytes().replace(other, bytes(32))
    with pytest.raises(LedgerError, match="is a stamp of another hash"):
        stamping.take_answer(request, authority.answer(wrong), "the service")
    again = bytearray(request.read_bytes())
    again[-5] ^= 1  # another nonce: an answer that was kept from an earlier day
    with pytest.raises(LedgerError, match="answered another request"):
        stamping.take_answer(request, authority.answer(bytes(again)), "the service")
    for damaged in (b"", b"<html>", right[:100], b"0" * 100):
        with pytest.raises(LedgerError, match=r"no answer of a time-stamp service|refuses to stamp"):
            stamping.take_answer(request, damaged, "the service")
    assert stamping.waiting(recorded.path) == [request]


def test_the_request_is_what_the_standard_says(recorded):
    if OPENSSL is None:
        pytest.skip("openssl is not installed")
    request = stamping.make_request(recorded.ledger, recorded.path)
    shown = subprocess.run(
        [OPENSSL, "ts", "-query", "-in", request, "-text"], capture_output=True, check=True, text=True
    ).stdout
    assert "Hash Algorithm: sha256" in shown
    assert "Certificate required: yes" in shown
    dumped = "".join(line.split(" - ")[1][:47] for line in shown.splitlines() if " - " in line)
    assert recorded.ledger.head in dumped.replace(" ", "").replace("-", "")


@pytest.mark.parametrize("address", ["file:///etc/passwd", "ftp://x", "nothing"])
def test_only_an_address_of_the_web_is_asked(recorded, command, address):
    ended = command("ledger", "stamp", "--ledger", recorded.path, "--service", address)
    assert ended.code == 2
    assert "begins with http:// or https://" in ended.err


def test_an_empty_ledger_has_nothing_to_stamp(case, command):
    with closing(sqlite3.connect(case.path)):
        pass
    assert "there is" in command("ledger", "stamp", "--ledger", case.path).err
