"""Permission to send, decided at the moment of sending: Allow, Hold until, or Drop (journeys.md rule 10).

Rule: `CHECKS` run in the order of rule 10 and the first that objects decides. What a check needs is in `Request`.
Control groups and frequency caps have their place between consent and quiet hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from wend.core.condition.base import FOREVER
from wend.core.consent import CHANNELS, address_of, consent_problem, reachable, suppression_of
from wend.core.problems import Problem, join, nearest, shown
from wend.core.profile import Profile
from wend.core.zone import next_local_time, parse_time, to_local, zone_of


@dataclass(frozen=True, slots=True)
class Allow:
    """Send it now."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Ask again at the instant `until` (ms UTC)."""

    until: int
    why: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Never send it."""

    why: str


Decision = Allow | Hold | Drop
ALLOW = Allow()


@dataclass(frozen=True, slots=True)
class Request:
    """A message that wants to go out."""

    profile: Profile
    channel: str
    topic: str
    transactional: bool
    now_real: int
    """Log time + lag (ms UTC): people's nights are real."""
    settings: Mapping[str, Any]
    to: str | None
    expires_at: int
    zone: str


def decide(
    profile: Profile,
    channel: str,
    topic: str,
    transactional: bool,
    now_real: int,
    settings: Mapping[str, Any],
    to: str | None = None,
    expires_at: int = FOREVER,
    zone: str = "UTC",
) -> Decision:
    """May this message go out at `now_real` (log time + lag, ms UTC)?

    `settings`: {"quiet_hours": {channel or "*": {"from": "21:00", "to": "08:00"}}}, as `check_settings` accepts them.
    `zone` counts for people without a valid `timezone`. A hold that would outlast `expires_at` is a Drop.
    """
    request = Request(profile, channel, topic, transactional, now_real, settings, to, expires_at, zone)
    for check in CHECKS:
        decision = check(request)
        if decision is not None:
            return decision
    return ALLOW


def _alive(request: Request) -> Decision | None:
    if request.now_real >= request.expires_at:
        return Drop("its time to live is over")
    return None


def _suppressed(request: Request) -> Decision | None:
    address = address_of(request.profile, request.channel, request.to)
    reason = suppression_of(request.profile, request.channel, address)
    return None if reason is None else Drop(f"suppressed: {reason}")


def _unreachable(request: Request) -> Decision | None:
    yes, why = reachable(request.profile, request.channel, "address", to=request.to)
    return None if yes else Drop(f"unreachable: {why}")


def _without_consent(request: Request) -> Decision | None:
    if request.transactional:
        return None
    why = consent_problem(request.profile, request.channel, request.topic, request.to)
    return Drop(why) if why else None


def _at_night(request: Request) -> Decision | None:
    hours = request.settings.get("quiet_hours")
    quiet = (hours.get(request.channel) or hours.get("*")) if hours else None
    if not quiet:
        return None
    zone = zone_of(request.profile.attributes, request.zone)
    clock = to_local(request.now_real, zone).time()
    begin, end = parse_time(quiet["from"]), parse_time(quiet["to"])
    inside = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not inside:
        return None
    until = next_local_time(request.now_real, end, zone)
    why = f"quiet hours for {request.channel} until {quiet['to']} ({zone})"
    return Drop(f"{why}, which is after its time to live") if until >= request.expires_at else Hold(until, why)


CHECKS: tuple[Callable[[Request], Decision | None], ...] = (
    _alive,
    _suppressed,
    _unreachable,
    _without_consent,
    _at_night,
)


def check_settings(settings: Mapping[str, Any], where: str = "settings") -> Iterator[Problem]:
    """All faults in the part of the settings that is read here (`quiet_hours`)."""
    hours: Any = settings.get("quiet_hours", {})
    where = join(where, "quiet_hours")
    if not isinstance(hours, dict):
        yield Problem(where, f'expected {{sms: {{from: "21:00", to: "08:00"}}}}, found {shown(hours)}')
        return
    for channel, quiet in cast("dict[str, Any]", hours).items():
        here = join(where, channel)
        if channel != "*" and channel not in CHANNELS:
            yield Problem(here, f"'{channel}' is not a channel{nearest(channel, CHANNELS)}")
        if not isinstance(quiet, dict) or set(cast("dict[str, Any]", quiet)) != {"from", "to"}:
            yield Problem(here, f'expected {{from: "21:00", to: "08:00"}}, found {shown(quiet)}')
            continue
        times = cast("dict[str, Any]", quiet)
        for name in ("from", "to"):
            try:
                parse_time(times[name])
            except ValueError as wrong:
                yield Problem(join(here, name), str(wrong))
        if times["from"] == times["to"]:
            yield Problem(here, "begins and ends at the same time, so nothing could ever be sent")
