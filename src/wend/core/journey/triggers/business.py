"""`{business_event: Price Dropped, where: …, linked: …}`: something happened to a thing, and this person is linked to it.

A business event is no deed of the person: no fact counts it, and triggers on events do not hear it. `where` reads its properties,
and what it is about as `{property: about}`; so do the run (`{entry: about}`) and a key (`key: about`). `linked` (linked.py) says
who is meant, where the call does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from wend.core.condition.base import Condition, View
from wend.core.condition.linked import parse_linked
from wend.core.journey.happened import BusinessHappened, Happened
from wend.core.journey.pattern import EventPattern, parse_pattern
from wend.core.journey.triggers.base import Sparked, Trigger, only
from wend.core.problems import Problem


@dataclass(frozen=True, slots=True)
class OnBusiness(Trigger):
    """See above; several names in a list, as for events."""

    KIND: ClassVar[str] = "business_event"
    pattern: EventPattern
    linked: Condition | None = None

    def topics(self, journey: str) -> tuple[str, ...]:
        return tuple(f"business:{name}" for name in sorted(self.pattern.names))

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if isinstance(happened, BusinessHappened) and happened.event.name in self.pattern.names:
            event = happened.event
            data = {**event.properties, "about": event.about}
            return Sparked(event.at, data, f"business event {event.name} about {event.about}")
        return None

    def fits(self, view: View) -> bool:
        return self.pattern.fits(view) and (self.linked is None or self.linked.check(view).value)

    def conditions(self) -> Iterator[Condition]:
        yield from self.pattern.conditions()
        if self.linked is not None:
            yield self.linked


def parse_business(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    before = len(problems)
    only(raw, (kind, "where", "linked"), where, problems)
    inner = {"event": raw[kind]} | ({"where": raw["where"]} if raw.get("where") is not None else {})
    found: list[Problem] = []
    pattern = parse_pattern(inner, where, found)
    at, named = f"{where}.event", f"{where}.{kind}"
    problems += [Problem(named, one.message, one.level) if one.where == at else one for one in found]
    if pattern is not None and "*" in pattern.names:
        problems.append(Problem(named, "expected the name of a business event, found '*'"))
    linked = None
    if raw.get("linked") is not None:
        linked = parse_linked(raw["linked"], f"{where}.linked", problems)
    return OnBusiness(pattern, linked) if pattern is not None and len(problems) == before else None
