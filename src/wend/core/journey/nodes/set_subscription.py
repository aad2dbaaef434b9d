"""`set_subscription`: record a yes or no of the person to a channel or a topic, for example after a form was answered."""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.inputs import Consent
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import CHANNEL, TEXT, Field, choice


class SetSubscription(Node):
    KIND = "set_subscription"
    GROUP = "action"
    FIELDS = {
        "state": Field(choice("subscribed", "unsubscribed"), "What to record", required=True),
        "channel": Field(CHANNEL, "The channel (or give a topic)", default=""),
        "topic": Field(TEXT, "The topic (or give a channel)", default=""),
    }

    def check_settings(self) -> Iterator[tuple[str, str]]:
        if bool(self.settings["channel"]) == bool(self.settings["topic"]):
            yield "channel", "give either a channel or a topic"

    def enter(self, turn: Turn) -> Answer:
        state, channel, topic = self.settings["state"], self.settings["channel"], self.settings["topic"]
        turn.consent(Consent(state, turn.now, channel, topic, source=f"journey {turn.run.journey}"))
        return Go("next", f"{channel or topic} {state}")

    def summary(self) -> str:
        return f"Record {self.settings['channel'] or self.settings['topic']} as {self.settings['state']}"
