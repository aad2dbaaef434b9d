"""How Wend speaks: one file per provider, both directions (contract.py), and the built-in inbox.

Adding a provider is one file, one line in `PROVIDERS`, and its cases as data in tests/channels/cases.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from wend.channels.contract import Provider
from wend.channels.smtp import Smtp, SmtpSettings


class Kind(NamedTuple):
    """A provider that can be set up: what it is for, its settings, how it is made from them."""

    channel: str
    settings: type[Any]
    make: Callable[[Any], Provider]


PROVIDERS: dict[str, Kind] = {
    "smtp": Kind("email", SmtpSettings, Smtp),
}
"""Name → kind. The built-in inbox (inbox.py) is not set up: it is there where nothing else is."""


def inbox_email(host: str, port: int, connections: int = 16) -> Smtp:
    """The e-mail provider that hands over to the built-in inbox (inbox.InboxServer), by SMTP like any other mail."""
    settings = SmtpSettings(
        host=host,
        port=port,
        security="none",
        connections=connections,
        sender="Wend <wend@localhost>",
        per_connection=100_000,
    )
    return Smtp(settings, real=False, idempotent=True)
