"""`{reachable: email, for: marketing}` · `{consent: sms}` · `{topic: offers}`: may and can the person be written to."""

from __future__ import annotations

from dataclasses import dataclass

from wend.core.condition.base import Condition, Listens, Verdict, View
from wend.core.condition.form import FALSE, TRUE, Form, Reader
from wend.core.consent import CHANNELS, PUSH, YES, reachable

PURPOSES = ("marketing", "transactional", "address")
STATES = ("opted_in", "subscribed", "unsubscribed", "never_asked")
_ROOT = {"email": "email", "sms": "phone", "whatsapp": "phone"}


@dataclass(frozen=True, slots=True, eq=False)
class Reachable(Form):
    """Whether there is a way to the person on the channel."""

    channel: str
    purpose: str
    topic: str

    def check(self, view: View) -> Verdict:
        return TRUE if reachable(view.profile, self.channel, self.purpose, self.topic)[0] else FALSE

    def listens(self) -> Listens:
        root = _ROOT.get(self.channel)
        facts = {"devices"} if self.channel in PUSH else set[str]()
        if self.purpose != "address":
            facts.add("suppressed")
        if self.purpose == "marketing":
            facts |= {"consent", "topics"} if self.topic else {"consent"}
        return Listens(attributes=frozenset({root} if root else ()), facts=frozenset(facts))


@dataclass(frozen=True, slots=True, eq=False)
class Subscription(Form):
    """What the person said to a channel or a topic."""

    name: str
    of_topic: bool
    states: frozenset[str]

    def check(self, view: View) -> Verdict:
        kept = view.profile.topics if self.of_topic else view.profile.consent
        found = kept.get(self.name)
        return TRUE if (found[0] if found else "never_asked") in self.states else FALSE

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"topics" if self.of_topic else "consent"}))


def parse_reachable(reader: Reader) -> Condition | None:
    """`{reachable: channel, for: marketing | transactional | address, topic: offers}`."""
    reader.only("reachable", "for", "topic")
    faults = len(reader.errors)
    channel = reader.choice("reachable", CHANNELS, "a channel")
    purpose = reader.choice("for", PURPOSES, "a purpose") if "for" in reader.raw else "marketing"
    topic = reader.optional("topic", "a topic")
    if topic and purpose != "marketing":
        reader.fault("topic", "only matters for marketing")
    return Reachable(reader.raw, channel, purpose, topic) if len(reader.errors) == faults else None


def parse_consent(reader: Reader) -> Condition | None:
    """`{consent: sms}` (a yes is recorded), `{consent: sms, state: never_asked}`; also `tracking`."""
    reader.only("consent", "state")
    faults = len(reader.errors)
    channel = reader.choice("consent", (*CHANNELS, "tracking"), "a channel")
    states = _states(reader)
    return Subscription(reader.raw, channel, False, states) if len(reader.errors) == faults else None


def parse_topic(reader: Reader) -> Condition | None:
    """`{topic: offers}` (a yes is recorded), `{topic: offers, state: unsubscribed}`."""
    reader.only("topic", "state")
    faults = len(reader.errors)
    topic = reader.text("topic", "a topic")
    states = _states(reader)
    return Subscription(reader.raw, topic, True, states) if len(reader.errors) == faults else None


def _states(reader: Reader) -> frozenset[str]:
    return frozenset({reader.choice("state", STATES, "a state")}) if "state" in reader.raw else YES
