"""Settings of decisions: checked as a whole, then published as a change of the plan.

Each room checks its own: `ROOMS` says which settings exist and who checks them. A check gets all settings that are given and yields
what is wrong, each with its place; null takes a setting away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wend.api.acts.audit import audit
from wend.core import alerting, funnel, learned, rfm, score
from wend.core.journey import waiting
from wend.core.journey.check import segments_read, unknown_segments
from wend.core.permission import check_settings as check_permission
from wend.core.problems import Problem, nearest, shown
from wend.core.zone import is_zone
from wend.engine.plans import load_plan
from wend.engine.publish import publish_settings
from wend.engine.segments import kinds
from wend.store.postgres import Connection

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Room:
    """Settings of one room, and who checks them."""

    names: tuple[str, ...]
    check: Callable[[Given], Iterator[Problem]]


class Refused(ValueError):
    """The settings have faults; `problems` holds all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def _general(given: Given) -> Iterator[Problem]:
    lateness = given.get("lateness", 1)
    if isinstance(lateness, bool) or not isinstance(lateness, int) or lateness <= 0:
        yield Problem("lateness", f"expected milliseconds (259200000 are 72 h), found {shown(lateness)}")
    zone = given.get("zone", "UTC")
    if not isinstance(zone, str) or not is_zone(zone):
        yield Problem("zone", f"{shown(zone)} is not a time zone such as Europe/Berlin")


def _permission(given: Given) -> Iterator[Problem]:
    return check_permission(given, "")


def _classes(given: Given) -> Iterator[Problem]:
    problems: list[Problem] = []
    score.parse(given.get("engagement"), "engagement", problems)
    funnel.parse(given.get("funnel"), "funnel", problems)
    rfm.check(given.get("rfm"), "rfm", problems)
    return iter(problems)


def _alerting(given: Given) -> Iterator[Problem]:
    return alerting.check_settings(given, "")


ROOMS: tuple[Room, ...] = (
    Room(("zone", "lateness"), _general),
    Room(("quiet_hours", "caps", "control_group"), _permission),
    Room(("test",), waiting.check_settings),
    Room(("engagement", "funnel", "rfm"), _classes),
    Room(learned.NAMES, learned.check_settings),
    Room(("team", "audiences", "alert_digest"), _alerting),
)
NAMES = tuple(name for room in ROOMS for name in room.names)


async def publish(conn: Connection, settings: dict[str, Any], *, who: str) -> int:
    """Bring settings into force; returns the number of the plan. Raises Refused.

    A preset named in the place of a funnel is taken as it is now, so that a later release changes nobody's funnel.
    """
    problems = list(check(settings))
    if not problems:
        problems = await _unknown(conn, settings)
    if problems:
        raise Refused(problems)
    if isinstance(settings.get("funnel"), str):
        settings = {**settings, "funnel": funnel.PRESETS[settings["funnel"]]}
    change = await publish_settings(conn, settings)
    await audit(conn, who, "settings changed", settings)
    return change.number


def check(settings: Given) -> Iterator[Problem]:
    """All faults of the settings, by themselves."""
    for name in settings:
        if name not in NAMES:
            yield Problem(name, f"is not a setting{nearest(name, NAMES)} (allowed: {', '.join(NAMES)})")
    given = {name: value for name, value in settings.items() if value is not None}
    for room in ROOMS:
        yield from room.check(given)


async def _unknown(conn: Connection, settings: Given) -> list[Problem]:
    """Segments that stages ask for and that do not exist."""
    asked = [
        (f"funnel.stages[{at}].when", segment)
        for at, stage in enumerate(funnel.parse(settings.get("funnel"), "", []))
        if stage.when is not None
        for segment in segments_read(stage.when)
    ]
    return list(unknown_segments(asked, kinds(await load_plan(conn)))) if asked else []
