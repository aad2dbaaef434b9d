"""Which provider speaks on which channel: a real mail server when one is set, the built-in inbox for everything else."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from wend.channels import inbox_email
from wend.channels.contract import Provider, parse_settings
from wend.channels.inbox import InboxChannel
from wend.channels.smtp import Smtp, SmtpSettings
from wend.commands.errors import Several
from wend.config import Config
from wend.core.consent import CHANNELS
from wend.core.problems import Problem
from wend.delivery.render import SenderSettings
from wend.store.postgres import Pool

_SCHEMES = {"smtp": ("starttls", 587), "smtps": ("tls", 465)}
_WHERE = "smtp_url"


def providers(pool: Pool, smtp: Mapping[str, Any] | None, inbox_port: int) -> dict[str, Provider]:
    """Channel → provider. `smtp`: settings of a real mail server (`smtp_of`); None: the inbox at `inbox_port` takes the mail."""
    email: Provider = Smtp(SmtpSettings(**smtp)) if smtp else inbox_email("127.0.0.1", inbox_port)
    others: dict[str, Provider] = {name: InboxChannel(name, pool) for name in CHANNELS if name != "email"}
    return {"email": email, **others}


def smtp_of(url: str) -> dict[str, Any] | None:
    """Settings of the mail server at `smtp://user:password@host:port?security=none`; None for ''. Raises Several."""
    if not url:
        return None
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise Several([f"{_WHERE}: the port is not a number between 1 and 65535"]) from None
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise Several([f"{_WHERE}: expected smtp://user:password@host:587 or smtps://user:password@host:465"])
    security, usual = _SCHEMES[parts.scheme]
    raw: dict[str, Any] = {"host": parts.hostname, "port": port or usual, "security": security}
    raw |= {"user": unquote(parts.username or ""), "password": unquote(parts.password or "")}
    for name, value in parse_qsl(parts.query):
        raw[name] = int(value) if value.isdigit() else value == "true" if value in ("true", "false") else value
    problems: list[Problem] = []
    if parse_settings(SmtpSettings, raw, _WHERE, problems) is None:
        raise Several([str(one) for one in problems])
    return raw


def sender_settings(config: Config) -> SenderSettings:
    """What all messages have in common. Raises Several when the sender is no address."""
    name, address = parseaddr(config.mail_from)
    if "@" not in address:
        raise Several([f"mail_from: {config.mail_from!r} is not `Name <address>`"])
    return SenderSettings(
        name=name,
        address=address,
        reply_to=config.mail_reply_to,
        postal_address=config.postal_address,
        bounce_address=config.mail_bounce_address,
        locale=config.locale,
        zone=config.zone,
        currency=config.currency,
        track_opens=config.track_opens,
        track_clicks=config.track_clicks,
        tracking_needs_consent=config.tracking_needs_consent,
    )
