"""`wend journey simulate`: a draft on recorded or made-up events, with a virtual clock. Nothing is stored, nothing is sent.

Identities are resolved as at the door, as far as one file tells: identifiers that stand together in a message mean one person.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from wend.commands.context import Data, settings
from wend.commands.database import with_database
from wend.commands.errors import UserError
from wend.commands.reading import Told, read_document, read_told

if TYPE_CHECKING:
    from wend.core.effects import Step
    from wend.core.journey.document import Document
    from wend.core.plan import Plan
    from wend.engine.replay import Simulation
    from wend.intake.items import Message
    from wend.store.postgres import Connection

_LONGEST = 366 * 86_400_000
_STATES = ("ok", "failed", "exhausted", "uncertain")


def simulate(
    file: Annotated[Path, typer.Argument(help="Journey document (YAML).", show_default=False)],
    events: Annotated[
        Path, typer.Option(help="Segment messages, one JSON object a line (.gz too).", show_default=False)
    ],
    lasting: Annotated[
        str, typer.Option("--for", help="How long time goes on after the last event, for instance 7d (at most 1y).")
    ] = "90d",
    assume_consent: Annotated[
        bool,
        typer.Option("--assume-consent", help="Everybody said yes to every channel, unless an event says otherwise."),
    ] = False,
    answers: Annotated[
        Path | None,
        typer.Option(
            help="YAML: what nodes that ask outside are answered, `{node: {state: ok, value: …}}`; else ok and empty."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Only the summary.")] = False,
    data: Data = None,
) -> None:
    """Try a journey on events with a virtual clock: every decision, with its reason."""
    from wend.commands.output import refuse, warnings
    from wend.core.duration import parse_duration
    from wend.core.journey.check import check

    document, problems = check(read_document(file))
    warnings(problems, str(file))
    if document is None:
        raise refuse(problems, str(file))
    try:
        span = min(parse_duration(lasting), _LONGEST)
    except ValueError as error:
        raise UserError("--for", str(error)) from None
    told, rejected = read_told(events)
    if not told:
        raise UserError(str(events), "holds no readable event", "one Segment message as JSON a line")
    simulation, names = _run(
        document,
        told,
        span,
        settings_in_force=_in_force(data),
        assume_consent=assume_consent,
        answers=_answers(answers, document),
    )
    if not quiet:
        for line in _lines(simulation.steps, names, document):
            print(line)
    _summary(simulation, names, len(told), rejected)


def _in_force(data: Path | None) -> dict[str, Any]:
    """The workspace's settings (quiet hours, zone …) where a Wend runs; none otherwise."""

    async def work(conn: Connection) -> dict[str, Any]:
        from wend.engine.plans import load_plan

        plan: Plan = await load_plan(conn)
        return dict(plan.settings)

    try:
        return with_database(settings(data), work)
    except UserError:
        return {}


def _answers(file: Path | None, document: Document) -> dict[str, dict[str, Any]]:
    """What the file answers, by node. UserError names what is wrong with it."""
    from wend.core.journey.contract import Node
    from wend.core.problems import nearest

    if file is None:
        return {}
    raw: Any = read_document(file)
    if not isinstance(raw, dict):
        raise UserError(str(file), "expected answers by node, such as `fetch: {state: ok, value: {title: Tea}}`")
    found = cast("dict[str, Any]", raw)
    asking: dict[str, Node] = {
        id: one.node for id, one in document.nodes.items() if "answers" in one.node.listens().facts
    }
    for node, said in found.items():
        if node not in asking:
            raise UserError(f"{file}: {node}", f"is not a node that is answered{nearest(node, asking)}")
        state = cast("dict[str, Any]", said).get("state", "ok") if isinstance(said, dict) else None
        if state not in _STATES or set(cast("dict[str, Any]", said)) - {"state", "value", "why"}:
            raise UserError(f"{file}: {node}", f"expected state ({', '.join(_STATES)}), value and why")
    return found


def _run(
    document: Document,
    told: list[Told],
    span: int,
    *,
    settings_in_force: dict[str, Any],
    assume_consent: bool,
    answers: dict[str, dict[str, Any]],
) -> tuple[Simulation, dict[int, str]]:
    from wend.core.consent import CHANNELS, IMPLICIT
    from wend.core.inputs import Consent
    from wend.core.plan import Plan, PlanChange
    from wend.engine.replay import Simulation, replies
    from wend.store.codec import decode_input

    begin = told[0].at
    plan = Plan.empty().apply(PlanChange(1, begin, "settings", document=settings_in_force))
    plan = plan.apply(PlanChange(2, begin, "publish", document.id, 1, document.raw))
    simulation = Simulation(plan, reply=replies(answers), now=begin)
    ids = _identities([one.message for one in told])
    names: dict[int, str] = {}
    for one in told:
        message = one.message
        person = ids[_key(message)]
        if person not in names:
            names[person] = message.user_id or message.anonymous_id or str(person)
            if assume_consent:
                for channel in CHANNELS:
                    if channel not in IMPLICIT:
                        simulation.feed(person, Consent("opted_in", one.at, channel, source="assumed"), one.at)
        elif message.user_id:
            names[person] = message.user_id
        for entry in message.entries:
            simulation.feed(person, decode_input(entry.kind, entry.payload), one.at)
    simulation.advance(told[-1].at + span)
    return simulation, names


def _key(message: Message) -> tuple[str, str]:
    return ("user", message.user_id) if message.user_id else ("anonymous", message.anonymous_id or "")


def _identities(messages: list[Message]) -> dict[tuple[str, str], int]:
    """Identifier → person. An anonymous id belongs to the first user id it stands with."""
    owner: dict[str, str] = {}
    for message in messages:
        if message.user_id and message.anonymous_id:
            owner.setdefault(message.anonymous_id, message.user_id)
    ids: dict[tuple[str, str], int] = {}
    numbers: dict[tuple[str, str], int] = {}
    for message in messages:
        key = _key(message)
        whole = ("user", owner[key[1]]) if key[0] == "anonymous" and key[1] in owner else key
        ids[key] = numbers.setdefault(whole, len(numbers) + 1)
    return ids


def _lines(steps: list[tuple[int, Step]], names: dict[int, str], document: Document) -> Iterator[str]:

    from wend.reports.sentences import clock, step_sentence

    summaries = {placed.id: placed.node.summary() for placed in document.nodes.values()}
    for person, step in sorted(steps, key=lambda one: one[1].at):
        yield f"{clock(step.at)}  {names[person]}  {step_sentence(step._asdict(), summaries)}"


def _summary(simulation: Simulation, names: dict[int, str], events: int, rejected: list[str]) -> None:
    import sys
    from collections import Counter

    kinds = Counter(step.kind for _, step in simulation.steps)
    sent = Counter(step.branch for _, step in simulation.steps if step.kind == "sent")
    waiting = Counter(run.node for profile in simulation.profiles.values() for run in profile.runs)
    mails = ", ".join(f"{n} by {channel}" for channel, n in sent.most_common()) or "none"
    print(
        f"\n{events} events of {len(names)} people: {kinds['started']} runs started, {kinds['refused']} starts refused,"
    )
    print(f"{kinds['ended']} ended, {kinds['goal']} reached the goal; messages: {mails}, not sent: {kinds['dropped']}.")
    if waiting:
        print("Still inside: " + ", ".join(f"{n} at {node}" for node, n in waiting.most_common()) + ".")
    for line in rejected[:20]:
        print(f"warning: {line}", file=sys.stderr)
    if len(rejected) > 20:
        print(f"warning: {len(rejected) - 20} more lines could not be read", file=sys.stderr)
