"""Why did, or didn't, this person get this? The answer for any person and journey, as data and as sentences.

Made of the recorded decisions (step), the places where runs rest, the messages, consent, the journey document, and for people
who never entered the log told again (retelling.py): which trigger was heard and what was not fulfilled then. Wording is in sentences.py.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from wend.core.condition.base import View
from wend.core.journey.document import Document, parse
from wend.core.journey.triggers.schedule import Scheduled
from wend.core.profile import Profile
from wend.reports import journeys, people
from wend.reports.explain import explain
from wend.reports.retelling import Note, Plans, retell
from wend.reports.rows import first, rows
from wend.reports.waited_for import described, standing, told_in_chunks
from wend.store.log import partition_of, partitions
from wend.store.postgres import Connection

_MOST_STEPS = 1000
_MOST_NOTES = 5


@dataclass(slots=True)
class Journeyed:
    """One run of the person: its recorded steps in order, and where it rests (None: it is over)."""

    run: str
    version: int
    started: int
    steps: list[dict[str, Any]] = field(default_factory=list)
    place: dict[str, Any] | None = None
    branches: list[dict[str, Any]] = field(default_factory=list)
    """Where its branches rest, while it goes several ways at once."""


@dataclass(slots=True)
class Heard:
    """One trigger of the journey, and what came of it for this person. `trigger`: what it waits for, in words."""

    trigger: str
    notes: list[Note]
    """The latest times it heard that, with what was not fulfilled at that moment."""
    times: int
    """How often it heard that, as far as the log was looked through."""
    today: str = ""
    """How the person stands to it today."""
    in_chunks: bool = False
    """It goes to everybody at once: of whom it did not concern nothing is kept."""
    due: int | None = None
    """When its schedule comes next."""


@dataclass(slots=True)
class Answer:
    """Everything that speaks to the question. `status`: unknown_person · unknown_journey · inside · finished · refused · never."""

    profile_id: int
    name: str
    journey: str
    status: str
    journey_status: str = ""
    version: int = 0
    runs: list[Journeyed] = field(default_factory=list)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    since: int | None = None
    """The log was looked through from here on; None: as far as it goes back."""
    published: int | None = None
    """When the journey was published first."""
    entry: list[str] = field(default_factory=list)
    """Parts of the journey's entry condition that do not hold for the person today."""
    channels: dict[str, tuple[bool, str]] = field(default_factory=dict)
    """Channel of a send node → (reachable now, why not)."""
    parked: int = 0
    summaries: dict[str, str] = field(default_factory=dict)
    """Node id → its one-line summary, for the wording."""


async def why(conn: Connection, profile_id: int, journey: str, plans: Plans) -> Answer:
    """The answer for `profile_id` (merges are followed) and the journey's id. Never raises for unknown ones: `status` says so.

    `plans`: a PlanBook of the engine; asked only for people who never entered.
    """
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
        await _entry(conn, answer, document, person.profile or Profile(profile_id), everybody, plans)
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
        whole = step["run"].partition(".")[0]  # a branch belongs to the run that goes several ways
        run = found.setdefault(whole, Journeyed(whole, step["version"], step["at"]))
        run.steps.append(step)
        run.version = step["version"] or run.version
    for place in await rows(
        conn,
        "select run, version, node, started, entered, until from place"
        " where partition = %s and profile_id = %s and journey = %s",
        args,
    ):
        whole = place["run"].partition(".")[0]
        run = found.setdefault(whole, Journeyed(whole, place["version"], place["started"]))
        if place["run"] == whole:
            run.place, run.started = place, place["started"]
        else:
            run.branches.append(place)
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
    conn: Connection,
    answer: Answer,
    document: Document,
    profile: Profile,
    everybody: list[tuple[int, int]],
    plans: Plans,
) -> None:
    """What the triggers of the journey have to say: only asked of people who are not inside and were not refused."""
    if answer.status != "never":
        return
    row = await first(
        conn, "select min(at) as at from plan_change where journey = %s and kind = 'publish'", (answer.journey,)
    )
    answer.published = row["at"] if row else None
    notes: list[Note] = []
    for one in everybody:
        retold = await retell(conn, plans, one, profile, answer.journey, document.triggers)
        notes += retold.notes
        answer.since = max((at for at in (answer.since, retold.since) if at is not None), default=None)
    notes.sort(key=lambda note: note.at)
    due = {
        one["mark"]: one["due"]
        for one in await rows(conn, "select mark, due from schedule where journey = %s", (answer.journey,))
    }
    for what, trigger in {described(trigger): trigger for trigger in document.triggers}.items():
        own = [note for note in notes if note.trigger == what]
        answer.heard.append(
            Heard(
                what,
                own[-_MOST_NOTES:],
                len(own),
                standing(trigger, profile),
                told_in_chunks(trigger),
                due.get(trigger.mark) if isinstance(trigger, Scheduled) else None,
            )
        )
    if document.where is not None:
        zone = str(profile.attributes.get("timezone") or "UTC")
        answer.entry = explain(document.where, View(profile, profile.last, zone, properties={}, context={}))
