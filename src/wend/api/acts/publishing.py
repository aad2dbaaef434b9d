"""Around publishing: the impact on people inside, versions and what differs between them, rolling back, publishing at an instant.

Publishing itself is in journeys.py; when it is due, what was scheduled is published by `publish_due`, with all the checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wend.api.acts.audit import audit
from wend.api.acts.journeys import Published, Refused, checked, publish
from wend.core.plan import Policy
from wend.core.problems import Problem
from wend.engine import scheduled
from wend.engine.moving import AtNode, impact
from wend.reports import journeys
from wend.reports.difference import Difference, difference
from wend.store.clock import now_ms
from wend.store.postgres import Connection

_LONGEST = 366 * 86_400_000
"""A publication may be scheduled this far ahead (ms)."""


class NoVersion(LookupError):
    """That version was never published; the message says which there are."""


class BadInstant(ValueError):
    """Nothing can be scheduled for that instant; the message says why."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What publishing would do. `problems`: errors refuse it. Sums over `nodes`; `at_once` None: that depends on each person."""

    nodes: list[AtNode]
    problems: list[Problem]

    @property
    def inside(self) -> int:
        """Runs inside now."""
        return sum(one.waiting for one in self.nodes)

    @property
    def leaving(self) -> int:
        """Runs that would leave at once."""
        return sum(one.waiting for one in self.nodes if one.fate == "leaves")

    @property
    def at_once(self) -> int:
        """Runs that would go on at once, at least, without those that leave."""
        return sum(one.at_once or 0 for one in self.nodes if one.fate in ("same", "mapped"))


async def impact_of(conn: Connection, raw: dict[str, Any], policy: Policy, mapping: Mapping[str, str] | None) -> Impact:
    """What publishing `raw` would do to the people inside. Raises Refused when the document cannot be published."""
    document, problems = await checked(conn, raw)
    if document is None:
        raise Refused(problems)
    nodes, refusing = await impact(conn, raw, policy, mapping)
    return Impact(nodes, [*refusing, *problems])


async def document_of(conn: Connection, journey: str, version: int | None) -> dict[str, Any]:
    """The document of a published version (None: the latest). Raises NoVersion."""
    found = await journeys.one(conn, journey)
    latest = 0 if found is None else int(found["version"])
    wanted = latest if version is None else version
    document = await journeys.document(conn, journey, wanted)
    if document is None:
        there = f"it has the versions 1 to {latest}" if latest else "it was never published"
        raise NoVersion(f"journey '{journey}' has no version {wanted}: {there}")
    return document


async def differences(conn: Connection, journey: str, before: int, after: int | None) -> list[Difference]:
    """What differs from version `before` to `after` (None: the draft when there is one, else the latest). Raises NoVersion."""
    found = await journeys.one(conn, journey)
    draft = None if found is None or after is not None else found["draft"]
    newer = draft if draft is not None else await document_of(conn, journey, after)
    return difference(await document_of(conn, journey, before), newer)


async def roll_back(
    conn: Connection, journey: str, version: int, *, who: str, policy: Policy, mapping: Mapping[str, str] | None
) -> Published:
    """Publish an old version's document again, as the next version. Raises NoVersion and what publishing raises."""
    document = await document_of(conn, journey, version)
    done = await publish(conn, document, who=who, policy=policy, mapping=mapping)
    await audit(conn, who, f"journey {journey} rolled back to version {version}, as version {done.version}")
    return done


async def schedule(
    conn: Connection, raw: dict[str, Any], at: int, *, who: str, policy: Policy, mapping: Mapping[str, str] | None
) -> tuple[int, list[Problem]]:
    """Let `raw` be published at `at` (ms UTC); returns its number, and the warnings of today.

    Raises Refused when it could not be published today (people may come and go until then: they are looked at when it is due),
    BadInstant when `at` has passed or is too far away.
    """
    document, problems = await checked(conn, raw)
    if document is None:
        raise Refused(problems)
    now = await now_ms(conn)
    if not now < at <= now + _LONGEST:
        raise BadInstant("the instant has passed" if at <= now else "the instant is more than a year away")
    id = await scheduled.schedule(conn, raw, at, policy=policy, mapping=mapping, who=who)
    await audit(conn, who, f"publication {id} of journey {document.id} scheduled", {"at": at, "policy": policy})
    return id, problems


async def cancel(conn: Connection, id: int, *, who: str) -> bool:
    """Cancel a scheduled publication; False: it does not wait (any more)."""
    done = await scheduled.cancel(conn, id)
    if done:
        await audit(conn, who, f"publication {id} cancelled")
    return done


async def publish_due(conn: Connection, due: scheduled.Scheduled) -> int:
    """Publish what is due now, for `engine.scheduled`; returns the version. ValueError with all that is in the way."""
    done = await publish(conn, due.document, who=f"schedule of {due.who}", policy=due.policy, mapping=due.mapping)
    return done.version
