"""Event patterns: which event is meant, as triggers, waits, exit rules and goals name it: `{event: Name, where: …}`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from wend.core.condition.base import Condition, View
from wend.core.condition.syntax import parse as parse_condition
from wend.core.journey.fields import Type
from wend.core.problems import Problem, nearest, shown

EVENT_NAME_LIMIT = 200


@dataclass(frozen=True, slots=True)
class EventPattern:
    """An event by one of several names ('*': any), whose properties and context fulfil `where`."""

    names: frozenset[str]
    where: Condition | None = None

    def hears(self, name: str) -> bool:
        """Whether an event of this name may be meant."""
        return name in self.names or "*" in self.names

    def fits(self, view: View) -> bool:
        """Whether the event at hand, whose name it hears, is meant."""
        return self.where is None or self.where.check(view).value

    def conditions(self) -> Iterator[Condition]:
        """The conditions inside."""
        if self.where is not None:
            yield self.where


def parse_names(raw: Any, where: str, problems: list[Problem]) -> frozenset[str]:
    """One event name or a list of them."""
    names = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    for name in names:
        if not isinstance(name, str) or not name.strip() or len(name) > EVENT_NAME_LIMIT:
            problems.append(Problem(where, f"expected the name of an event, found {shown(name)}"))
            return frozenset()
    if not names:
        problems.append(Problem(where, "expected the name of an event, found an empty list"))
    return frozenset(names)


def parse_pattern(
    raw: Any, where: str, problems: list[Problem], also: frozenset[str] = frozenset()
) -> EventPattern | None:
    """Parse `{event: …, where: …}`; `also` names settings of the caller that may stand beside them."""
    if isinstance(raw, str):
        raw = {"event": raw}
    if not isinstance(raw, dict) or "event" not in raw:
        problems.append(Problem(where, f"expected an event such as {{event: Order Completed}}, found {shown(raw)}"))
        return None
    raw_map = cast("dict[str, Any]", raw)
    allowed = {"event", "where"} | also
    for name in raw_map:
        if name not in allowed:
            problems.append(Problem(f"{where}.{name}", f"'{name}' is not allowed here{nearest(name, allowed)}"))
    names = parse_names(raw_map["event"], f"{where}.event", problems)
    inner = raw_map.get("where")
    condition = (
        None if inner is None else parse_condition(inner, f"{where}.where", problems, inside=frozenset({"event"}))
    )
    return EventPattern(names, condition)


EVENTS = Type(parse_names, {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
PATTERN = Type(parse_pattern, {"type": "object", "required": ["event"]})
