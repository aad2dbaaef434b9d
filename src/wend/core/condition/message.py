"""`{message: {journey: cart-recovery, state: opened, within: 14d}}`: what was sent and what became of it.

A later state proves earlier ones: what was clicked was opened, what was opened was delivered. Looked at are the latest 20
messages of the person; `within` counts from when a message was asked for. Without `state`: it was sent, whatever became of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wend.core.condition.base import FOREVER, Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form, Reader
from wend.core.consent import CHANNELS
from wend.core.problems import shown

_CLICKED = {"clicked"}
_OPENED = {"opened", *_CLICKED}
_DELIVERED = {"delivered", "replied", "unsubscribed", "complained", *_OPENED}
_ACCEPTED = {"accepted", "uncertain", "deferred", "bounced", "soft_bounced", *_DELIVERED}
PROOFS: dict[str, frozenset[str]] = {
    "sent": frozenset(_ACCEPTED),
    "delivered": frozenset(_DELIVERED),
    "opened": frozenset(_OPENED),
    "clicked": frozenset(_CLICKED),
    "failed": frozenset({"refused", "dropped", "bounced"}),
    **{
        name: frozenset({name})
        for name in (
            "replied",
            "unsubscribed",
            "complained",
            "bounced",
            "soft_bounced",
            "deferred",
            "refused",
            "dropped",
            "uncertain",
        )
    },
}
"""What may be asked → the recorded states that prove it."""


@dataclass(frozen=True, slots=True, eq=False)
class Message(Form):
    """Some message fits all that is asked."""

    journey: str
    node: str
    channel: str
    template: str
    proofs: frozenset[str] | None
    within: int

    def check(self, view: View) -> Verdict:
        latest = max(self._found(view), default=0)
        if not latest:
            return FALSE
        if self.within == FOREVER:
            return TRUE
        leaves = latest + self.within
        return Verdict(True, leaves) if leaves > view.now else FALSE

    def listens(self) -> Listens:
        meant = (self.journey, self.node, self.channel, self.template)
        return Listens(facts=frozenset({"messages"}), messages=frozenset({meant}))

    def _found(self, view: View) -> Iterator[int]:
        """The times of the messages that fit."""
        # A node without a journey is one of the run at hand: another run of the same journey has a message of its own.
        # The branches of a run have ids that begin with its own.
        own = "" if view.run is None or self.journey or not self.node else f"{view.run.id.partition('.')[0]}."
        for effect, journey, node, channel, template, at, *states in view.profile.messages:
            if (
                effect.startswith(own)
                and self.journey in ("", journey)
                and self.node in ("", node)
                and self.channel in ("", channel)
                and self.template in ("", template)
                and (self.proofs is None or not self.proofs.isdisjoint(states))
            ):
                yield at


def parse_message(reader: Reader) -> Condition | None:
    """`{message: {journey, node, template, channel, state, within}}`, at least one of journey, node, template, channel."""
    reader.only("message")
    inner = reader.sub("message", "what is meant, such as {template: welcome, state: opened}")
    if inner is None:
        return None
    faults = len(reader.errors)
    allowed = ("journey", "node", "template", "channel", "state", "within")
    for key in inner.raw:
        if key not in allowed:
            inner.fault(str(key), f"a message has no {shown(key)}; allowed are {', '.join(allowed)}")
    journey, node, template = (inner.optional(key, f"the id of a {key}") for key in allowed[:3])
    channel = inner.choice("channel", CHANNELS, "a channel") if "channel" in inner.raw else ""
    if not inner.raw.keys() & set(allowed[:4]):
        inner.fault("", "say which message: journey, node, template or channel")
    proofs = None
    if "state" in inner.raw:
        proofs = PROOFS.get(inner.choice("state", PROOFS, "a state of a message"))
    within = inner.duration("within")
    if len(reader.errors) > faults:
        return None
    return Message(reader.raw, journey, node, channel, template, proofs, within)
