"""What must be remembered of past events so that counted conditions stay exact: small bounded windows in the profile.

A `Leaf` says which events count and what is kept of them. Leaves with the same `id` share one list in `Profile.windows`;
`combine` widens them to what all need, and only the result may be given to `remember`. Bounds (engine.md 16): times ≤ 101,
numbers exact to 200 then folded into ≤ 100 buckets, keys ≤ 200. Event times later than `now` are cut to `now`.
"""

from __future__ import annotations

import json
from base64 import b85encode
from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Literal

from wend.core.amount import amount
from wend.core.attributes import get
from wend.core.condition.base import FOREVER, Condition, View
from wend.core.duration import DAY
from wend.core.zone import parse_instant, zone_of

MAX_TIMES = 101
MAX_NUMBERS = 200
MAX_BUCKETS = 100
MAX_KEYS = 200
_KEY_LENGTH = 24
_text = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode

Keep = Literal["times", "first", "numbers", "distinct", "keys"]
"""times: the k latest instants · first: the earliest instant · numbers: [at, value] (without a property the instant alone), folded into
[at, n, sum, min, max] ·
distinct: [latest at, key] of the k latest keys · keys: [at, key], the k latest of each key."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Which events count and what is kept of them. `window`: ms back from now (FOREVER: all); `k`: how many are needed."""

    events: frozenset[str]
    """Names; '*' is any."""
    where: Condition | None = None
    """On the event alone (property, context), so that history gives the same answer later."""
    keep: Keep = "times"
    property: str = ""
    """For numbers: what is summed ('' counts 1 each); for keys: what tells them apart."""
    window: int = FOREVER
    k: int = MAX_TIMES
    since: str = ""
    until: str = ""
    """Fixed dates [since, until) as the document has them; read in the person's zone."""
    id: str = field(init=False)

    def __post_init__(self) -> None:
        where = None if self.where is None else self.where.dump()
        what = [sorted(self.events), where, self.keep, self.property, self.since, self.until]
        text = json.dumps(what, sort_keys=True, separators=(",", ":"))
        # Seven letters: every person keeps some of these names.
        object.__setattr__(self, "id", b85encode(blake2b(text.encode(), digest_size=5).digest()).decode())


def combine(leaves: Iterable[Leaf]) -> dict[str, Leaf]:
    """One leaf for each id, which keeps what all of that id need."""
    combined: dict[str, Leaf] = {}
    for leaf in leaves:
        known = combined.get(leaf.id)
        if known is not None:
            leaf = replace(known, window=max(known.window, leaf.window), k=max(known.k, leaf.k))
        combined[leaf.id] = leaf
    return combined


def remember(windows: dict[str, list[Any]], leaf: Leaf, at: int, view: View) -> bool:
    """Keep the event at hand for `leaf` if it counts; whether what is kept changed.

    The caller has matched the event's name. `view` holds its properties and context, the person, and `now`; `at` is the
    event's own time.
    """
    now = view.now
    at = min(at, now)
    if leaf.window < FOREVER and at <= now - leaf.window:
        return False
    if leaf.where is not None and not leaf.where.check(view).value:
        return False
    if (leaf.since or leaf.until) and not _between_dates(leaf, at, view):
        return False
    if leaf.keep in ("times", "first") or (leaf.keep == "numbers" and not leaf.property):
        entry: Any = at
    else:
        entry = _entry(leaf, at, view)
        if entry is None:
            return False
    kept = windows.get(leaf.id)
    if kept is None:
        windows[leaf.id] = kept = []
    return _insert(leaf, kept, entry, now)


def read(view: View, path: str) -> Any:
    """The property of the event at hand at a dotted path; 'context.…' reads its context."""
    found = get(view.properties, path)
    if found is None and path.startswith("context."):
        return get(view.context, path[8:])
    return found


def unite(leaf: Leaf, mine: list[Any], theirs: list[Any], now: int) -> list[Any]:
    """What two people who turned out to be one have kept for `leaf`, as one bounded list (a new one)."""
    united = [entry if isinstance(entry, int) else list(entry) for entry in mine]
    for entry in theirs:
        _insert(leaf, united, entry if isinstance(entry, int) else list(entry), now)
    return united


def prune(windows: dict[str, list[Any]], leaves: Mapping[str, Leaf], now: int) -> None:
    """Let go of what no published condition reads, and of what has left its window."""
    for id in [id for id in windows if id not in leaves]:
        del windows[id]
    for id, kept in list(windows.items()):
        _evict(leaves[id], kept, now)
        if not kept:
            del windows[id]


def is_folded(kept: Iterable[Any]) -> bool:
    """Whether sums over this list are approximate at the window's edge (more than 200 values; shown to people as such)."""
    return any(isinstance(entry, list) and len(entry) == 5 for entry in kept)  # pyright: ignore[reportUnknownArgumentType]


def _between_dates(leaf: Leaf, at: int, view: View) -> bool:
    zone = zone_of(view.profile.attributes, view.zone)
    since = parse_instant(leaf.since, zone)
    until = parse_instant(leaf.until, zone)
    return (since is None or at >= since) and (until is None or at < until)


def _entry(leaf: Leaf, at: int, view: View) -> list[Any] | None:
    """[at, value]; None when the event lacks the property."""
    found = read(view, leaf.property)
    value = amount(found) if leaf.keep == "numbers" else key_text(found)
    return None if value is None else [at, value]


def key_text(value: Any) -> str | None:
    """What tells two values apart, short. 1 and 1.0 are one key, 1 and "1" are two."""
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = _text(value)
    return text if len(text) <= _KEY_LENGTH else blake2b(text.encode(), digest_size=9).hexdigest()


def _at(entry: Any) -> int:
    return entry[0]


def _evict(leaf: Leaf, kept: list[Any], now: int) -> None:
    if leaf.window < FOREVER and kept:
        key = None if isinstance(kept[0], int) else _at
        oldest: int = kept[0] if key is None else _at(kept[0])
        if oldest <= now - leaf.window:
            del kept[: bisect_right(kept, now - leaf.window, key=key)]


def _insert(leaf: Leaf, kept: list[Any], entry: Any, now: int) -> bool:
    """Put the entry at its place in time and keep the bounds; whether anything changed."""
    _evict(leaf, kept, now)
    match leaf.keep:
        case "first":
            if kept and kept[0] <= entry:
                return False
            kept[:] = [entry]
        case "times":
            if len(kept) >= leaf.k and entry <= kept[0]:
                return False
            insort(kept, entry)
            del kept[: -leaf.k]
        case "numbers":
            if not leaf.property:
                entry = _counted(kept, entry)
            insort(kept, entry, key=None if isinstance(entry, int) else _at)
            _fold(kept, leaf.window // 64 if leaf.window < FOREVER else DAY)
        case "distinct":
            old = next((other for other in kept if other[1] == entry[1]), None)
            if old is not None:
                if old[0] >= entry[0]:
                    return False
                kept.remove(old)
            insort(kept, entry, key=_at)
            del kept[: -leaf.k]
        case _:  # keys
            insort(kept, entry, key=_at)
            same = [index for index, other in enumerate(kept) if other[1] == entry[1]]
            if len(same) > leaf.k:
                del kept[same[0]]
            del kept[:-MAX_KEYS]
    return True


def _counted(kept: list[Any], entry: Any) -> Any:
    """The entry of a count as `kept` takes it: the bare instant, but [at, 1] like any value where something is folded or is to be."""
    if isinstance(entry, int) and len(kept) < MAX_NUMBERS and (not kept or isinstance(kept[0], int)):
        return entry
    kept[:] = map(valued, kept)
    return valued(entry)


def valued(entry: Any) -> Any:
    """A bare instant as an entry with a value; others as they are."""
    return [entry, 1] if isinstance(entry, int) else entry


def _fold(kept: list[Any], width: int) -> None:
    """Beyond 200 single values the oldest become buckets: exact in sum, a little late in leaving the window."""
    if len(kept) <= MAX_NUMBERS:
        return
    singles = [index for index, entry in enumerate(kept) if len(entry) == 2]
    for index in reversed(singles[:-MAX_NUMBERS]):
        at, value = kept[index]
        kept[index] = [at, 1, value, value, value]
    index = 1
    while index < len(kept):
        older, newer = kept[index - 1], kept[index]
        if len(older) == 5 == len(newer) and older[0] // max(width, 1) == newer[0] // max(width, 1):
            kept[index - 1 : index + 1] = [_joined(older, newer)]
        else:
            index += 1
    while sum(len(entry) == 5 for entry in kept) > MAX_BUCKETS:
        first, second, *_ = [index for index, entry in enumerate(kept) if len(entry) == 5]
        kept[second] = _joined(kept[first], kept[second])
        del kept[first]


def _joined(older: list[Any], newer: list[Any]) -> list[Any]:
    """One bucket of two; it leaves the window with its newest value."""
    return [
        newer[0],
        older[1] + newer[1],
        older[2] + newer[2],
        min(older[3], newer[3]),
        max(older[4], newer[4]),
    ]
