"""Values: what a setting may compute when the run gets there (journeys.md, "Values").

A value is a literal, or `{attribute: a.b}`, `{entry: prop}` (the event that started the run), `{event: prop}` (the latest that moved
it), `{saved: name.path}`, `{now: }`, followed by any of `plus`, `minus`, `times`, `default`.
Date + duration keeps the date's form: a date stays a date, an instant an instant (ISO 8601), unix time unix time.
What cannot be computed is None, never an error: what a setting does without a value is its node's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

from wend.core.attributes import get
from wend.core.duration import parse_duration
from wend.core.problems import Problem, nearest, shown
from wend.core.zone import is_date_only

SOURCES = ("attribute", "entry", "event", "saved", "now")
OPERATORS = ("plus", "minus", "times", "default")
LARGEST = 1e15
SECONDS_BELOW = 100_000_000_000


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is just itself."""

    value: Any

    def of(self, look_up: Callable[[str], Mapping[str, Any]], now: int) -> Any:
        return self.value


@dataclass(frozen=True, slots=True)
class Reference:
    """A value read from somewhere when it is needed."""

    source: str
    path: str
    plus: Any = None
    minus: Any = None
    times: Any = None
    default: Any = None

    def of(self, look_up: Callable[[str], Mapping[str, Any]], now: int) -> Any:
        """The value at instant `now` (ms UTC). `look_up(source)` gives the mapping to read from. None: there is none."""
        found: Any = _iso(now) if self.source == "now" else get(look_up(self.source), self.path)
        if found is None:
            found = self.default
        if self.plus is not None:
            found = _add(found, self.plus, 1)
        if self.minus is not None:
            found = _add(found, self.minus, -1)
        if self.times is not None:
            found = found * self.times if is_number(found) else None
        return found


Value = Literal | Reference


def parse_value(raw: Any, where: str, problems: list[Problem]) -> Value | None:
    """The value that the document's `raw` means; None after adding to `problems` (all of them, each with its place)."""
    if not isinstance(raw, dict):
        return Literal(raw)
    raw_map = cast("dict[str, Any]", raw)
    sources = [name for name in SOURCES if name in raw_map]
    if not sources:
        strange = [name for name in raw_map if name not in OPERATORS]
        if len(strange) == 1 and isinstance(raw_map[strange[0]], str) and nearest(strange[0], SOURCES):
            problems.append(Problem(where, f"'{strange[0]}' is not a source of a value{nearest(strange[0], SOURCES)}"))
            return None
        return Literal(raw_map)
    before = len(problems)
    if len(sources) > 1:
        problems.append(Problem(where, f"a value has one source, found {' and '.join(sources)}"))
    for name in raw_map:
        if name not in SOURCES and name not in OPERATORS:
            problems.append(Problem(f"{where}.{name}", f"'{name}' is not allowed here{nearest(name, OPERATORS)}"))
    source = sources[0]
    path = raw_map[source]
    if source != "now" and (not isinstance(path, str) or not path):
        problems.append(Problem(f"{where}.{source}", f"expected a name, found {shown(path)}"))
    if "times" in raw_map and not is_number(raw_map["times"]):
        problems.append(Problem(f"{where}.times", f"expected a number, found {shown(raw_map['times'])}"))
    for name in ("plus", "minus"):
        if name in raw_map and _amount(raw_map[name]) is None:
            problems.append(
                Problem(f"{where}.{name}", f"expected a number or a duration such as 30d, found {shown(raw_map[name])}")
            )
    if len(problems) > before:
        return None
    return Reference(source, "" if source == "now" else path, **{n: raw_map[n] for n in OPERATORS if n in raw_map})


def is_number(raw: Any) -> bool:
    """Whether a raw value is a number to reckon with (not true, not infinite, no larger than floats can tell apart)."""
    return isinstance(raw, int | float) and not isinstance(raw, bool) and -LARGEST <= raw <= LARGEST


def _amount(raw: Any) -> float | int | timedelta | None:
    if isinstance(raw, str):
        try:
            return timedelta(milliseconds=parse_duration(raw))
        except ValueError:
            return None
    return raw if is_number(raw) else None


def _add(found: Any, raw: Any, sign: int) -> Any:
    amount = _amount(raw)
    if isinstance(amount, timedelta):
        return _shift(found, amount * sign)
    return found + amount * sign if is_number(found) and amount is not None else None


def _shift(found: Any, by: timedelta) -> Any:
    if is_number(found):
        # Unix time as parse_instant reads it: small numbers are seconds.
        seconds = abs(found) < SECONDS_BELOW
        return found + (int(by.total_seconds()) if seconds else by // timedelta(milliseconds=1))
    if not isinstance(found, str):
        return None
    try:
        if is_date_only(found):
            moved = datetime.combine(date.fromisoformat(found), datetime.min.time()) + by
            return moved.date().isoformat()
        return (datetime.fromisoformat(found) + by).isoformat()
    except (ValueError, OverflowError):
        return None


def _iso(instant: int) -> str:
    return datetime.fromtimestamp(instant / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
