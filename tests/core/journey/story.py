"""One person and what is published, told as a story: things happen, time passes, and one looks at what came of it.

`Story` only carries messages: what the person's runs ask for is answered at once (a send is accepted, unless `answers` says
otherwise; an emitted event comes back in), everything else is `react`'s doing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from wend.core.duration import parse_duration
from wend.core.effects import Effect, Relay, Send, Step, Withdraw
from wend.core.inputs import Consent, Event, Feedback, Group, Identify, Input, Start
from wend.core.journey.document import parse
from wend.core.pack import pack, unpack
from wend.core.plan import ChangeKind, Plan, PlanChange, Policy
from wend.core.problems import Problem
from wend.core.profile import Profile
from wend.core.react import Decision, react

PERSON = 0xA11CE
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def ms(text: str) -> int:
    """'2026-03-02 10:00' UTC → ms."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def shown(at: int | None) -> str:
    """ms → '2026-03-02 10:00' UTC."""
    return "never" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


MONDAY = ms("2026-03-02 10:00")


def journey(
    nodes: dict[str, Any], *, id: str = "j", on: Any = "Go", start: str | None = None, **more: Any
) -> dict[str, Any]:
    """A journey document. `on`: an event name, or triggers; entry settings and top-level settings by name; an `over` end node."""
    entry = {"on": {"event": on} if isinstance(on, str) and on not in ("api", "profiles") else on}
    for name in ("where", "key", "reentry", "concurrency"):
        if name in more:
            entry[name] = more.pop(name)
    drawn = {**nodes} if any("end" in node for node in nodes.values()) else {**nodes, "over": {"end": None}}
    return {"id": id, "entry": entry, "nodes": drawn, "start": start or next(iter(nodes)), **more}


def plan_of(*documents: dict[str, Any], settings: dict[str, Any] | None = None, at: int = 0) -> Plan:
    """Everything published at `at`."""
    plan = Plan.empty()
    if settings is not None:
        plan = plan.apply(PlanChange(plan.number + 1, at, "settings", document=settings))
    for document in documents:
        plan = plan.apply(PlanChange(plan.number + 1, at, "publish", document["id"], 1, document))
    return plan


class Story:
    """See above. Times are 'YYYY-MM-DD HH:MM', durations '2h'."""

    def __init__(
        self,
        *documents: dict[str, Any],
        settings: dict[str, Any] | None = None,
        person: int = PERSON,
        consent: tuple[str, ...] = ("email", "sms", "whatsapp", "mobile_push"),
        answers: dict[str, str | None] | None = None,
        lag: int | None = 0,
        **attributes: Any,
    ) -> None:
        self.now = MONDAY
        self.plan = plan_of(*documents, settings=settings)
        self.profile = Profile(person, plan=self.plan.number)
        self.answers: dict[str, str | None] = answers or {}
        self.lag = lag
        self.effects: list[Effect] = []
        self.steps: list[Step] = []
        self.wakes_at: int | None = None
        self.decision: Decision | None = None
        traits = {"email": "ann@example.com", "phone": "+4915112345678", **attributes}
        self.tell(Identify({name: value for name, value in traits.items() if value is not None}, self.now))
        for channel in consent:
            self.tell(Consent("subscribed", self.now, channel))

    # --- what happens ---

    def tell(self, input: Input | None) -> Decision:
        """One input now, and what it leads to."""
        self.profile = unpack(self.profile.id, pack(self.profile), self.profile.attributes)
        decision = react(self.plan, self.profile, input, self.now, self.lag)
        self.decision, self.profile, self.wakes_at = decision, decision.profile, decision.wakes_at
        self.effects += decision.effects
        self.steps += decision.steps
        assert self.wakes_at is None or self.wakes_at > self.profile.last, "nobody waits for the past"
        for effect in decision.effects:
            if isinstance(effect, Relay) and effect.profile == self.profile.id:
                self.tell(effect.input)
            elif isinstance(effect, Send) and self.answers.get(effect.node, "accepted") is not None:
                self.answer(effect, self.answers.get(effect.node, "accepted") or "")
        return decision

    def event(self, name: str = "Go", happened: str | None = None, **properties: Any) -> Decision:
        return self.tell(Event(name, self.now if happened is None else ms(happened), properties))

    def identify(self, **traits: Any) -> Decision:
        return self.tell(Identify(traits, self.now))

    def start(self, journey: str = "j", trigger: Any = "api", **data: Any) -> Decision:
        return self.tell(Start(journey, self.now, data, trigger))

    def group(self, id: str, **traits: Any) -> Decision:
        return self.tell(Group(id, traits, self.now))

    def answer(self, send: Send, state: Any, *, move: int | None = None, **more: Any) -> Decision:
        """The outcome of a message, or later feedback on it."""
        found = Feedback(
            send.id,
            state,
            self.now,
            send.run,
            send.move if move is None else move,
            send.journey,
            send.node,
            send.channel,
            send.template,
            send.to,
            **more,
        )
        return self.tell(found)

    # --- time passes ---

    def wait(self, length: str) -> None:
        """Let time pass, waking the person at each instant that was asked for."""
        self.until(self.now + parse_duration(length))

    def until(self, instant: int | str) -> None:
        end = ms(instant) if isinstance(instant, str) else instant
        while self.wakes_at is not None and self.wakes_at <= end:
            self.now = self.wakes_at
            self.tell(None)
        self.now = max(self.now, end)

    def skip(self, length: str) -> None:
        """Let time pass without waking anybody (a backlog)."""
        self.now += parse_duration(length)

    # --- the plan changes ---

    def change(
        self,
        kind: ChangeKind,
        journey: str = "j",
        document: dict[str, Any] | None = None,
        lift: bool = True,
        policy: Policy = "keep",
        mapping: dict[str, str] | None = None,
    ) -> None:
        version = 0
        if kind == "publish":
            assert document is not None
            journey = document["id"]
            before = self.plan.journeys.get(journey)
            version = 1 + (max(before.versions) if before else 0)
        number = self.plan.number + 1
        change = PlanChange(number, self.now, kind, journey, version, document, policy=policy, mapping=mapping)
        self.plan = self.plan.apply(change)
        if lift:
            self.tell(None)

    # --- what came of it ---

    @property
    def sends(self) -> list[Send]:
        return [effect for effect in self.effects if isinstance(effect, Send)]

    @property
    def templates(self) -> list[str]:
        return [send.template for send in self.sends]

    @property
    def withdrawn(self) -> list[str]:
        return [effect.id for effect in self.effects if isinstance(effect, Withdraw)]

    @property
    def emitted(self) -> list[Event]:
        relays = [effect.input for effect in self.effects if isinstance(effect, Relay)]
        return [input for input in relays if isinstance(input, Event)]

    @property
    def places(self) -> list[str]:
        """Where the runs rest."""
        return [run.node for run in self.profile.runs]

    def whys(self, *kinds: str, journey: str | None = None) -> list[str]:
        """The reasons of all steps of these kinds."""
        return [step.why for step in self.steps if step.kind in kinds and journey in (None, step.journey)]

    @property
    def ends(self) -> list[str]:
        return self.whys("ended")

    @property
    def refusals(self) -> list[str]:
        return self.whys("refused")

    @property
    def branches(self) -> list[str]:
        """'node branch' of every move."""
        return [f"{step.node} {step.branch}" for step in self.steps if step.kind in ("moved", "dropped")]

    def goals(self) -> list[Any]:
        return [(step.detail or {}).get("value") for step in self.steps if step.kind == "goal"]


# --- journeys of one node ---


def one(node: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A journey of one node `n`; its branches lead to ends of the same name."""
    problems: list[Problem] = []
    parsed = parse(journey({"n": node}), problems)
    assert parsed is not None and not problems, problems
    branches = [b for b in parsed.nodes["n"].node.branches() if b not in parsed.nodes["n"].node.FALLBACK]
    ends = {f"to_{branch}": {"end": branch} for branch in branches}
    return journey({"n": {**node, **{branch: f"to_{branch}" for branch in branches}}, **ends}, **more)


def node_faults(node: dict[str, Any]) -> list[str]:
    problems: list[Problem] = []
    parse(journey({"n": node}), problems)
    return [str(problem) for problem in problems]


def ended(story: Story) -> str:
    assert len(story.ends) == 1, story.steps
    return story.ends[0]
