"""`suppress`: never write to this person again on a channel (or on any), for example before a list is cleaned."""

from __future__ import annotations

from wend.core.consent import apply_suppress
from wend.core.inputs import Suppress as SuppressInput
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import CHANNEL, TEXT, Field
from wend.core.journey.happened import FactsChanged


class Suppress(Node):
    KIND = "suppress"
    GROUP = "action"
    FIELDS = {
        "channel": Field(CHANNEL, "The channel; every channel when left out", default=""),
        "reason": Field(TEXT, "Kept with the suppression", default="journey"),
    }

    def enter(self, turn: Turn) -> Answer:
        channel, reason = self.settings["channel"], self.settings["reason"]
        apply_suppress(turn.profile, SuppressInput(reason, turn.now, channel))
        turn.caused(FactsChanged(frozenset({"suppressed"})))
        return Go("next", f"{channel or 'every channel'} suppressed: {reason}")

    def summary(self) -> str:
        return f"Suppress {self.settings['channel'] or 'every channel'}"
