"""Permission to send, decided at the moment of sending: Allow, Hold until, or Drop (journeys.md rule 10).

Rule: `CHECKS` run in the order of rule 10 and the first that objects decides. What a check needs is in `Request`. When a message
leaves, `LEAVING` are asked once more: what was decided for good (control groups, caps) is not decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from wend.core.caps import Cap, Message, full, parse_caps
from wend.core.condition.base import FOREVER
from wend.core.consent import address_of, consent_problem, reachable, suppression_of
from wend.core.problems import Problem, join, nearest, shown
from wend.core.profile import Profile
from wend.core.quiet import check_quiet_hours, night
from wend.core.sample import bucket, parse_share
from wend.core.zone import zone_of


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
    to: str | None = None
    """Attribute that holds another contact."""
    expires_at: int = FOREVER
    """A hold that would outlast it is a Drop."""
    zone: str = "UTC"
    """For people without a valid `timezone`."""
    journey: str = ""
    template: str = ""
    control: int = 0
    """So many of 1,000,000 buckets are the journey's control group."""
    caps: Sequence[Cap] = ()
    rivals: Sequence[Message] = field(default=())
    """Held messages of more important journeys of this person."""
    test: bool = False
    """A test person: neither nights nor caps hold them, and they are in no control group."""

    @property
    def message(self) -> Message:
        """As caps see it."""
        return Message(self.channel, self.topic, self.template, self.journey, self.transactional)


Check = Callable[[Request], Decision | None]


def is_test_person(profile: Profile, settings: Mapping[str, Any]) -> bool:
    """Whether this is one who tries journeys out (settings `test`: journey/waiting.py)."""
    test = settings.get("test")
    return test is not None and test["tag"] in profile.tags


def decide(request: Request, checks: Sequence[Check] = ()) -> Decision:
    """May this message go out at `now_real`? `checks`: CHECKS when it is decided, LEAVING when it leaves."""
    for check in checks or CHECKS:
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


def _in_control_group(request: Request) -> Decision | None:
    """Control groups show what happens without messages; what somebody must get (transactional) is no experiment."""
    if request.transactional or request.test:
        return None
    group = request.settings.get("control_group")
    if group:
        share = parse_share(group["share"]) or 0
        if bucket(f"control:{group.get('salt', '')}", request.profile.id) < share:
            return Drop("control group: everywhere")
    if request.control and bucket(f"control of {request.journey}:", request.profile.id) < request.control:
        return Drop(f"control group: of journey {request.journey}")
    return None


def _capped(request: Request) -> Decision | None:
    if not request.caps or request.test:
        return None
    found = full(request.caps, request.profile.caps, request.message, request.now_real, request.rivals)
    if found is None:
        return None
    if found.until is None or found.until <= request.now_real:
        return Drop(found.why)
    return _hold(request, found.until, found.why)


def _at_night(request: Request) -> Decision | None:
    if request.test:
        return None
    found = night(
        request.settings, request.channel, request.now_real, zone_of(request.profile.attributes, request.zone)
    )
    if found is None:
        return None
    if found.until - request.now_real > found.at_most:
        return Drop(found.why)
    return _hold(request, found.until, found.why)


def _hold(request: Request, until: int, why: str) -> Decision:
    return Drop(f"{why}, which is after its time to live") if until >= request.expires_at else Hold(until, why)


CHECKS: tuple[Check, ...] = (
    _alive,
    _suppressed,
    _unreachable,
    _without_consent,
    _in_control_group,
    _capped,
    _at_night,
)
LEAVING: tuple[Check, ...] = (_alive, _suppressed, _unreachable, _without_consent, _at_night)


def check_settings(settings: Mapping[str, Any], where: str = "settings") -> Iterator[Problem]:
    """All faults in the part of the settings that is read here (`quiet_hours`, `caps`, `control_group`)."""
    yield from check_quiet_hours(settings, where)
    problems: list[Problem] = []
    parse_caps(settings.get("caps"), join(where, "caps"), problems)
    yield from problems
    group: Any = settings.get("control_group")
    here = join(where, "control_group")
    if group is None:
        return
    if not isinstance(group, dict):
        yield Problem(here, f"expected {{share: 5%}}, found {shown(group)}")
        return
    parts = cast("dict[str, Any]", group)
    for name in parts:
        if name not in ("share", "salt"):
            yield Problem(join(here, name), f"is not part of a control group{nearest(name, ('share', 'salt'))}")
    if parse_share(parts.get("share")) is None:
        yield Problem(join(here, "share"), f"expected a part such as 5%, found {shown(parts.get('share'))}")
    if not isinstance(parts.get("salt", ""), str):
        yield Problem(join(here, "salt"), f"expected a text, found {shown(parts['salt'])}")
