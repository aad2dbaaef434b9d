"""Everything that can be told to the core: one closed union, `Input`.

An input is one row of a partition's log. `KIND` is the row's `kind` column; the other fields are its JSON payload.
`at` is when the thing happened (ms UTC, never later than it was received); the log time at which it is applied is the
`now` that `react` gets beside it. `message_id` is empty for inputs that Wend made itself: those are unique by construction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

MessageState = Literal[
    "accepted",  # the channel took it (the run leaves `send` by `next`)
    "refused",  # the channel will never take it (`failed`)
    "dropped",  # we did not send it: permission, time to live, withdrawn at delivery (`dropped`, else `failed`)
    "uncertain",  # handed over, no answer came: counted, never resent blindly (`next`: it may well have arrived)
    "delivered",
    "deferred",
    "bounced",
    "soft_bounced",
    "complained",
    "opened",
    "clicked",
    "unsubscribed",
    "replied",
]
"""What can become of a message. The first four are outcomes of `send`, exactly one of which comes; the rest is feedback."""

OUTCOMES = frozenset({"accepted", "refused", "dropped", "uncertain"})


@dataclass(frozen=True, slots=True)
class Event:
    """A person did something (track, page, screen), or a journey emitted it (`hops` > 0)."""

    KIND: ClassVar[str] = "event"
    name: str
    at: int
    properties: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    message_id: str = ""
    hops: int = 0
    imported: bool = False
    about: str = ""
    """Not empty: a business event, about this thing (a product, a webinar …); no deed of the person."""


@dataclass(frozen=True, slots=True)
class Identify:
    """Attributes of the person became known. A null value removes the attribute."""

    KIND: ClassVar[str] = "identify"
    traits: dict[str, Any]
    at: int
    context: dict[str, Any] = field(default_factory=dict)
    message_id: str = ""
    imported: bool = False
    user_id: str | None = None
    anonymous_id: str | None = None
    tags: list[str] = field(default_factory=list)
    """Tags to be put on the person (lists that are imported)."""


@dataclass(frozen=True, slots=True)
class Group:
    """The person belongs to a company. Kept as attribute `groups.<group_id>`."""

    KIND: ClassVar[str] = "group"
    group_id: str
    traits: dict[str, Any]
    at: int
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of a message: its outcome (once per send) or later feedback (any number)."""

    KIND: ClassVar[str] = "feedback"
    effect_id: str
    state: MessageState
    at: int
    run: str = ""
    move: int = 0
    journey: str = ""
    node: str = ""
    channel: str = ""
    template: str = ""
    address: str = ""
    why: str = ""
    url: str = ""
    machine: bool = False
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Consent:
    """The person (or an import) said yes or no to a channel, or to a topic, or to tracking (channel `tracking`)."""

    KIND: ClassVar[str] = "consent"
    state: Literal["opted_in", "subscribed", "unsubscribed"]
    at: int
    channel: str = ""
    topic: str = ""
    source: str = ""
    text: str = ""
    ip: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Suppress:
    """An address must never (or may again) be written to. `channel` empty: every channel of the person."""

    KIND: ClassVar[str] = "suppress"
    reason: str
    at: int
    channel: str = ""
    address: str = ""
    lift: bool = False
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """Start `journey` for this person: by call (trigger `api`), by an uploaded list (`profiles`), on a schedule (`schedule`), from
    another journey (`journey`), or by an operator's hand (`operator`; at `node` when it is given)."""

    KIND: ClassVar[str] = "start"
    journey: str
    at: int
    data: dict[str, Any] = field(default_factory=dict)
    trigger: Literal["api", "profiles", "schedule", "journey", "operator"] = "api"
    message_id: str = ""
    node: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an `effects.Ask`: exactly one for each, bound to (run, move) and timed by whoever carried it out (engine.md 5)."""

    KIND: ClassVar[str] = "answer"
    effect_id: str
    state: Literal["ok", "failed", "exhausted", "uncertain"]
    at: int
    run: str = ""
    move: int = 0
    value: Any = None
    """What came back: JSON, cut to a bounded size by the executor."""
    why: str = ""


@dataclass(frozen=True, slots=True)
class ListChange:
    """The person was put on (or taken off) the list `segment`, a static segment."""

    KIND: ClassVar[str] = "list"
    segment: str
    at: int
    add: bool = True
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Handle:
    """An operator's hand on people inside `journey`: take them out, or skip the wait they are in (`node` '': at any node)."""

    KIND: ClassVar[str] = "handle"
    action: Literal["out", "skip"]
    journey: str
    at: int
    node: str = ""
    run: str = ""
    who: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One input for many people of a partition: the engine expands it when it is applied (engine.md 21). Profile id 0."""

    KIND: ClassVar[str] = "chunk"
    ids: list[int]
    kind: str
    """Kind of the inner input; its `payload` is the same for all."""
    payload: dict[str, Any]
    at: int = 0


@dataclass(frozen=True, slots=True)
class MergeOut:
    """This person turned out to be `survivor`: relay your state there and become a tombstone (engine.md 13)."""

    KIND: ClassVar[str] = "merge_out"
    survivor: int
    at: int


@dataclass(frozen=True, slots=True)
class MergeAwait:
    """The person `absorbed` turned out to be you: stand still until its state arrives (engine.md 13)."""

    KIND: ClassVar[str] = "merge_await"
    absorbed: int
    at: int


@dataclass(frozen=True, slots=True)
class MergeState:
    """The state of the absorbed person (`Profile.pack`), or None when there was nothing."""

    KIND: ClassVar[str] = "merge_state"
    absorbed: int
    at: int
    state: list[Any] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """The plan reaches version `number` here. Belongs to the partition, not to a person (profile id 0)."""

    KIND: ClassVar[str] = "plan"
    number: int
    at: int


@dataclass(frozen=True, slots=True)
class Erase:
    """Forget this person (engine.md 15). The owner of the partition deletes; the core only empties the state."""

    KIND: ClassVar[str] = "erase"
    at: int


Input = (
    Event
    | Identify
    | Group
    | Feedback
    | Consent
    | Suppress
    | Start
    | Answer
    | ListChange
    | Handle
    | Chunk
    | MergeOut
    | MergeAwait
    | MergeState
    | PlanChanged
    | Erase
)

KINDS: dict[str, type[Input]] = {
    kind.KIND: kind
    for kind in (
        Event,
        Identify,
        Group,
        Feedback,
        Consent,
        Suppress,
        Start,
        Answer,
        ListChange,
        Handle,
        Chunk,
        MergeOut,
        MergeAwait,
        MergeState,
        PlanChanged,
        Erase,
    )
}
"""Log kind → input class."""
