"""Settings of decisions: checked as a whole, then published as a change of the plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wend.api.acts.audit import audit
from wend.core.permission import check_settings
from wend.core.problems import Problem, nearest, shown
from wend.core.zone import is_zone
from wend.engine.publish import publish_settings
from wend.store.postgres import Connection

NAMES = ("zone", "lateness", "quiet_hours")


class Refused(ValueError):
    """The settings have faults; `problems` holds all of them."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


async def publish(conn: Connection, settings: dict[str, Any], *, who: str) -> int:
    """Bring settings into force; returns the number of the plan. Raises Refused."""
    problems = list(_problems(settings))
    if problems:
        raise Refused(problems)
    change = await publish_settings(conn, settings)
    await audit(conn, who, "settings changed", settings)
    return change.number


def _problems(settings: dict[str, Any]) -> Iterator[Problem]:
    for name in settings:
        if name not in NAMES:
            yield Problem(name, f"is not a setting{nearest(name, NAMES)} (allowed: {', '.join(NAMES)})")
    lateness = settings.get("lateness", 1)
    if isinstance(lateness, bool) or not isinstance(lateness, int) or lateness <= 0:
        yield Problem("lateness", f"expected milliseconds (259200000 are 72 h), found {shown(lateness)}")
    zone = settings.get("zone", "UTC")
    if not isinstance(zone, str) or not is_zone(zone):
        yield Problem("zone", f"{shown(zone)} is not a time zone such as Europe/Berlin")
    yield from check_settings(settings, "")
