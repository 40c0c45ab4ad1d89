"""Who is told of a change in a watchlist, and by how much a number has to move: its key ``on_change``."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from forecast.config.cross_checks import mapping_in
from forecast.config.faults import Fault, Section, refusal, shown
from forecast.config.field_types import EMPTY_LIST, ONE_OR_MORE, PERCENT_SCHEMA, Text, as_share, distinct
from forecast.errors import did_you_mean

LEAST_STEP = 0.01
PASSWORD = "FORECAST_MAIL_PASSWORD"
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_HOST = re.compile(r"(?=.{1,253}$)\w([\w-]{0,61}\w)?(\.\w([\w-]{0,61}\w)?)*", re.ASCII)
_MAILBOX = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*", re.ASCII)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_HOUR = r"(?:[01]\d|2[0-3]):[0-5]\d"
_QUIET = re.compile(rf"({_HOUR})\s*[-–]\s*({_HOUR})")

Span = tuple[time, time]


def _step(value: object) -> float:
    step = as_share(value)
    if type(step) is float and LEAST_STEP <= step < 1.0:
        return step
    raise refusal(f"got {shown(value)}; expected a change of a probability from 1% to below 100%, e.g. 10%")


def _server(value: str) -> str:
    if not _HOST.fullmatch(value) and not _address(value):
        raise refusal(
            f"got {shown(value)}; expected the name or IP address of a mail server alone, e.g. "
            "smtp.example.org; the port has its own key"
        )
    return value


def _address(server: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(server)
    except ValueError:
        return None


def _mailbox(value: str) -> str:
    name, at, host = value.rpartition("@")
    if len(value) > 254 or not at or not _MAILBOX.fullmatch(name) or not _HOST.fullmatch(host):
        raise refusal(f"got {shown(value)}; expected a plain e-mail address, e.g. anna@example.org")
    return value


def _printable(value: str) -> str:
    if not value.isascii():
        raise refusal("holds a letter beyond ASCII, which SMTP cannot log in with; ask for another user name")
    return value


def _variable(value: object) -> str:
    if not isinstance(value, str) or not _VARIABLE.fullmatch(value):
        # Not repeated: it may be the password itself.
        raise refusal(
            "expected the name of an environment variable in capitals, e.g. FORECAST_MAIL_PASSWORD; the "
            "password itself stands in no file"
        )
    return value


def _quiet(value: object) -> Span:
    found = _QUIET.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise refusal(f"got {shown(value)}; expected two times of day as HH:MM-HH:MM, e.g. 22:00-07:00")
    begin, end = map(time.fromisoformat, found.groups())
    if begin == end:
        raise refusal(f"got {shown(value)}: begin and end are the same; give two different times")
    return begin, end


def _zone(value: str) -> str:
    every = available_timezones()
    if value not in every:
        hint = did_you_mean(value, every)
        raise refusal(f"unknown time zone {shown(value)}; expected an IANA name such as Europe/Berlin.{hint}")
    return value


Server = Annotated[Text, AfterValidator(_server)]
Mailbox = Annotated[Text, AfterValidator(_mailbox)]


class MailConfig(Section):
    """A mail server, and who gets alerts through it."""

    server: Server = Field(description="name of the mail server (SMTP)")
    port: Annotated[int, Field(strict=True, ge=1, le=65535)] | None = Field(
        default=None, description="its port; when absent 587 with starttls, 465 with tls, 25 with none"
    )
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls",
        description="starttls and tls need a valid certificate; none is for a server on this machine alone",
    )
    sender: Mailbox = Field(alias="from", description="address that alerts come from")
    to: Annotated[tuple[Mailbox, ...], ONE_OR_MORE, Field(min_length=1), AfterValidator(distinct)] = Field(
        description="addresses that get alerts"
    )
    user: Annotated[Text, AfterValidator(_printable)] | None = Field(
        default=None, description="user name at the server; no log-in when absent"
    )
    password_variable: Annotated[str, BeforeValidator(_variable)] = Field(
        default=PASSWORD, description="environment variable that holds the password of the user"
    )
    send: Literal["digest", "each"] = Field(
        default="digest", description="one mail a watch with all its changes, or one for each change"
    )
    quiet: Annotated[Span, BeforeValidator(_quiet), WithJsonSchema({"type": "string"})] | None = Field(
        default=None, description="hours without mail, e.g. 22:00-07:00; the first watch after them sends it"
    )
    zone: Annotated[Text, AfterValidator(_zone)] | None = Field(
        default=None, description="time zone of the quiet hours, e.g. Europe/Berlin"
    )

    @property
    def port_used(self) -> int:
        """The port, or the usual one of the kind of security."""
        return self.port or _PORTS[self.security]

    def quiet_until(self, now: datetime) -> datetime | None:
        """Return when the quiet hours end that ``now`` (with a zone) is in; ``None`` outside of them."""
        if self.quiet is None or self.zone is None:
            return None
        (begin, end), here = self.quiet, now.astimezone(ZoneInfo(self.zone))
        at = here.time()
        inside = begin <= at < end if begin < end else at >= begin or at < end
        day = here.date() + timedelta(days=at >= end)
        return datetime.combine(day, end, here.tzinfo) if inside else None


class OnChange(Section):
    """Whom to tell when a dyad changes; nobody unless configured."""

    step: (
        Annotated[
            float,
            BeforeValidator(_step),
            WithJsonSchema(
                {"anyOf": [{"type": "number", "minimum": LEAST_STEP, "maximum": 1}, PERCENT_SCHEMA]}
            ),
        ]
        | None
    ) = Field(
        default=None,
        description="also tell when the headline has moved by this since it was last told; only changes of "
        "trigger when absent",
    )
    webhook: Text | None = Field(default=None, description="http(s) address that gets the change as JSON")
    command: Annotated[tuple[Text, ...], EMPTY_LIST] = Field(
        default=(), description="program and its arguments; gets the change as JSON on standard input"
    )
    mail: MailConfig | None = Field(default=None, description="mail server and addresses that get the change")


def alert_faults(settings: Mapping[str, object]) -> Iterator[Fault]:
    """Yield what does not agree in ``on_change`` of a list, given as its settings."""
    asked = mapping_in(settings.get("on_change"))
    address = asked.get("webhook")
    if isinstance(address, str) and not address.startswith(("http://", "https://")):
        yield Fault(
            ("on_change", "webhook"), f"'{address}' is no address; it begins with http:// or https://"
        )
    if asked.get("step") and not any(asked.get(name) for name in ("webhook", "command", "mail")):
        yield Fault(("on_change", "step"), "nobody is told; add mail, webhook or command, or leave it out")
    mail = mapping_in(asked.get("mail"))
    if mail and not asked.get("step") and not settings.get("triggers"):
        yield Fault(("on_change", "mail"), "nothing would be sent; add triggers, or on_change.step")
    for fault in _mail_faults(mail):
        yield Fault(("on_change", "mail", *fault.path), fault.message)


def _mail_faults(mail: Mapping[str, object]) -> Iterator[Fault]:
    if mail.get("quiet") and not mail.get("zone"):
        yield Fault(("quiet",), "hours of which place? Add zone, e.g. Europe/Berlin")
    if mail.get("zone") and not mail.get("quiet"):
        yield Fault(("zone",), "has no effect without quiet; add quiet, e.g. 22:00-07:00, or leave it out")
    # The default stands in checked settings as if it had been written.
    if mail.get("password_variable", PASSWORD) != PASSWORD and not mail.get("user"):
        yield Fault(("password_variable",), "has no effect without user; add user, or leave it out")
    server = mail.get("server")
    if mail.get("security") == "none" and isinstance(server, str):
        found = _address(server)
        if server != "localhost" and not (found and found.is_loopback):
            yield Fault(
                ("security",),
                f"none would send alerts to {shown(server)} for anyone on the way to read; take starttls or "
                "tls (none is for localhost)",
            )
