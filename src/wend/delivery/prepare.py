"""The last look at a message before it leaves: may it still go out, and what does it say? (journeys.md rule 10)

Pure: everything is given, nothing is asked. The answer is a message ready for its provider, or what became of it instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wend.channels.contract import Message, Provider
from wend.content.catalogue.shelf import Shelf
from wend.content.links import Links
from wend.content.liquid import LiquidProblem
from wend.content.templates import Template
from wend.core.consent import IMPLICIT, YES, address_of
from wend.core.permission import LEAVING, Drop, Hold, Request, decide, is_test_person
from wend.core.profile import Profile
from wend.delivery.outbox import Row, Settled
from wend.delivery.render import SenderSettings, render

NO_PROVIDER_PAUSE = 60_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message that may go out."""

    row: Row
    message: Message
    provider: Provider


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is the same for all messages of a batch. `law`: the published settings (quiet hours …).

    `virtual`: the clock is a replay's, so no real provider may be used.
    """

    links: Links
    settings: SenderSettings
    law: Mapping[str, Any]
    virtual: bool = False
    shelf: Shelf = field(default_factory=Shelf)
    """What templates look up in the catalogue."""


def prepare(
    row: Row,
    profile: Profile | None,
    template: Template | None,
    provider: Provider | None,
    around: Surroundings,
    now: int,
) -> Prepared | Settled:
    """What is to be done with a claimed row at `now` (ms UTC, real time; a replay's own time in replay)."""
    if row.status == "sending" and (provider is None or not provider.idempotent):
        return Settled(row, "uncertain", "its sender died while handing it over")
    if profile is None or profile.erased:
        return Settled(row, "dropped", "the person is not here any more")
    contact = row.data.get("to") or None
    asked = Request(
        profile,
        row.channel,
        row.topic,
        row.transactional,
        now,
        around.law,
        to=contact,
        expires_at=row.expires_at,
        zone=around.settings.zone,
        test=is_test_person(profile, around.law),
    )
    decision = decide(asked, LEAVING)
    if isinstance(decision, Drop):
        return Settled(
            row, "dropped", f"{decision.why}; last attempt: {row.why}" if row.tries and row.why else decision.why
        )
    if isinstance(decision, Hold):
        return Settled(row, "queued", decision.why, not_before=decision.until)
    if provider is None:
        why = f"no provider is set up for {row.channel}"
        return Settled(row, "queued", why, not_before=min(now + NO_PROVIDER_PAUSE, row.expires_at))
    forbidden = _forbidden(row, profile, provider, contact, around.virtual)
    if forbidden:
        return Settled(row, "dropped", forbidden)
    if template is None:
        return Settled(row, "refused", f"there is no template '{row.template}'")
    if template.channel != row.channel:
        return Settled(row, "refused", f"template '{row.template}' is for {template.channel}, not for {row.channel}")
    to = address_of(profile, row.channel, contact) or row.address
    try:
        message = render(row, to, template, profile, around.links, around.settings, now, around.law, around.shelf)
    except LiquidProblem as problem:
        return Settled(row, "refused", f"template {problem}")
    return Prepared(row, message, provider)


def _forbidden(row: Row, profile: Profile, provider: Provider, contact: str | None, virtual: bool) -> str:
    """The law of the house, once more and apart from all settings: '' or why nothing may leave."""
    if not provider.real:
        return ""
    if virtual:
        return "in a replay nothing leaves through a real provider"
    if row.transactional or row.channel in IMPLICIT:
        return ""
    names = (f"{row.channel}:{contact}",) if contact else (row.channel,)
    said = next((profile.consent[name][0] for name in names if name in profile.consent), None)
    return "" if said in YES else f"no recorded consent for {names[0]}"
