"""Everything the core can ask for: one closed union, `Effect`, and the trace of its decisions, `Step`.

Effect ids are derived from (run, move), so hearing the same log again asks for the same effects (engine.md 11).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from wend.core.inputs import Input


@dataclass(frozen=True, slots=True)
class Send:
    """Hand a message to a channel. The run stays at its node until a `Feedback` outcome for (run, move) comes."""

    id: str
    profile: int
    run: str
    move: int
    journey: str
    version: int
    node: str
    channel: str
    template: str
    topic: str
    transactional: bool
    to: str
    """The address it was decided for (re-checked when it leaves)."""
    created_at: int
    expires_at: int
    """Time to live: after this instant it is dropped, not sent."""
    not_before: int = 0
    data: dict[str, Any] = field(default_factory=dict)
    """`entry`, `event` and `saved` of the run, for rendering; attributes and facts are read fresh at delivery."""


AskKind = Literal["api", "coupon", "audience", "alert"]
"""What can be asked of the outside besides messages; each kind has its executor in delivery/asks/."""
ASK_KINDS: frozenset[str] = frozenset(get_args(AskKind))


@dataclass(frozen=True, slots=True)
class Ask:
    """Have something done outside. Exactly one `Answer` for (run, move) comes back, except for alerts, which nobody waits for.

    It travels in the outbox like a message, its `kind` in the place of the channel.
    """

    id: str
    profile: int
    run: str
    move: int
    journey: str
    version: int
    node: str
    kind: AskKind
    request: dict[str, Any]
    """What the node asks for; texts in it are Liquid, rendered by the executor."""
    created_at: int
    expires_at: int
    data: dict[str, Any] = field(default_factory=dict)
    """`entry`, `event` and `saved` of the run, as for Send."""


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Do not send the message `id`, or do what was asked, if it is still queued (the run left; engine.md 8)."""

    id: str


@dataclass(frozen=True, slots=True)
class Relay:
    """Append `input` to the log of `profile` (another person, or the same one for emitted events; engine.md 12)."""

    profile: int
    input: Input


Effect = Send | Ask | Withdraw | Relay

StepKind = Literal[
    "started",  # a run began; detail: trigger
    "refused",  # a matched trigger started nothing, or (no journey) an attribute does not fit; `why` says why
    "moved",  # the run left `node` by `branch`
    "held",  # the message waits for permission until `until`
    "sent",  # a Send effect was asked for
    "asked",  # an Ask effect; `branch` holds its kind
    "answered",  # what came of an Ask; `branch` holds the state
    "dropped",  # permission denied, or dropped at delivery
    "outcome",  # accepted, refused, uncertain, opened, clicked …; `branch` holds the state
    "arrived",  # a branch of a `parallel` is over: at its join, at an end, failed or skipped
    "goal",  # the goal was reached; detail: value
    "lifted",  # a new version was published: `branch` moved or stays; detail: from, to (versions), node (before)
    "handled",  # an operator's hand: `branch` out or skip; `why` names who
    "ended",  # the run is over; detail: reason
    "failed",  # a node raised, or moves ran out; an operator sees it
]


class Step(NamedTuple):
    """One decision and its reason: what `wend why`, the timeline and the counters are made of.

    A tuple, because more of them are made than of anything else (a frozen dataclass of this size takes five times as long).
    """

    kind: StepKind
    at: int
    journey: str
    version: int = 0
    run: str = ""
    move: int = 0
    node: str = ""
    branch: str = ""
    why: str = ""
    until: int | None = None
    detail: dict[str, Any] | None = None
