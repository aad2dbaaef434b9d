"""`alert`, carried out in two steps: it is noted, once for each way and address (here `note`), then what is due is sent (`Alerts`).

Rules: in-product alerts are there at once. E-mails and chat messages go out alone, or collected to one message per address and day
or week. A row is marked as being sent before the first byte; if its sender dies then, it is `uncertain` and not sent again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from wend.channels.contract import Accepted, Later, Message, Provider, Refused, Unknown
from wend.content.liquid import LiquidProblem, Text
from wend.core.alerting import Team, digest_due, team_of
from wend.core.profile import Profile
from wend.delivery.asks import http
from wend.delivery.asks.done import Done
from wend.delivery.asks.http import Caller
from wend.delivery.asks.services import Services
from wend.delivery.outbox import Row
from wend.delivery.pace import back_off
from wend.store.codec import encode_json
from wend.store.postgres import Connection, Pool, fetch_all, sql

AT_ONCE = 500
TRIES = 10
LEASE = 120_000
_TIMEOUT = 20_000
_LONGEST = 2_000
_MANY = 100
"""Alerts that one digest spells out; of more it says how many there are."""


async def note(
    conn: Connection, row: Row, profile: Profile, values: Mapping[str, Any], law: Mapping[str, Any], zone: str, now: int
) -> Done:
    """Write down whom `row` tells what, in the caller's transaction."""
    request: dict[str, Any] = row.data["request"]
    try:
        text = Text(request["text"]).render(values).strip()[:_LONGEST].replace("\0", "")
    except LiquidProblem as problem:
        return Done("failed", f"the text cannot be made: {problem}", listens=False)
    to = str(request["to"])
    team, why = _whom(to, profile, law)
    due = now if not request["digest"] else digest_due(law, request["digest"], now, zone)
    lines = [line for channel in request["channels"] for line in _lines(channel, to, team, why, due)]
    channels, targets, states, times, whys = ([line[at] for line in lines] for at in range(5))
    args = {
        "effect": row.effect_id,
        "at": row.at,
        "digest": request["digest"] or "",
        "text": text,
        "profile": profile.id,
        "journey": row.journey,
        "node": row.node,
        "channels": channels,
        "targets": targets,
        "states": states,
        "times": times,
        "whys": whys,
    }
    await conn.execute(sql("alert_note"), args)
    failed = [line[4] for line in lines if line[2] == "failed"]
    return Done("failed" if len(failed) == len(lines) else "ok", "; ".join(failed), listens=False)


def _whom(to: str, profile: Profile, law: Mapping[str, Any]) -> tuple[Team | None, str]:
    """Who is told, or why nobody is."""
    if to != "owner":
        return team_of(law, to), f"there is no team '{to}' in the settings"
    owner: Any = profile.attributes.get("owner")
    if not isinstance(owner, str) or not owner.strip():
        return None, "the person has no owner"
    return team_of(
        law, owner.strip()
    ), f"the person's owner '{owner[:60]}' is neither an address nor a team of the settings"


def _lines(channel: str, to: str, team: Team | None, why: str, due: int) -> list[tuple[str, str, str, int, str]]:
    """(channel, target, status, due, why) of each address of one way."""
    if channel == "in_product":
        return [(channel, team.name if team else to, "shown", 0, "")]
    if team is None:
        return [(channel, to, "failed", 0, why)]
    targets = team.emails if channel == "email" else tuple(filter(None, (team.webhook,)))
    if not targets:
        return [
            (channel, team.name, "failed", 0, f"{team.name} has no {'address' if channel == 'email' else 'webhook'}")
        ]
    return [(channel, target, "queued", due, "") for target in targets]


@dataclass(frozen=True, slots=True)
class Due:
    """One alert that is due."""

    id: int
    effect_id: str
    at: int
    channel: str
    target: str
    digest: str
    text: str
    profile_id: int
    journey: str
    node: str
    tries: int
    due_at: int


class Alerts:
    """Sends what is due. `email`: the provider of the channel e-mail; `base`: the public address of Wend."""

    def __init__(
        self, pool: Pool, caller: Caller, services: Services, email: Provider | None, sender: str, base: str
    ) -> None:
        self._pool = pool
        self._caller = caller
        self._services = services
        self._email = email
        self._sender = sender
        self._base = base

    async def send_due(self, now: int) -> int:
        """Send everything that is due at `now` (ms UTC); how many alerts that were."""
        async with self._pool.connection() as conn:
            await conn.execute(sql("alert_died"), {"now": now})
            args = {"now": now, "lease": now + LEASE, "limit": AT_ONCE}
            due = [Due(*row) for row in await fetch_all(conn, sql("alert_claim"), args)]
        alone = [[one] for one in due if not one.digest]
        collected = sorted((one for one in due if one.digest), key=_together)
        for group in [*alone, *(list(some) for _, some in groupby(collected, key=_together))]:
            status, why, again = await self._send(group, now)
            settled = {
                "status": status,
                "why": why[:1000],
                "due_at": again,
                "now": now,
                "ids": [one.id for one in group],
            }
            async with self._pool.connection() as conn:
                await conn.execute(sql("alert_settle"), settled)
        return len(due)

    async def _send(self, group: Sequence[Due], now: int) -> tuple[str, str, int]:
        """(status, why, when again) of alerts that go out as one message."""
        first = group[0]
        status, why = await (self._mail(group, now) if first.channel == "email" else self._post(group))
        if status != "queued":
            return status, why, 0
        if first.tries >= TRIES:
            return "failed", f"{why} (attempt {first.tries})", 0
        return "queued", why, now + back_off(first.tries, first.effect_id)

    async def _mail(self, group: Sequence[Due], now: int) -> tuple[str, str]:
        first = group[0]
        if self._email is None:
            return "queued", "no provider is set up for email"
        subject = " ".join(first.text.split())[:120] if len(group) == 1 else f"{len(group)} alerts"
        message = Message(
            effect_id=f"alert.{first.id}",
            channel="email",
            to=first.target,
            at=now,
            subject=subject,
            text=self._text(group),
            sender=self._sender,
        )
        (outcome,) = await self._email.send([message])
        match outcome:
            case Accepted():
                return "sent", ""
            case Refused(why):
                return "failed", why
            case Later(why):
                return "queued", why
            case Unknown(why):
                return ("queued" if self._email.idempotent else "uncertain"), why

    async def _post(self, group: Sequence[Due]) -> tuple[str, str]:
        name = group[0].target
        async with self._pool.connection() as conn:
            service = (await self._services.get(conn)).get(name)
        if service is None:
            return "failed", f"there is no service '{name}'"
        # Chat servers take < > & for markup of their own ("<!channel>").
        text = self._text(group).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        body = encode_json({"text": text})
        headers = {"Content-Type": "application/json"}
        try:
            reply = await self._caller.call(service, "POST", "", headers, body, _TIMEOUT)
        except http.Refused as problem:
            return "failed", service.hidden(str(problem))
        except http.NotSent as problem:
            return "queued", service.hidden(str(problem))
        except http.Lost as problem:
            return "uncertain", service.hidden(str(problem))
        if reply.status == 429 or reply.status >= 500:
            return "queued", f"{name} answered {reply.status}"
        return ("sent", "") if 200 <= reply.status < 300 else ("failed", f"{name} answered {reply.status}")

    def _text(self, group: Sequence[Due]) -> str:
        if len(group) == 1 and not group[0].digest:
            return f"{group[0].text}\n\n{self._about(group[0])}"
        lines = [
            f"- {datetime.fromtimestamp(one.at / 1000, UTC):%Y-%m-%d %H:%M} UTC: {one.text} ({self._about(one)})"
            for one in group[:_MANY]
        ]
        if len(group) > _MANY:
            lines.append(f"- and {len(group) - _MANY} more")
        return "\n".join(lines)

    def _about(self, one: Due) -> str:
        return f"{self._base}/people/{one.profile_id}, journey {one.journey}"


def _together(one: Due) -> tuple[str, str, str, int]:
    return one.channel, one.target, one.digest, one.due_at
