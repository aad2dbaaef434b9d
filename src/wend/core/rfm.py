"""Classes of buyers: by how lately, how often and for how much they bought (RFM), and by their share of the revenue (A, B, C).

Each of recency, frequency and money gives 1 to 5 points by four thresholds, from the facts `last_order_at`, `orders`, `revenue`:
- recency: 5 points while the latest order is younger than the first threshold, 4 until the second … 1 after the last;
- frequency and money: 1 point, and one more for each threshold that is reached.
The class is read from `TABLE` by recency and by the mean of the other two (halves upwards). Whoever never ordered has no class.
Settings `rfm: {recency: [30d, 90d, 180d, 365d], frequency: [2, 3, 5, 9], money: [50, 100, 250, 1000], abc: [1000, 200]}`; what is
left out is as here. `abc`: the revenue from which on one is in A, and in B. `learned: true`: the thresholds are worked out from the
people themselves each week (insight/rfm.py). All amounts are in the workspace's own currency.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, cast

from wend.core.condition.base import FOREVER
from wend.core.condition.numbers import is_number
from wend.core.duration import parse_duration
from wend.core.problems import Problem, join, nearest, shown
from wend.core.profile import Facts

CLASSES = (
    "champions",
    "loyal",
    "potential_loyalist",
    "new",
    "promising",
    "need_attention",
    "about_to_sleep",
    "at_risk",
    "cannot_lose",
    "hibernating",
    "lost",
)
TABLE = {
    5: ("new", "potential_loyalist", "potential_loyalist", "champions", "champions"),
    4: ("promising", "potential_loyalist", "potential_loyalist", "loyal", "champions"),
    3: ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),
    2: ("hibernating", "hibernating", "at_risk", "at_risk", "at_risk"),
    1: ("lost", "lost", "at_risk", "cannot_lose", "cannot_lose"),
}
"""Points for recency → class by the mean of the points for frequency and money (1 to 5)."""
ABC = ("a", "b", "c")
DEFAULT: dict[str, list[Any]] = {
    "recency": ["30d", "90d", "180d", "365d"],
    "frequency": [2, 3, 5, 9],
    "money": [50, 100, 250, 1000],
    "abc": [1000, 200],
}
KEYS = (*DEFAULT, "learned")
READS = frozenset({"last_order_at", "orders", "revenue"})
"""Facts that classes are made of."""
CHANGED = "rfm"
"""The fact that changes with the thresholds."""


class Points(NamedTuple):
    """1 to 5 for each."""

    r: int
    f: int
    m: int

    @property
    def name(self) -> str:
        """The class."""
        return TABLE[self.r][(self.f + self.m + 1) // 2 - 1]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the settings say. Recency in ms; all ascending, except `abc`: (from here on A, from here on B)."""

    recency: tuple[int, ...]
    frequency: tuple[float, ...]
    money: tuple[float, ...]
    abc: tuple[float, ...]

    def points(self, facts: Facts, now: int) -> Points | None:
        """The points at the instant `now`; None: never ordered."""
        if not facts.last_order_at:
            return None
        return Points(
            5 - bisect_right(self.recency, now - facts.last_order_at),
            1 + bisect_right(self.frequency, facts.orders),
            1 + bisect_right(self.money, facts.revenue),
        )

    def next_change(self, facts: Facts, now: int) -> int:
        """The next instant after `now` at which the points for recency fall; FOREVER: they do not."""
        place = bisect_right(self.recency, now - facts.last_order_at)
        if not facts.last_order_at or place == len(self.recency):
            return FOREVER
        return facts.last_order_at + self.recency[place]

    def share(self, facts: Facts) -> str:
        """'a', 'b' or 'c' by revenue; '': never ordered."""
        if not facts.last_order_at:
            return ""
        return ABC[sum(facts.revenue < least for least in self.abc)]


def thresholds(settings: Mapping[str, Any]) -> Thresholds:
    """The thresholds in force."""
    found: Mapping[str, list[Any]] = settings.get("rfm") or DEFAULT
    return _thresholds(*(tuple(found.get(name, usual)) for name, usual in DEFAULT.items()))


@lru_cache(maxsize=64)
def _thresholds(
    recency: tuple[str, ...], frequency: tuple[float, ...], money: tuple[float, ...], abc: tuple[float, ...]
) -> Thresholds:
    return Thresholds(tuple(map(parse_duration, recency)), frequency, money, abc)


def check(raw: Any, where: str, problems: list[Problem]) -> None:
    """Add the faults of the setting `rfm` to `problems`."""
    if raw is None:
        return
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected {{recency: […], frequency: […], money: […]}}, found {shown(raw)}"))
        return
    found = cast("dict[str, Any]", raw)
    for name, given in found.items():
        here = join(where, name)
        if name not in KEYS:
            problems.append(
                Problem(here, f"'{name}' is not allowed here{nearest(name, KEYS)} (allowed: {', '.join(KEYS)})")
            )
        elif name == "learned":
            if not isinstance(given, bool):
                problems.append(Problem(here, f"expected true or false, found {shown(given)}"))
        else:
            _check_list(name, given, here, problems)


def _check_list(name: str, given: Any, where: str, problems: list[Problem]) -> None:
    count = len(DEFAULT[name])
    what = "durations such as 30d" if name == "recency" else "numbers"
    way = "descending: [from here on A, from here on B]" if name == "abc" else "ascending"
    if not isinstance(given, list) or len(cast("list[Any]", given)) != count:
        problems.append(Problem(where, f"expected {count} {what}, {way}, found {shown(given)}"))
        return
    numbers: list[float] = []
    for at, one in enumerate(cast("list[Any]", given)):
        if name == "recency":
            try:
                numbers.append(parse_duration(one))
            except ValueError as wrong:
                problems.append(Problem(f"{where}[{at}]", str(wrong)))
        elif is_number(one):
            numbers.append(one)
        else:
            problems.append(Problem(f"{where}[{at}]", f"expected a number, found {shown(one)}"))
    if len(numbers) == count and numbers != sorted(numbers, reverse=name == "abc"):
        problems.append(Problem(where, f"expected {what}, {way}, found {shown(given)}"))
