"""Alerts by e-mail, against a real mail server: what is sent, held, refused, and sent again."""

import asyncio
import re
import socket
import ssl
import threading
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from forecast.blocks import Alert
from forecast.config.alerts import MailConfig
from forecast.config.watchlist import load_watchlist
from forecast.errors import ConfigError, RunFolderError
from forecast.records.watch import Watch
from forecast.watchlist import mail as mailing
from forecast.watchlist.folder import Known, Told, last_told, read_outbox
from forecast.watchlist.mail import send_test
from forecast.watchlist.notifying import notify
from forecast.watchlist.page import watch_answer
from forecast.wording import interval_percent, percent

from .conftest import watched, write_dyads, write_list

# The server of a test does not see that its whole line is TLS.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")

ANNA, BOB = "anna@example.org", "bob@example.org"
PASSWORD = "correct horse"
TRIGGERS = "triggers: {ready: 20%, set: 35%, go: 50%}\n"


class Mailbox:
    """What a server does with mail: keeps it, refuses an address, or breaks the line after it kept one."""

    def __init__(self):
        self.kept, self.refused, self.breaks = [], set(), False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert envelope.rcpt_tos == [message["To"]]
        self.kept.append(message)
        if self.breaks:
            server.transport.abort()
        return "250 ok"

    def of(self, address) -> list:
        return [one for one in self.kept if one["To"] == address]


def logged_in(server, session, envelope, mechanism, given):
    right = (given.login, given.password) == (b"watch", PASSWORD.encode())
    # A server may repeat in its answer what it was sent.
    return AuthResult(success=right, handled=right, message=f"535 not {given.password.decode()}")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """Certificates of 127.0.0.1, of another name, and one that is expired, each its own authority."""
    folder, made = tmp_path_factory.mktemp("certificates"), {}
    now = datetime.now(UTC)
    for name, host, days in (("good", "127.0.0.1", 2), ("other", "127.0.0.9", 2), ("old", "127.0.0.1", -1)):
        key = ec.generate_private_key(ec.SECP256R1())
        who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
        identity = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        usage = x509.KeyUsage(True, False, False, False, False, True, False, False, False)
        certificate = (
            x509.CertificateBuilder(who, who, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False)
            .add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(usage, True)
            .add_extension(identity, False)
            .sign(key, hashes.SHA256())
        )
        form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        made[name] = folder / f"{name}.pem"
        made[name].write_bytes(
            key.private_bytes(serialization.Encoding.PEM, form, plain)
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
    return made


@pytest.fixture
def serve(certificates):
    """Start servers, each with a mailbox; return the mailbox and the settings that reach it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    listening = []

    def start(security="starttls", certificate="good", **options):
        mailbox, secure = Mailbox(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        secure.load_cert_chain(certificates[certificate])
        if security != "none":
            options |= {"authenticator": logged_in, "auth_required": True}
        if security == "starttls":
            options |= {"tls_context": secure, "require_starttls": True}
        if security == "tls":
            options |= {"auth_require_tls": False}

        def session():
            return SMTP(mailbox, hostname="mail.example.org", loop=loop, **options)

        wrapped = secure if security == "tls" else None
        opened = loop.create_server(session, "127.0.0.1", 0, ssl=wrapped)
        listening.append(asyncio.run_coroutine_threadsafe(opened, loop).result())
        port = listening[-1].sockets[0].getsockname()[1]
        login = "" if security == "none" else ", user: watch"
        return mailbox, f"server: 127.0.0.1, port: {port}, security: {security}{login}"

    yield start

    async def stop():
        for server in listening:
            server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(autouse=True)
def environment(monkeypatch, certificates):
    monkeypatch.setenv("FORECAST_MAIL_PASSWORD", PASSWORD)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["good"]))


def mailed(path, settings, to=f"[{ANNA}]", more="", step=""):
    """Give a list the mail settings, in place of those it has."""
    head = path.read_text().partition("on_change:")[0]
    mail = f"{{{settings}, from: watch@example.org, to: {to}{more}}}"
    path.write_text(f"{head}on_change: {{{step}mail: {mail}}}\n")
    return path


def codes(notes):
    return [one.code for one in notes]


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The first watch of three dyads, each with a trigger on."""
    folder = tmp_path_factory.mktemp("found")
    write_dyads(folder)
    watch, _ = watched(write_list(folder, extra=TRIGGERS), folder)
    assert all(one.trigger for one in watch.dyads)
    return watch


@pytest.fixture
def listed(tmp_path):
    """The list alone, without its event files."""
    return write_list(tmp_path, extra=TRIGGERS)


def told(path, watch):
    """Tell what a watch found, as its last step does; return the notes."""
    watchlist = load_watchlist(path, as_of=watch.as_of)
    folder = path.parent / "trial" / str(watch.as_of)
    folder.mkdir(parents=True, exist_ok=True)
    return notify(watchlist, watch, folder, None)


def fallen(watch, **changes):
    """The watch with all triggers off."""
    dyads = tuple(one.model_copy(update={"trigger": None}) for one in watch.dyads)
    return watch.model_copy(update={"dyads": dyads, **changes})


def test_a_digest_says_each_change_once_with_numbers_intervals_and_what_was(trial, tmp_path, serve):
    mailbox, settings = serve()
    watch, folder = watched(mailed(trial, settings), tmp_path)
    on = [one for one in watch.dyads if one.trigger]
    (message,) = mailbox.kept
    assert len(on) > 1
    assert message["Subject"] == (
        f"[trial] {on[0].label}: trigger {on[0].trigger} (was none), "
        f"{percent(on[0].milestone.probability)}; {len(on) - 1} more"
    )
    text = message.get_content()
    for one in on:
        number, interval = percent(one.milestone.probability), interval_percent(one.milestone.interval90)
        assert f"{one.label}: trigger {one.trigger} (was none)" in text
        assert f"before 3 July 2010: {number}, plausible range {interval} (90% interval)." in text
    assert "how often it misleads is unknown" in text
    again, _ = watched(trial, tmp_path)
    assert len(mailbox.kept) == 1
    assert watch.notes == again.notes == ()
    assert read_outbox(folder.parent) == ()
    assert not [one for one in tmp_path.rglob("*.json") if PASSWORD in one.read_text()]


def test_each_change_has_a_mail_of_its_own_where_the_list_says_so(listed, found, serve):
    mailbox, settings = serve("tls")
    assert told(mailed(listed, settings, f"[{ANNA}, {BOB}]", ", send: each"), found) == ()
    for address in (ANNA, BOB):
        labels = [one["Subject"].partition(":")[0] for one in mailbox.of(address)]
        assert labels == [f"[trial] {one.label}" for one in found.dyads]
    assert len({one["Message-ID"] for one in mailbox.kept}) == len(mailbox.kept) == 6


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2010-01-04T20:59Z", None),  # 21:59 in Berlin
        ("2010-01-04T21:00Z", "2010-01-05T07:00+01:00"),
        ("2010-01-05T05:59Z", "2010-01-05T07:00+01:00"),
        ("2010-01-05T06:00Z", None),
        ("2010-07-04T20:00Z", "2010-07-05T07:00+02:00"),  # summer time
        ("2010-03-27T22:30Z", "2010-03-28T07:00+02:00"),  # the night it begins
    ],
)
def test_quiet_hours_go_by_the_clock_of_their_zone(now, until):
    mail = MailConfig.model_validate(
        {"server": "localhost", "from": ANNA, "to": BOB, "quiet": "22:00-07:00", "zone": "Europe/Berlin"}
    )
    expected = until and datetime.fromisoformat(until)
    assert mail.quiet_until(datetime.fromisoformat(now)) == expected
    day = mail.model_copy(update={"quiet": mail.quiet[::-1]})
    assert (day.quiet_until(datetime.fromisoformat(now)) is None) == (until is not None)


def test_what_happens_in_quiet_hours_is_all_told_by_the_next_watch_after_them(
    listed, found, serve, monkeypatch
):
    mailbox, settings = serve()
    mailed(listed, settings, more=", quiet: '22:00-07:00', zone: UTC")
    monkeypatch.setattr(mailing, "_now", lambda: datetime(2010, 1, 4, 23, 30, tzinfo=UTC))
    notes = told(listed, found)
    assert codes(notes) == ["mail_held"]
    assert "3 alerts by e-mail held until 07:00 (UTC)" in notes[0].text
    # The same night all fall below their triggers again.
    assert "6 alerts" in told(listed, fallen(found))[0].text
    assert mailbox.kept == []
    monkeypatch.setattr(mailing, "_now", lambda: datetime(2010, 1, 5, 7, 0, tzinfo=UTC))
    morning = fallen(found, as_of=date(2010, 1, 5))
    assert told(listed, morning) == told(listed, morning) == ()
    (message,) = mailbox.kept
    assert message.get_content().count(" (was none), ") == 3
    assert message.get_content().count(": no trigger (was ") == 3


def moved(watch: Watch, points: float, mcse: float = 0.0) -> Watch:
    """The watch with each number moved, and its Monte Carlo error."""
    content = watch.model_dump(by_alias=True)
    for one in content["dyads"]:
        for target in one["targets"]:
            for milestone in target["milestones"]:
                milestone |= {"probability": milestone["probability"] + points / 100, "mcse": mcse}
    return Watch.model_validate(content)


def test_a_step_is_counted_from_the_number_that_was_told_last(tmp_path, found, serve):
    mailbox, settings = serve("none")
    path = mailed(write_list(tmp_path), settings, step="step: 5%, ")
    first = fallen(found).dyads[-1]
    watch, sent = fallen(found).model_copy(update={"dyads": (first,)}), []
    for points in (0, 3, 4.9, 5, 8, 9.9, 5.1, 0, -0.1):
        before = len(mailbox.kept)
        assert told(path, moved(watch, points)) == ()
        sent.append(len(mailbox.kept) - before)
    assert sent == [0, 0, 0, 1, 0, 0, 0, 1, 0]
    low, high = (percent(first.milestone.probability + points) for points in (0, 0.05))
    assert mailbox.kept[0]["Subject"] == f"[trial] {first.label}: {high} (was {low})"
    assert mailbox.kept[1]["Subject"] == f"[trial] {first.label}: {low} (was {high})"


def test_a_step_within_the_error_of_the_number_is_not_told(tmp_path, found, serve):
    mailbox, settings = serve("none")
    path = mailed(write_list(tmp_path), settings, step="step: 5%, ")
    watch = fallen(found).model_copy(update={"dyads": fallen(found).dyads[-1:]})
    told(path, moved(watch, 0))
    told(path, moved(watch, 6, mcse=0.031))
    assert mailbox.kept == []
    told(path, moved(watch, 6, mcse=0.029))
    assert len(mailbox.kept) == 1


def test_what_version_0_2_kept_of_what_was_told_is_read(tmp_path):
    (tmp_path / "told.json").write_text('{"webhook": {"a-b": "ready", "a-c": null}, "command": null}')
    expected = {"a-b": Known(trigger="ready"), "a-c": Known()}
    assert last_told(tmp_path) == Told(webhook=expected)


def test_an_address_that_is_refused_holds_up_no_other_and_is_tried_again(listed, found, serve):
    mailbox, settings = serve()
    mailbox.refused = {BOB}
    (note,) = told(mailed(listed, settings, f"[{BOB}, {ANNA}]"), found)
    assert note.code == "mail_failed"
    assert re.match(rf"on_change.mail.to: 127.0.0.1:\d+ refuses {BOB} \(550 5.1.1 no such mailbox", note.text)
    assert [len(mailbox.of(one)) for one in (ANNA, BOB)] == [1, 0]
    mailbox.refused = set()
    assert told(listed, found) == ()
    assert [len(mailbox.of(one)) for one in (ANNA, BOB)] == [1, 1]
    assert mailbox.kept[0].get_content() == mailbox.kept[1].get_content()


def test_alerts_to_an_address_that_the_list_names_no_more_are_dropped(listed, found, serve):
    mailbox, settings = serve()
    mailbox.refused = {BOB}
    told(mailed(listed, settings, BOB), found)
    assert {one.to for one in read_outbox(listed.parent / "trial")} == {BOB}
    assert told(mailed(listed, settings), found) == ()
    assert read_outbox(listed.parent / "trial") == ()
    assert mailbox.kept == []


def test_sending_ends_after_its_time_and_goes_on_with_the_next_watch(listed, found, serve, monkeypatch):
    mailbox, settings = serve()
    mailed(listed, settings, more=", send: each")
    with monkeypatch.context() as late:
        late.setattr(mailing, "SENDING_SECONDS", -1.0)
        (note,) = told(listed, found)
    assert (note.code, mailbox.kept) == ("mail_failed", [])
    assert told(listed, found) == ()
    assert len(mailbox.kept) == 3


def test_a_server_that_is_down_costs_the_watch_nothing_and_loses_no_alert(trial, tmp_path, serve):
    mailbox, settings = serve()
    mailed(trial, "server: 127.0.0.1, port: 1")
    watch, _ = watched(trial, tmp_path)
    assert watch.states()["fine"] == 3
    assert codes(watch.notes) == ["mail_failed"]
    assert "on_change.mail.port: 127.0.0.1:1 refuses connections" in watch.notes[0].text
    alert = next(one for one in watch_answer(watch, tmp_path) if isinstance(one, Alert))
    assert (alert.text, alert.items) == ("Delivery of alerts", (watch.notes[0].text,))
    later, _ = watched(mailed(trial, settings), tmp_path, as_of=date(2010, 1, 5))
    assert later.notes == ()
    assert mailbox.kept[0].get_content().count("As of 4 January 2010") == 3


def test_a_line_that_breaks_is_said_and_the_same_mail_comes_again(listed, found, serve):
    mailbox, settings = serve()
    mailbox.breaks = True
    (note,) = told(mailed(listed, settings), found)
    assert note.code == "mail_failed"
    assert "The mail may have arrived; it comes again with the same Message-ID." in note.text
    mailbox.breaks = False
    # What is new in the meantime is in a mail of its own.
    assert codes(told(listed, fallen(found))) == ["mail_repeated"]
    first, second, new = mailbox.kept
    assert (first["Message-ID"], first.get_content()) == (second["Message-ID"], second.get_content())
    assert new["Message-ID"] != first["Message-ID"]
    assert "no trigger (was " in new["Subject"]


def test_a_watch_that_dies_after_it_sent_a_mail_sends_that_very_mail_again(listed, found, serve, monkeypatch):
    mailbox, settings = serve()
    mailed(listed, settings)
    send = mailing._send

    def die(*given):
        send(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(mailing, "_send", die)
        with pytest.raises(KeyboardInterrupt):
            told(listed, found)
    assert codes(told(listed, found)) == ["mail_repeated"]
    assert len(mailbox.kept) == 2
    assert len({one["Message-ID"] for one in mailbox.kept}) == 1


def test_a_server_that_cannot_be_used_is_named_with_its_key(listed, serve, monkeypatch):
    monkeypatch.setattr(mailing, "ANSWER_SECONDS", 3.0)
    _, good = serve()
    _, plain = serve("none")
    cases = [
        ("server: no-such-host.invalid", "server: no-such-host.invalid does not resolve"),
        ("server: 127.0.0.1, port: 1", "port: 127.0.0.1:1 refuses connections"),
        (good.replace("starttls", "tls"), "security: no TLS with 127.0.0.1:"),
        (plain.replace("none", "starttls"), "security: 127.0.0.1:.* offers no STARTTLS"),
        (plain + ", user: watch", "user: 127.0.0.1:.* takes no log-in"),
        (
            good.replace("user: watch", "user: other"),
            r"user: 127.0.0.1:.* refuses the log-in of other \(535\)",
        ),
        (good.replace(", user: watch", ""), r"user: 127.0.0.1:.* wants a log-in \(530"),
    ]
    for settings, expected in cases:
        with pytest.raises(ConfigError, match=rf"list.yaml:\d+:\d+: on_change.mail.{expected}") as caught:
            send_test(load_watchlist(mailed(listed, settings)))
        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("certificate", "trusted", "why"),
    [
        ("other", "good", "self-signed certificate"),
        ("other", "other", "IP address mismatch"),
        ("old", "old", "certificate has expired"),
    ],
)
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_is_not_valid_is_refused(
    listed, serve, monkeypatch, certificates, security, certificate, trusted, why
):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates[trusted]))
    mailbox, settings = serve(security, certificate=certificate)
    expected = rf"mail.server: the certificate of 127.0.0.1:\d+ is not valid \({why}"
    with pytest.raises(ConfigError, match=expected):
        send_test(load_watchlist(mailed(listed, settings)))
    assert mailbox.kept == []


def test_a_server_that_hangs_is_given_up_in_time(listed, monkeypatch):
    monkeypatch.setattr(mailing, "ANSWER_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for security in ("starttls", "tls"):
            settings = f"server: 127.0.0.1, port: {silent.getsockname()[1]}, security: {security}"
            with pytest.raises(ConfigError, match=r"mail.server: .* does not answer within 0.2 seconds"):
                send_test(load_watchlist(mailed(listed, settings)))


def test_a_password_that_is_not_there_is_said_before_any_work(trial, tmp_path, monkeypatch):
    mailed(trial, "server: localhost, user: watch, password_variable: MAIL_OF_US")
    expected = r"list.yaml:\d+:\d+: on_change.mail.password_variable: the environment variable MAIL_OF_US "
    with pytest.raises(ConfigError, match=expected + "is not set"):
        watched(trial, tmp_path / "out")
    monkeypatch.setenv("MAIL_OF_US", "pässword")
    with pytest.raises(ConfigError, match=expected + "holds signs") as caught:
        watched(trial, tmp_path / "out")
    assert "pässword" not in str(caught.value)
    assert not list((tmp_path / "out").rglob("*.json"))


def test_an_outbox_that_cannot_be_read_is_refused_before_any_work(trial, tmp_path):
    mailed(trial, "server: localhost")
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "outbox.json").write_text("{")
    with pytest.raises(RunFolderError, match=r"outbox.json: cannot be read.*Mend it or move it away"):
        watched(trial, tmp_path)
    assert [one.name for one in (tmp_path / "trial").iterdir()] == ["outbox.json"]


def test_the_settings_are_tried_by_a_mail_to_every_address(trial, tmp_path, serve, command):
    mailbox, settings = serve()
    mailed(trial, settings, f"[{ANNA}, {BOB}]", ", quiet: '00:00-23:59', zone: UTC")
    ended = command("watch", trial, "--test-mail", "--out", tmp_path / "out")
    assert ended.code == 0
    assert f"Sent a test to {ANNA} and {BOB}." in ended.out
    assert [one["To"] for one in mailbox.kept] == [ANNA, BOB]
    assert not (tmp_path / "out").exists()
    mailbox.refused = {BOB}
    ended = command("watch", trial, "--test-mail")
    assert ended.code == 2
    assert f"refuses {BOB} (550 5.1.1 no such mailbox)" in ended.err
    trial.write_text(trial.read_text().partition("on_change:")[0])
    ended = command("watch", trial, "--test-mail")
    assert ended.code == 2
    assert "on_change: names no mail server to try" in ended.err


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ("server: 'smtp://x.org'", "server: got 'smtp://x.org'; expected the name or IP address"),
        ("server: 'x.org:25'", "server: got 'x.org:25'"),
        ("server: x.org, port: 70000", "port: got 70000; expected a whole number from 1 to 65,535"),
        ("server: x.org, security: none", "security: none would send alerts to 'x.org' for anyone"),
        ("server: x.org, security: ssl", "security: got 'ssl'; expected starttls, tls, none"),
        ("server: x.org, user: Müller", "user: holds a letter beyond ASCII"),
        ("server: x.org, password: abc", r"password: unknown key. Did you mean 'password_variable'\?"),
        ("server: x.org, user: u, password_variable: s3cret", "password_variable: expected the name of an"),
        ("server: x.org, password_variable: MINE", "password_variable: has no effect without user"),
        ("server: x.org, send: once", "send: got 'once'; expected digest, each"),
        ("server: x.org, quiet: 22-7, zone: UTC", "quiet: got '22-7'; expected two times of day as HH:MM"),
        ("server: x.org, quiet: '24:00-07:00', zone: UTC", "quiet: got '24:00-07:00'"),
        ("server: x.org, quiet: '07:00-07:00', zone: UTC", "quiet: got .* begin and end are the same"),
        ("server: x.org, quiet: '22:00-07:00'", "quiet: hours of which place"),
        ("server: x.org, zone: UTC", "zone: has no effect without quiet"),
        ("server: x.org, quiet: '22:00-07:00', zone: Europe/Berln", "zone: unknown .*'Europe/Berlin'"),
    ],
)
def test_mail_settings_that_cannot_be_meant_are_refused_with_their_key(tmp_path, settings, fault):
    path = mailed(write_list(tmp_path, extra=TRIGGERS), settings)
    with pytest.raises(ConfigError, match=rf"list.yaml:13:\d+: on_change.mail.{fault}") as caught:
        load_watchlist(path)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["anna", "anna@", "@x.org", "a b@x.org", "Anna <anna@x.org>", "a@x@y", "ä@x.org"]
)
def test_what_is_no_address_is_refused(tmp_path, address):
    path = mailed(write_list(tmp_path, extra=TRIGGERS), "server: x.org", f"['{address}']")
    with pytest.raises(ConfigError, match=r"on_change.mail.to.0: got .* expected a plain e-mail address"):
        load_watchlist(path)


def test_alerts_that_would_never_be_sent_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"on_change.mail: nothing would be sent; add triggers, or"):
        load_watchlist(mailed(write_list(tmp_path), "server: x.org"))
    with pytest.raises(ConfigError, match=r"on_change.step: nobody is told"):
        load_watchlist(write_list(tmp_path, extra="on_change: {step: 5%}\n"))
    for step in ("0.5%", "100%", "5", "many"):
        with pytest.raises(ConfigError, match=r"on_change.step: got .* from 1% to below 100%"):
            load_watchlist(write_list(tmp_path, extra=f"on_change: {{step: {step}, webhook: 'https://x'}}\n"))
