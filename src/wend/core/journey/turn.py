"""What a run may do while it moves: the one implementation of `contract.Turn`, and the pass it belongs to.

A pass is the handling of one input (or one due timer) of one person: it collects effects, steps and what runs caused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from wend.core import consent as consents
from wend.core.caps import Message
from wend.core.condition.base import View
from wend.core.effects import Ask, AskKind, Effect, Relay, Send, Step, StepKind
from wend.core.inputs import Consent, Event, Start
from wend.core.journey.allowance import count, request
from wend.core.journey.compiled import Compiled
from wend.core.journey.happened import FactsChanged, Happened, StartAsked
from wend.core.journey.membership import put
from wend.core.journey.values import Value
from wend.core.permission import Allow, Drop, Hold, decide, is_test_person
from wend.core.plan import Plan
from wend.core.profile import Profile, Run, family, lineage
from wend.core.zone import zone_of

MOVES = 100
"""Moves per outside input over all runs and derived changes (engine.md 6)."""
HOPS = 20
"""Depth of a chain of emitted events."""
MESSAGES = 20
MINUTE = 60_000


class Pass:
    """One input of one person on its way through facts, runs and triggers."""

    def __init__(self, plan: Plan, profile: Profile, now: int, lag: int) -> None:
        self.plan = plan
        self.profile = profile
        self.now = now
        self.lag = lag
        self.paused = plan.paused
        self.effects: list[Effect] = []
        self.steps: list[Step] = []
        self.consents: list[Consent] = []
        self.queue: deque[tuple[Happened, int]] = deque()
        """What is still to be heard, each with the depth of the chain of emitted events that led to it."""
        self.hops = 0
        """That depth, of what is being heard."""
        self.moves = 0
        self._zone_of: dict[str, Any] | None = None
        self._zone = ""
        self.moved: dict[str, Run] = {}
        """Runs whose place changed, by id; a run that is over is in `gone` instead."""
        self.gone: set[str] = set()
        self.memberships: dict[str, int | None] = {}
        """Segments whose membership changed, by their name in the read model: since when, or None (left)."""

    @property
    def test(self) -> bool:
        """Whether this is a test person: their waits are short, and neither nights nor caps hold their messages."""
        return is_test_person(self.profile, self.plan.settings)

    @property
    def zone(self) -> str:
        """The person's zone, also when it has just changed."""
        attributes = self.profile.attributes
        if attributes is not self._zone_of:  # every change makes another mapping
            self._zone_of, self._zone = attributes, zone_of(attributes, self.plan.zone)
        return self._zone

    def count_move(self) -> None:
        """One more move. OverflowError: there were too many for one input."""
        self.moves += 1
        if self.moves > MOVES:
            raise OverflowError(f"more than {MOVES} moves for one input: is there a loop that never rests?")

    def view(self, run: Run | None = None, event: Event | None = None) -> View:
        """What a condition may read now."""
        properties, context = (None, None) if event is None else (event.properties, event.context)
        return View(self.profile, self.now, self.zone, run, properties, context, self.plan.settings)

    def step(
        self, kind: StepKind, run: Run, *, branch: str = "", why: str = "", detail: dict[str, Any] | None = None
    ) -> None:
        """Record a decision about a run at its present node."""
        if self.test:
            detail = {**(detail or {}), "test": "yes"}
        self.steps.append(
            Step(kind, self.now, run.journey, run.version, run.id, run.move, run.node, branch, why, None, detail)
        )


class RunTurn:
    """One run at one node at one instant (contract.Turn)."""

    def __init__(self, passing: Pass, compiled: Compiled, run: Run) -> None:
        self.passing = passing
        self.compiled = compiled
        self.profile = passing.profile
        self.run = run
        self.now = passing.now
        self.acted = False
        """Whether the run had an effect in this walk: what follows counts from real time (engine.md 4)."""

    @property
    def real(self) -> int:
        return self.now + self.passing.lag

    @property
    def zone(self) -> str:
        return self.passing.zone

    def view(self, event: Event | None = None) -> View:
        return self.passing.view(self.run, event)

    def value(self, value: Value) -> Any:
        sources = {"attribute": self.profile.attributes, **self._memory()}
        return value.of(sources.__getitem__, self.now)

    def _memory(self) -> dict[str, dict[str, Any]]:
        """What the run remembers; a branch also what the runs do of which it is one."""
        run = self.run
        if not run.parent:
            return {"entry": run.entry, "event": run.event, "saved": run.saved}
        runs = list(lineage(self.profile, run))
        return {
            "entry": runs[-1].entry,
            "event": next((one.event for one in runs if one.event), runs[-1].event),
            "saved": {name: value for one in reversed(runs) for name, value in one.saved.items()},
        }

    def sent(self, node: str) -> list[Any] | None:
        runs = [*lineage(self.profile, self.run)]
        runs += family(self.profile, runs[-1])
        return next((one.sends[node] for one in runs if node in one.sends), None)

    def permit(
        self, channel: str, topic: str, transactional: bool, to: str | None, expires_at: int, template: str
    ) -> Allow | Hold | Drop:
        return decide(request(self, channel, topic, transactional, to, expires_at, template))

    def send(
        self,
        *,
        channel: str,
        template: str,
        topic: str,
        transactional: bool,
        to: str | None,
        expires_at: int,
        arm: str,
        more: Mapping[str, Any],
    ) -> None:
        run = self.run
        count(self, Message(channel, topic, template, run.journey, transactional))
        effect_id = f"{run.id}.{run.move}"
        self.passing.effects.append(
            Send(
                id=effect_id,
                profile=self.profile.id,
                run=run.id,
                move=run.move,
                journey=run.journey,
                version=run.version,
                node=run.node,
                channel=channel,
                template=template,
                topic=topic,
                transactional=transactional,
                to=consents.address_of(self.profile, channel, to) or "",
                created_at=self.now,
                expires_at=expires_at,
                data={**self._memory(), **more, **({"to": to} if to else {})},
            )
        )
        if arm and self.compiled.document.goal is not None:
            run.arms[run.node] = arm
        if self.compiled.keeps_sends:
            run.sends[run.node] = [run.move, channel]
        if self.passing.plan.remembers(run.journey, run.node, channel, template):
            self.profile.messages.append([effect_id, run.journey, run.node, channel, template, self.now])
            del self.profile.messages[:-MESSAGES]
        self.passing.step("sent", run, branch=channel, why=template)

    def ask(self, kind: AskKind, request: dict[str, Any], expires_at: int) -> None:
        run = self.run
        self.passing.effects.append(
            Ask(
                id=f"{run.id}.{run.move}",
                profile=self.profile.id,
                run=run.id,
                move=run.move,
                journey=run.journey,
                version=run.version,
                node=run.node,
                kind=kind,
                request=request,
                created_at=self.now,
                expires_at=expires_at,
                data=self._memory(),
            )
        )
        self.passing.step("asked", run, branch=kind)

    def start(self, journey: str, data: dict[str, Any]) -> None:
        self.caused(StartAsked(Start(journey, self.now, data, "journey")))

    def put_on_list(self, segment: str, add: bool) -> bool:
        return put(self.passing, segment, add)

    def emit(self, name: str, properties: dict[str, Any]) -> bool:
        run = self.run
        if run.hops >= HOPS:
            self.passing.step(
                "failed", run, why=f"a chain of more than {HOPS} emitted events: '{name}' was not emitted"
            )
            return False
        event = Event(name, self.now, properties, {}, f"{run.id}.{run.move}", run.hops + 1)
        self.passing.effects.append(Relay(self.profile.id, event))
        return True

    def consent(self, consent: Consent) -> None:
        facts = consents.apply_consent(self.profile, consent)
        self.passing.consents.append(consent)
        self.caused(FactsChanged(frozenset(facts)))

    def caused(self, happened: Happened) -> None:
        self.passing.queue.append((happened, self.run.hops))

    def trace(self, step: Step) -> None:
        self.passing.steps.append(step)

    def chance(self) -> float:
        digest = blake2b(f"{self.run.id}\n{self.run.node}\n{self.run.move}".encode(), digest_size=7).digest()
        return int.from_bytes(digest, "big") / (1 << 56)
