"""Alerts by e-mail (SMTP): each is kept in ``outbox.json`` of the list until the server has taken it.

An alert is sent to each address in a mail of its own, so that an address that is refused holds up no other.
A mail whose sending was interrupted goes out again with the same alerts and the same Message-ID.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import formatdate
from functools import partial
from pathlib import Path
from time import monotonic

from forecast import wording
from forecast.config.alerts import MailConfig
from forecast.config.faults import Fault
from forecast.config.watchlist import Watchlist
from forecast.events.cells import clean_text
from forecast.records.watch import DyadEntry, Watch, WatchNote
from forecast.watchlist.folder import Alert, Known, read_outbox, write_outbox
from forecast.watchlist.wording import parts_of_change

ANSWER_SECONDS, SENDING_SECONDS = 30.0, 120.0
"""Longest wait for one answer of a server, and time after which no further mail of a watch is begun."""
_SHOWN_ANSWER = 200
_now = partial(datetime.now, UTC)


@dataclass
class MailError(Exception):
    """A mail was not sent: the key of ``on_change.mail`` it is about, and whether it may have arrived."""

    key: str
    text: str
    may_have_arrived: bool = False


def password_of(watchlist: Watchlist) -> str:
    """Return the password of a list's mail server, empty without a user.

    Raises ``ConfigError`` where the variable that holds it is not set, or cannot be used.
    """
    mail = watchlist.on_change.mail
    if mail is None or mail.user is None:
        return ""
    password = os.environ.get(mail.password_variable, "")
    if password and password.isascii() and password.isprintable():
        return password
    problem = "holds signs that SMTP cannot log in with (printable ASCII alone)" if password else "is not set"
    raise watchlist.error(
        ("on_change", "mail", "password_variable"),
        f"the environment variable {mail.password_variable} {problem}; it has to hold the password of "
        f"{mail.user}",
    )


def queue(
    watchlist: Watchlist, watch: Watch, changes: Sequence[tuple[str, DyadEntry, Known]], place: Path
) -> None:
    """Put changes into the outbox of a list, an alert for each address; one that is there stays as it is.

    A change is its id, the dyad now, and what was told of it before; ``place`` is the folder of the list.
    """
    if watchlist.on_change.mail is None or not changes:
        return
    alerts = read_outbox(place)
    there, new = _keys(alerts), list[Alert]()
    for change, entry, known in changes:
        headline, text = clean_text(_headline(entry, known)), "\n".join(_sentences(watch, entry, known))
        new += [
            Alert(id=change, to=to, headline=headline, text=text)
            for to in watchlist.on_change.mail.to
            if (change, to) not in there
        ]
    write_outbox(place, (*alerts, *new))


def _headline(entry: DyadEntry, known: Known) -> str:
    now = wording.percent(entry.milestone.probability) if entry.milestone else "no number"
    if entry.trigger == known.trigger and known.probability is not None:
        return f"{entry.label}: {now} (was {wording.percent(known.probability)})"
    state = f"trigger {entry.trigger}" if entry.trigger else "no trigger"
    return f"{entry.label}: {state} (was {known.trigger or 'none'}), {now}"


def _sentences(watch: Watch, entry: DyadEntry, known: Known) -> Iterator[str]:
    yield clean_text(_headline(entry, known))
    answer = entry.milestone
    if answer is not None:
        target = next(one for one in entry.targets if one.name == entry.question.target)
        yield clean_text(
            f"As of {wording.long_day(watch.as_of)}: {target.label} ({target.definition}) before "
            f"{wording.long_day(answer.date)}: {wording.percent(answer.probability)}, plausible range "
            f"{wording.interval_percent(answer.interval90)} (90% interval)."
        )
    if known.probability is not None and known.as_of not in (None, watch.as_of):
        day = wording.long_day(known.as_of or watch.as_of)
        yield f"Before: {wording.percent(known.probability)}, as of {day}."
    if entry.change is not None:
        moved = wording.signed_points(entry.change.change, 0)
        since = wording.long_day(entry.change.since)
        yield f"Since the watch of {since}: {moved} points ({parts_of_change(entry.change)})."
    for one in watch.triggers:
        if entry.trigger != known.trigger and one.name == (entry.trigger or known.trigger):
            rates = (
                f"{one.rates} in the backtest of this list"
                if one.rates
                else "how often it misleads is unknown; run 'forecast backtest LIST'"
            )
            yield f"Trigger {one.name} holds from {wording.percent(one.threshold)}: {rates}."
    yield from (clean_text(fault.text) for fault in entry.feed_faults)


def send_waiting(watchlist: Watchlist, place: Path) -> tuple[WatchNote, ...]:
    """Send what waits in the outbox of a list, unless these are quiet hours; return what is to be known.

    What is not sent stays for the next watch; alerts to addresses that the list names no more are dropped.
    Raises ``RunFolderError`` where the outbox cannot be read or kept.
    """
    mail = watchlist.on_change.mail
    every = read_outbox(place)
    if mail is None or not every:
        return ()
    waiting = [one for one in every if one.to in mail.to]
    if not waiting:
        write_outbox(place, ())
        return ()
    if until := mail.quiet_until(_now()):
        count = wording.count(len({one.id for one in waiting}), "alert")
        text = f"{count} by e-mail held until {until:%H:%M} ({mail.zone}); the first watch after that sends."
        return (WatchNote(code="mail_held", text=text),)
    notes = list[WatchNote]()
    try:
        with _connected(mail, password_of(watchlist)) as client:
            begun = monotonic()
            for identity, alerts in _mails(mail, waiting):
                if monotonic() - begun > SENDING_SECONDS:
                    raise MailError("server", f"it takes more than {SENDING_SECONDS:g} seconds")
                if alerts[0].mail:
                    text = f"A mail to {alerts[0].to} was interrupted; it was sent again, same Message-ID."
                    notes.append(WatchNote(code="mail_repeated", text=text))
                # Marked before anything is sent: a watch that dies now sends this very mail again.
                waiting = _marked(waiting, alerts, identity)
                write_outbox(place, waiting)
                try:
                    _send(client, mail, alerts[0].to, _content(watchlist.name, alerts), identity)
                except MailError as error:
                    notes.append(_failed(error))
                    if not error.may_have_arrived:
                        waiting = _marked(waiting, alerts, None)
                else:
                    gone = _keys(alerts)
                    waiting = [one for one in waiting if (one.id, one.to) not in gone]
                write_outbox(place, waiting)
                if client.sock is None:
                    break
    except MailError as error:
        notes.append(_failed(error))
    return (*notes,)


def _mails(mail: MailConfig, waiting: Sequence[Alert]) -> Iterator[tuple[str, Sequence[Alert]]]:
    """Yield the mails to send, each by its identity: those that were interrupted, then new ones."""
    groups: dict[tuple[str, ...], list[Alert]] = {}
    for one in sorted(waiting, key=lambda one: one.mail is None):
        key = (one.to, one.mail or "", one.id if mail.send == "each" and not one.mail else "")
        groups.setdefault(key, []).append(one)
    for (to, sent, _), alerts in groups.items():
        ids = "/".join((to, *(one.id for one in alerts)))
        yield sent or hashlib.sha256(ids.encode()).hexdigest()[:32], alerts


def _keys(alerts: Sequence[Alert]) -> set[tuple[str, str]]:
    return {(one.id, one.to) for one in alerts}


def _marked(waiting: Sequence[Alert], alerts: Sequence[Alert], identity: str | None) -> list[Alert]:
    named = _keys(alerts)
    return [
        one.model_copy(update={"mail": identity}) if (one.id, one.to) in named else one for one in waiting
    ]


def _failed(error: MailError) -> WatchNote:
    arrived = " The mail may have arrived; it comes again with the same Message-ID." * error.may_have_arrived
    text = f"on_change.mail.{error.key}: {error.text}.{arrived} Unsent alerts wait for the next watch."
    return WatchNote(code="mail_failed", text=text)


def send_test(watchlist: Watchlist) -> tuple[str, ...]:
    """Send a test to every address of a list; return the addresses.

    Raises ``ConfigError``, with the key, where the list names no mail server or a mail is not sent.
    """
    mail = watchlist.on_change.mail
    if mail is None:
        raise watchlist.error(
            "on_change", "names no mail server to try; add mail: {server: .., from: .., to: ..}"
        )
    password, faults = password_of(watchlist), []
    content = f"[{watchlist.name}] Test", "A test of the settings of this watchlist. Nothing has changed."
    try:
        with _connected(mail, password) as client:
            for to in mail.to:
                try:
                    _send(client, mail, to, content, secrets.token_hex(16))
                except MailError as error:
                    faults.append(error)
    except MailError as error:
        faults.append(error)
    if faults:
        raise watchlist.errors(Fault(("on_change", "mail", one.key), one.text) for one in faults)
    return mail.to


def _content(name: str, alerts: Sequence[Alert]) -> tuple[str, str]:
    """Subject and text of a mail."""
    others = f"; {len(alerts) - 1} more" if len(alerts) > 1 else ""
    texts = (*(one.text for one in alerts), f"Watchlist {name}. Sent by 'forecast watch'.")
    return f"[{name}] {alerts[0].headline}{others}", "\n\n".join(texts)


def _send(client: smtplib.SMTP, mail: MailConfig, to: str, content: tuple[str, str], identity: str) -> None:
    message = EmailMessage(policy.SMTP)
    message["From"], message["To"], message["Subject"] = mail.sender, to, content[0]
    message["Date"] = formatdate()
    message["Message-ID"] = f"<{identity}@{mail.sender.rpartition('@')[2]}>"
    # RFC 3834: no out-of-office reply is wanted.
    message["Auto-Submitted"] = "auto-generated"
    # Not every server takes eight bits.
    message.set_content(content[1], cte="quoted-printable")
    try:
        client.send_message(message, mail.sender, [to])
    except OSError as error:
        raise _explained(mail, error, sending=True) from error


@contextmanager
def _connected(mail: MailConfig, password: str) -> Iterator[smtplib.SMTP]:
    """Open a server, secure the line and log in (``MailError`` where that fails)."""
    secure = ssl.create_default_context()
    kind = partial(smtplib.SMTP_SSL, context=secure) if mail.security == "tls" else smtplib.SMTP
    try:
        client = kind(mail.server, mail.port_used, timeout=ANSWER_SECONDS)
    except OSError as error:
        raise _explained(mail, error) from error
    try:
        try:
            if mail.security == "starttls":
                client.starttls(context=secure)
            if mail.user is not None:
                client.login(mail.user, password)
        except OSError as error:
            raise _explained(mail, error) from error
        yield client
        with suppress(OSError):
            client.quit()
    finally:
        client.close()


def _explained(mail: MailConfig, error: OSError, *, sending: bool = False) -> MailError:
    """Say which key an error of a server is about, and what to do."""
    at = f"{mail.server}:{mail.port_used}"
    match error:
        case socket.gaierror():
            return MailError("server", f"{mail.server} does not resolve ({error.strerror}). Check the name")
        case ConnectionRefusedError():
            return MailError(
                "port", f"{at} refuses connections. Check server and port (usually 587 starttls, 465 tls)"
            )
        case ssl.SSLCertVerificationError():
            return MailError(
                "server",
                f"the certificate of {at} is not valid ({error.verify_message.rstrip('.')}). Give the "
                "name that it is for, or have it renewed; SSL_CERT_FILE may name your own authority's file",
            )
        case ssl.SSLError():
            why = (error.reason or "no reason given").lower().replace("_", " ")
            return MailError("security", f"no TLS with {at} ({why}). Check security and port")
        case smtplib.SMTPNotSupportedError() if mail.security == "starttls" and "STARTTLS" in str(error):
            return MailError("security", f"{at} offers no STARTTLS, and nothing was sent. Try tls")
        case smtplib.SMTPAuthenticationError():
            # What the server answered is left out: it may repeat what it was sent.
            return MailError(
                "user",
                f"{at} refuses the log-in of {mail.user} ({error.smtp_code}). Check user, and the password "
                f"in {mail.password_variable}",
            )
        case smtplib.SMTPSenderRefused(smtp_code=530):
            return MailError("user", f"{at} wants a log-in ({_answer(530, error.smtp_error)}). Add user")
        case smtplib.SMTPSenderRefused():
            answer = _answer(error.smtp_code, error.smtp_error)
            return MailError("from", f"{at} refuses {mail.sender} as sender ({answer})")
        case smtplib.SMTPRecipientsRefused():
            (to, said), *_ = error.recipients.items()
            return MailError("to", f"{at} refuses {to} ({_answer(*said)}). Check the address")
        case smtplib.SMTPResponseException():
            return MailError("server", f"{at} refuses ({_answer(error.smtp_code, error.smtp_error)})")
        case smtplib.SMTPNotSupportedError():
            return MailError("user", f"{at} takes no log-in. Check port and security, or leave user out")
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        text = f"{at} does not answer within {ANSWER_SECONDS:g} seconds. Check server, port and security"
    else:
        text = f"the connection to {at} broke ({error.strerror or error})"
    return MailError("server", text, may_have_arrived=sending)


def _answer(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {clean_text(said)[:_SHOWN_ANSWER]}".rstrip(" .")
