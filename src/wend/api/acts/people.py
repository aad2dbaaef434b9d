"""What may be asked for a person: erasing, recording consent, starting a journey, and handing out all that is known."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from wend.api.acts.audit import audit
from wend.core.inputs import Consent, Erase, Start
from wend.reports import people
from wend.reports.rows import rows
from wend.reports.timeline import START, timeline
from wend.store.clock import now_ms
from wend.store.codec import encode_input
from wend.store.log import NewInput, append, partition_of, partitions
from wend.store.postgres import Connection

_PAGE = 1000


async def erase(conn: Connection, profile_id: int, *, who: str) -> int:
    """Append the erasure of a person (engine.md 15); returns its log time. The audit row names no data of theirs."""
    now = await now_ms(conn)
    at = await append(conn, [NewInput(profile_id, Erase.KIND, encode_input(Erase(at=now)))])
    await audit(conn, who, f"person {profile_id} to be erased")
    return at


async def consent(conn: Connection, profile_id: int, wanted: dict[str, Any], *, who: str) -> int:
    """Append a consent: `wanted` holds state, channel, topic, source, text and ip. Returns its log time."""
    record = Consent(at=await now_ms(conn), **wanted)
    at = await append(conn, [NewInput(profile_id, Consent.KIND, encode_input(record))])
    await audit(
        conn,
        who,
        f"consent of {profile_id} recorded",
        {"channel": record.channel, "topic": record.topic, "state": record.state},
    )
    return at


async def start(conn: Connection, profile_id: int, journey: str, data: dict[str, Any], *, who: str) -> int:
    """Append a start of `journey` by call (trigger `api`). Returns its log time; whether it started, `why` tells."""
    record = Start(journey=journey, at=await now_ms(conn), data=data)
    at = await append(conn, [NewInput(profile_id, Start.KIND, encode_input(record))])
    await audit(conn, who, f"journey {journey} started for {profile_id}")
    return at


async def export(conn: Connection, profile_id: int, *, who: str) -> dict[str, Any]:
    """All that is stored about a person as plain data: profile, identifiers, whole timeline, consent proofs, messages' texts."""
    person = await people.load(conn, profile_id)
    everybody = [profile_id, *person.absorbed]
    count = await partitions(conn)
    where = [partition_of(one, count) for one in everybody]
    entries: list[dict[str, Any]] = []
    before = START
    while page := await timeline(conn, profile_id, before=before, limit=_PAGE):
        entries += [{"at": one.at, "source": one.source, "kind": one.kind, "detail": one.detail} for one in page]
        before = page[-1].position
    proofs = await rows(
        conn,
        "select at, channel, topic, state, source, text, ip from consent_log"
        " where partition = any(%s) and profile_id = any(%s) order by at, ordinal",
        (where, everybody),
    )
    texts = await rows(
        conn,
        "select i.at, i.channel, i.recipient, i.subject, i.body_text from outbox o join inbox i on i.effect_id = o.effect_id"
        " where o.partition = any(%s) and o.profile_id = any(%s) order by i.at",
        (where, everybody),
    )
    await audit(conn, who, f"person {profile_id} exported")
    return {
        "id": str(profile_id),
        "identifiers": person.identifiers,
        "merged": [str(one) for one in person.absorbed],
        "profile": None if person.profile is None else asdict(person.profile) | {"id": str(profile_id)},
        "consent_proofs": proofs,
        "messages": texts,
        "timeline": entries,
    }
