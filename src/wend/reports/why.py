"""Why did, or didn't, this person get this? The answer for any person and journey, as data and as sentences.

Made of the recorded decisions (step), the places where runs rest, the messages, consent, the journey document, and for people
who never entered the log: which trigger was heard, and which never. Wording is in sentences.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wend.core.condition.base import View
from wend.core.inputs import Event
from wend.core.journey.document import Document, parse
from wend.core.journey.triggers import OnEvent, Trigger
from wend.core.profile import Profile
from wend.reports import journeys, people
from wend.reports.rows import rows
from wend.store.codec import decode_input
from wend.store.log import partition_of, partitions
from wend.store.postgres import Connection

_MOST_STEPS = 1000
_MOST_EVENTS = 5000


@dataclass(slots=True)
class Journeyed:
    """One run of the person: its recorded steps in order, and where it rests (None: it is over)."""

    run: str
    version: int
    started: int
    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    place: dict[str, Any] | None = None


@dataclass(slots=True)
class Heard:
    """One trigger of the journey, and whether the log of this person holds it."""

    trigger: str
    times: int
    """How often the event came; -1 where a log look-up cannot tell (score, tag, message triggers)."""
    last: int | None
    matched: int
    """How many of the latest events fulfil the trigger's own condition, judged by what is known today."""
    condition: bool
    """Whether the trigger has a condition of its own."""


@dataclass(slots=True)
class Answer:
    """Everything that speaks to the question. `status`: unknown_person · unknown_journey · inside · finished · refused · never."""

    profile_id: int
    name: str
    journey: str
    status: str
    journey_status: str = ""
    version: int = 0
    runs: list[Journeyed] = field(default_factory=list[Journeyed])
    refusals: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    heard: list[Heard] = field(default_factory=list[Heard])
    entry_condition: bool | None = None
    """Whether the journey's entry condition holds for the person today; None: it has none, or that cannot be told."""
    channels: dict[str, tuple[bool, str]] = field(default_factory=dict[str, tuple[bool, str]])
    """Channel of a send node → (reachable now, why not)."""
    parked: int = 0
    summaries: dict[str, str] = field(default_factory=dict[str, str])
    """Node id → its one-line summary, for the wording."""


async def why(conn: Connection, profile_id: int, journey: str) -> Answer:
    """The answer for `profile_id` (merges are followed) and the journey's id. Never raises for unknown ones: `status` says so."""
    profile_id = await people.survivor(conn, profile_id)
    person = await people.load(conn, profile_id)
    answer = Answer(profile_id, people.title(person), journey, "never")
    known = await journeys.one(conn, journey)
    if known is None:
        answer.status = "unknown_journey"
        return answer
    answer.journey_status, answer.version = known["status"], known["version"]
    document = parse(known["document"] or known["draft"] or {}, [])
    if document:
        answer.summaries = {placed.id: placed.node.summary() for placed in document.nodes.values()}
    if person.profile is None and not person.identifiers:
        answer.status = "unknown_person"
        return answer
    count = await partitions(conn)
    everybody = [(partition_of(one, count), one) for one in [profile_id, *person.absorbed[:20]]]
    for partition, one in everybody:
        await _runs(conn, answer, partition, one)
    answer.runs.sort(key=lambda run: (run.started, run.run))
    answer.parked = await _parked(conn, everybody)
    if any(run.place for run in answer.runs):
        answer.status = "inside"
    elif answer.runs:
        answer.status = "finished"
    elif answer.refusals:
        answer.status = "refused"
    if document is not None:
        await _entry(conn, answer, document, person.profile or Profile(profile_id), everybody)
    return answer


async def _runs(conn: Connection, answer: Answer, partition: int, profile_id: int) -> None:
    """Steps, places and messages of one id of the person."""
    args = (partition, profile_id, answer.journey)
    found = {run.run: run for run in answer.runs}
    steps = await rows(
        conn,
        "select kind, at, version, run, move, node, branch, why, until, detail from step"
        " where partition = %s and profile_id = %s and journey = %s order by at desc, ordinal desc limit %s",
        (*args, _MOST_STEPS),
    )
    for step in reversed(steps):
        if step["kind"] == "refused":
            answer.refusals.append(step)
            continue
        run = found.setdefault(step["run"], Journeyed(step["run"], step["version"], step["at"]))
        run.steps.append(step)
        run.version = step["version"] or run.version
    for place in await rows(
        conn,
        "select run, version, node, started, entered, until from place"
        " where partition = %s and profile_id = %s and journey = %s",
        args,
    ):
        run = found.setdefault(place["run"], Journeyed(place["run"], place["version"], place["started"]))
        run.place, run.started = place, place["started"]
    answer.runs = list(found.values())
    answer.messages += await rows(
        conn,
        "select effect_id, run, node, channel, template, address, status, at, not_before, expires_at, why from outbox"
        " where partition = %s and profile_id = %s and journey = %s order by at limit 200",
        args,
    )


async def _parked(conn: Connection, everybody: list[tuple[int, int]]) -> int:
    total = 0
    for partition, one in everybody:
        query = "select 1 from parked where partition = %s and profile_id = %s"
        total += len(await rows(conn, query, (partition, one)))
    return total


async def _entry(
    conn: Connection, answer: Answer, document: Document, profile: Profile, everybody: list[tuple[int, int]]
) -> None:
    """What the triggers of the journey have to say: only asked of people who are not inside and were not refused."""
    if answer.status != "never":
        return
    now = profile.last
    events = await _events(conn, everybody) if any(isinstance(one, OnEvent) for one in document.triggers) else []
    answer.heard = [_heard(trigger, profile, now, events) for trigger in document.triggers]
    if document.where is not None and not events:
        view = View(profile, now, str(profile.attributes.get("timezone") or "UTC"), properties={}, context={})
        answer.entry_condition = document.where.check(view).value


async def _events(conn: Connection, everybody: list[tuple[int, int]]) -> list[tuple[int, Event]]:
    """The latest events of the person with their log times. Names are compared here: PostgreSQL cannot look into every JSON."""
    found: list[tuple[int, Event]] = []
    for partition, one in everybody:
        for row in await rows(
            conn,
            "select at, payload::text as payload from log where partition = %s and profile_id = %s and kind = 'event'"
            " order by seq desc limit %s",
            (partition, one, _MOST_EVENTS),
        ):
            event = decode_input("event", row["payload"].encode())
            assert isinstance(event, Event)
            found.append((row["at"], event))
    return found


def _heard(trigger: Trigger, profile: Profile, now: int, events: list[tuple[int, Event]]) -> Heard:
    if not isinstance(trigger, OnEvent):
        return Heard(trigger.KIND, -1, None, 0, condition=False)
    zone = str(profile.attributes.get("timezone") or "UTC")
    heard = [(at, event) for at, event in events if trigger.pattern.hears(event.name)]
    return Heard(
        trigger="event " + " or ".join(sorted(trigger.pattern.names)),
        times=len(heard),
        last=max((at for at, _ in heard), default=None),
        matched=sum(
            trigger.pattern.fits(View(profile, now, zone, None, event.properties, event.context)) for _, event in heard
        ),
        condition=trigger.pattern.where is not None,
    )
