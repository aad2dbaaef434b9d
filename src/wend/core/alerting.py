"""Whom an alert goes to, and when a digest is due: the parts `team`, `audiences` and `alert_digest` of the settings.

`team: {anna: anna@example.com, sales: {email: [a@example.com, b@example.com], webhook: sales-chat}}`; a webhook is the id of a service.
`alert_digest: {at: "08:00", weekday: monday}` in the zone of the workspace; `audiences: [buyers, newsletter]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from wend.core.problems import Problem, join, nearest, shown
from wend.core.zone import at_local_time, parse_time, to_local

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ENTRY = ("email", "webhook")
_DIGEST = ("at", "weekday")


@dataclass(frozen=True, slots=True)
class Team:
    """Who is told: by e-mail, and by the service that leads to their chat ('' : none)."""

    name: str
    emails: tuple[str, ...] = ()
    webhook: str = ""


def team_of(settings: Mapping[str, Any], name: str) -> Team | None:
    """The team of that name, or the one behind an address; None: there is neither."""
    if "@" in name:
        return Team(name, (name,))
    raw = cast("dict[str, Any]", settings.get("team") or {}).get(name)
    if raw is None:
        return None
    if isinstance(raw, str):
        return Team(name, (raw,))
    emails: Any = raw.get("email", ())
    return Team(name, (emails,) if isinstance(emails, str) else tuple(emails), raw.get("webhook", ""))


def digest_due(settings: Mapping[str, Any], digest: str, now: int, zone: str) -> int:
    """The instant (ms UTC, after `now`) at which what is collected now is sent: the next day or weekday at the set hour."""
    raw: dict[str, Any] = settings.get("alert_digest") or {}
    time = raw.get("at", "08:00")
    weekday = WEEKDAYS.index(raw.get("weekday", "monday"))
    day = to_local(now, zone).date()
    while True:
        due = at_local_time(day, time, zone)
        if due > now and (digest == "daily" or day.weekday() == weekday):
            return due
        day += timedelta(days=1)


def check_settings(settings: Mapping[str, Any], where: str = "settings") -> Iterator[Problem]:
    """All faults in the part of the settings that is read here."""
    team: Any = settings.get("team")
    if team is not None:
        yield from _check_team(team, join(where, "team"))
    names: Any = settings.get("audiences")
    if names is not None and not (isinstance(names, list) and all(_is_name(one) for one in cast("list[Any]", names))):
        yield Problem(join(where, "audiences"), f"expected a list of names, found {shown(names)}")
    digest: Any = settings.get("alert_digest")
    if digest is not None:
        yield from _check_digest(digest, join(where, "alert_digest"))


def _check_team(team: Any, where: str) -> Iterator[Problem]:
    if not isinstance(team, dict):
        yield Problem(where, f"expected {{anna: anna@example.com}}, found {shown(team)}")
        return
    for name, raw in cast("dict[Any, Any]", team).items():
        here = join(where, name)
        if not _is_name(name) or name == "owner" or "@" in name:
            yield Problem(here, "expected a name; 'owner' and addresses have a meaning of their own")
        if not isinstance(raw, dict):
            yield from _check_emails(raw, here)
            continue
        entry = cast("dict[Any, Any]", raw)
        for part in entry:
            if part not in _ENTRY:
                yield Problem(
                    join(here, part), f"is not part of a team{nearest(part, _ENTRY)} (allowed: email, webhook)"
                )
        if "email" in entry:
            yield from _check_emails(entry["email"], join(here, "email"))
        if not _is_name(entry.get("webhook", "x")):
            yield Problem(join(here, "webhook"), f"expected the id of a service, found {shown(entry['webhook'])}")


def _check_emails(raw: Any, where: str) -> Iterator[Problem]:
    many: list[Any] = cast("list[Any]", raw) if isinstance(raw, list) else [raw]
    for one in many:
        if not isinstance(one, str) or "@" not in one.strip("@"):
            yield Problem(where, f"expected an e-mail address, found {shown(one)}")


def _check_digest(digest: Any, where: str) -> Iterator[Problem]:
    if not isinstance(digest, dict):
        yield Problem(where, f'expected {{at: "08:00", weekday: monday}}, found {shown(digest)}')
        return
    parts = cast("dict[Any, Any]", digest)
    for name in parts:
        if name not in _DIGEST:
            yield Problem(join(where, name), f"is not part of it{nearest(name, _DIGEST)} (allowed: at, weekday)")
    try:
        parse_time(parts.get("at", "08:00"))
    except ValueError as error:
        yield Problem(join(where, "at"), str(error))
    weekday = parts.get("weekday", "monday")
    if weekday not in WEEKDAYS:
        yield Problem(join(where, "weekday"), f"{shown(weekday)} is not a weekday{nearest(weekday, WEEKDAYS)}")


def _is_name(raw: Any) -> bool:
    return isinstance(raw, str) and bool(raw.strip())
