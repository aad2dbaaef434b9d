"""Quiet hours: the nights in a person's own zone in which no message leaves (journeys.md rule 10).

Settings `quiet_hours`: `{channel or "*": {from: "21:00", to: "08:00", hold_at_most: 12h}}`. Inside them a message is held to the
edge, or dropped where that is further away than `hold_at_most`. Local times that a change of the clocks skips or repeats are
read as zone.py does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from wend.core.condition.base import FOREVER
from wend.core.consent import CHANNELS
from wend.core.duration import format_duration, parse_duration
from wend.core.problems import Problem, join, nearest, shown
from wend.core.zone import next_local_time, parse_time, to_local

KEYS = ("from", "to", "hold_at_most")


class Night(NamedTuple):
    """It is quiet until `until`; `at_most`: how long a message may be held for it (ms)."""

    until: int
    at_most: int
    why: str


def night(settings: Mapping[str, Any], channel: str, now: int, zone: str) -> Night | None:
    """The quiet hours of `channel` in which `now` (real time, ms UTC) lies for somebody in `zone`; None: it lies in none."""
    hours = settings.get("quiet_hours")
    quiet = (hours.get(channel) or hours.get("*")) if hours else None
    if not quiet:
        return None
    clock = to_local(now, zone).time()
    begin, end = parse_time(quiet["from"]), parse_time(quiet["to"])
    inside = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not inside:
        return None
    at_most = parse_duration(quiet["hold_at_most"]) if "hold_at_most" in quiet else FOREVER
    until = next_local_time(now, end, zone)
    why = f"quiet hours for {channel} until {quiet['to']} ({zone})"
    if until - now > at_most:
        why = f"{why}, further away than {format_duration(at_most)}"
    return Night(until, at_most, why)


def check_quiet_hours(settings: Mapping[str, Any], where: str) -> Iterator[Problem]:
    """All faults of the setting `quiet_hours`."""
    hours: Any = settings.get("quiet_hours", {})
    where = join(where, "quiet_hours")
    if not isinstance(hours, dict):
        yield Problem(where, f'expected {{sms: {{from: "21:00", to: "08:00"}}}}, found {shown(hours)}')
        return
    for channel, quiet in cast("dict[str, Any]", hours).items():
        here = join(where, channel)
        if channel != "*" and channel not in CHANNELS:
            yield Problem(here, f"'{channel}' is not a channel{nearest(channel, CHANNELS)}")
        names: set[Any] = set(cast("dict[Any, Any]", quiet)) if isinstance(quiet, dict) else set()
        if not {"from", "to"} <= names <= set(KEYS):
            yield Problem(
                here, f'expected {{from: "21:00", to: "08:00"}} (and hold_at_most: 12h), found {shown(quiet)}'
            )
            continue
        yield from _faults(cast("dict[str, Any]", quiet), here)


def _faults(quiet: dict[str, Any], where: str) -> Iterator[Problem]:
    for name, parse in (("from", parse_time), ("to", parse_time), ("hold_at_most", parse_duration)):
        try:
            if name in quiet:
                parse(quiet[name])
        except ValueError as wrong:
            yield Problem(join(where, name), str(wrong))
    if quiet["from"] == quiet["to"]:
        yield Problem(where, "begins and ends at the same time, so nothing could ever be sent")
