"""Frequency caps: at most so many messages in a rolling window, by channel, topic, template, journey or overall (journeys.md rule 10).

Settings `caps`: a list of rules such as `{limit: 3, within: 7d}`, `{limit: 1, within: 1d, channel: sms}`,
`{limit: 1, within: 30d, same: template}` (never the same template twice in 30 days). All of them must have room.
- Windows are (now − within, now] by the real clock (log time + lag).
- Transactional messages neither count nor are capped, unless a rule says `transactional: true`.
- Without room a message is dropped, or with `otherwise: hold` held until there is room.
- Messages of more important journeys that are held (quiet hours) have their places kept.
What was counted lies in `Profile.caps`, at most `limit` instants for each rule, for `same` at most 50 values each.
"""

from __future__ import annotations

import json
from bisect import bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple, cast

from wend.core.consent import CHANNELS
from wend.core.duration import format_duration, parse_duration
from wend.core.problems import Problem, join, nearest, shown

SAME = ("channel", "topic", "template", "journey")
KEYS = ("limit", "within", *SAME, "same", "transactional", "otherwise")
MAX_CAPS = 20
MAX_LIMIT = 50
MAX_WITHIN = 366 * 86_400_000
MAX_VALUES = 50


class Message(NamedTuple):
    """What caps look at."""

    channel: str
    topic: str
    template: str
    journey: str
    transactional: bool


@dataclass(frozen=True, slots=True)
class Cap:
    """One rule. '' of a filter is any; `same` counts each value of that field for itself."""

    limit: int
    within: int
    channel: str = ""
    topic: str = ""
    template: str = ""
    journey: str = ""
    same: str = ""
    transactional: bool = False
    holds: bool = False
    id: str = field(init=False)
    """What its counts are kept under: a rule keeps them when only its limit changes."""

    def __post_init__(self) -> None:
        what = [self.within, self.channel, self.topic, self.template, self.journey, self.same, self.transactional]
        object.__setattr__(self, "id", blake2b(json.dumps(what).encode(), digest_size=3).hexdigest())

    def counts(self, message: Message) -> bool:
        """Whether the rule is about this message."""
        if message.transactional and not self.transactional:
            return False
        return all(getattr(self, name) in ("", getattr(message, name)) for name in SAME)

    def key(self, message: Message) -> str:
        """What the message is counted under."""
        return f"{self.id}:{getattr(message, self.same)}" if self.same else self.id

    def describe(self) -> str:
        """The rule in words."""
        what = " ".join(f"{name} {getattr(self, name)}" for name in SAME if getattr(self, name))
        same = f"the same {self.same}" if self.same else what or "any message"
        also = f" ({what})" if self.same and what else ""
        return f"at most {self.limit} of {same}{also} within {format_duration(self.within)}"


class Full(NamedTuple):
    """A rule without room; `until`: the earliest instant at which there may be room, or None: it never holds."""

    why: str
    until: int | None


def full(
    caps: Sequence[Cap],
    kept: dict[str, list[int]],
    message: Message,
    now: int,
    rivals: Sequence[Message] = (),
) -> Full | None:
    """The first rule that has no room for the message at `now` (real time, ms); None when all have. `kept`: `Profile.caps`.

    `rivals`: held messages of more important journeys, whose places are kept.
    """
    for cap in caps:
        if not cap.counts(message):
            continue
        key = cap.key(message)
        times = kept.get(key, ())
        used = times[bisect_right(times, now - cap.within) :] if times else ()
        waiting = sum(cap.counts(rival) and cap.key(rival) == key for rival in rivals)
        if len(used) + waiting < cap.limit:
            continue
        reserved = f", {waiting} kept for more important journeys" if waiting else ""
        why = f"frequency cap: {cap.describe()} ({len(used)} sent{reserved})"
        # With places kept, room comes when the others have gone out: asked again with the oldest that leaves the window.
        return Full(why, used[0] + cap.within if cap.holds and used else None)
    return None


def count(caps: Sequence[Cap], kept: dict[str, list[int]], message: Message, at: int) -> None:
    """The message goes out at `at`."""
    for cap in caps:
        if not cap.counts(message):
            continue
        key = cap.key(message)
        times = kept.setdefault(key, [])
        del times[: bisect_right(times, at - cap.within)]
        insort(times, at)
        del times[: -cap.limit]
        if cap.same:
            _forget(cap, kept, at)


def give_back(caps: Sequence[Cap], kept: dict[str, list[int]], message: Message, at: int) -> None:
    """The message that was counted at `at` has not gone out after all."""
    for cap in caps:
        times = kept.get(cap.key(message), []) if cap.counts(message) else []
        if at in times:
            times.remove(at)
            if not times:
                del kept[cap.key(message)]


def keep_only(caps: Sequence[Cap], kept: dict[str, list[int]]) -> None:
    """Let go of what no rule reads any more."""
    known = {cap.id for cap in caps}
    for key in [key for key in kept if key[:6] not in known]:
        del kept[key]


def _forget(cap: Cap, kept: dict[str, list[int]], now: int) -> None:
    """Values whose messages have all left the window, and of too many those that were written to longest ago."""
    mine = [key for key in kept if key.startswith(f"{cap.id}:")]
    for key in [key for key in mine if kept[key][-1] <= now - cap.within]:
        del kept[key]
        mine.remove(key)
    for key in sorted(mine, key=lambda one: kept[one][-1])[:-MAX_VALUES]:
        del kept[key]


def parse_caps(raw: Any, where: str, problems: list[Problem]) -> tuple[Cap, ...]:
    """The rules of the setting `caps`; faults are added to `problems`, all of them."""
    if raw is None:
        return ()
    if not isinstance(raw, list):
        problems.append(Problem(where, f"expected a list such as [{{limit: 3, within: 7d}}], found {shown(raw)}"))
        return ()
    rules = cast("list[Any]", raw)
    if len(rules) > MAX_CAPS:
        problems.append(Problem(where, f"{len(rules)} rules; {MAX_CAPS} are allowed"))
    found = [_parse(one, f"{where}[{at}]", problems) for at, one in enumerate(rules)]
    caps = tuple(cap for cap in found if cap is not None)
    for at, cap in enumerate(caps):
        if any(cap.id == other.id for other in caps[:at]):
            problems.append(Problem(where, f"there are two rules for the same thing: {cap.describe()}"))
    return caps


def _parse(raw: Any, where: str, problems: list[Problem]) -> Cap | None:
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected a rule such as {{limit: 3, within: 7d}}, found {shown(raw)}"))
        return None
    rule = cast("dict[str, Any]", raw)
    before = len(problems)
    problems += _faults(rule, where)
    if len(problems) > before:
        return None
    return Cap(
        limit=rule["limit"],
        within=parse_duration(rule["within"]),
        **{name: rule.get(name, "") for name in (*SAME, "same")},
        transactional=rule.get("transactional", False),
        holds=rule.get("otherwise") == "hold",
    )


def _faults(rule: dict[str, Any], where: str) -> Iterator[Problem]:
    for name in rule:
        if name not in KEYS:
            allowed = ", ".join(KEYS)
            yield Problem(
                join(where, str(name)), f"is not part of a cap{nearest(str(name), KEYS)} (allowed: {allowed})"
            )
    limit: Any = rule.get("limit")
    if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        yield Problem(
            join(where, "limit"), f"expected a number of messages from 1 to {MAX_LIMIT}, found {shown(limit)}"
        )
    try:
        within = parse_duration(rule.get("within"))
        if not 0 < within <= MAX_WITHIN:
            yield Problem(join(where, "within"), f"expected up to 366d, found {shown(rule['within'])}")
    except ValueError as wrong:
        yield Problem(join(where, "within"), str(wrong))
    for name in SAME:
        value = rule.get(name, "x")
        if not isinstance(value, str) or not value:
            yield Problem(join(where, name), f"expected a name, found {shown(value)}")
        elif name == "channel" and name in rule and value not in CHANNELS:
            yield Problem(join(where, name), f"'{value}' is not a channel{nearest(value, CHANNELS)}")
    choices: tuple[tuple[str, tuple[Any, ...]], ...] = (
        ("same", SAME),
        ("transactional", (True, False)),
        ("otherwise", ("drop", "hold")),
    )
    for name, allowed in choices:
        if name in rule and not any(type(rule[name]) is type(one) and rule[name] == one for one in allowed):
            yield Problem(join(where, name), f"expected {' or '.join(map(str, allowed))}, found {shown(rule[name])}")
