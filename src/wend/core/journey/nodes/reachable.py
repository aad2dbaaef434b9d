"""`reachable`: is there a way to the person on this channel, now?"""

from __future__ import annotations

from wend.core.consent import reachable
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import CHANNEL, Field, choice


class Reachable(Node):
    KIND = "reachable"
    GROUP = "condition"
    SHORT = "channel"
    FIELDS = {
        "channel": Field(CHANNEL, "The channel", required=True),
        "for": Field(
            choice("marketing", "transactional", "address"),
            "marketing (with consent), transactional (without), address (one exists, nothing else)",
            default="marketing",
        ),
    }
    BRANCHES = ("yes", "no")

    def enter(self, turn: Turn) -> Answer:
        yes, why = reachable(turn.profile, self.settings["channel"], self.settings["for"])
        return Go("yes" if yes else "no", why)

    def summary(self) -> str:
        kind = self.settings["for"]
        return f"Reachable by {self.settings['channel']}" + ("" if kind == "marketing" else f" ({kind})")
