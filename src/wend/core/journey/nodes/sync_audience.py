"""`sync_audience`: put the person into an advertising audience, or take them out, and wait until the change is written down.

The change is recorded at once; handing it to the advertising network is the work of that network's provider.
"""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.condition.base import Listens
from wend.core.duration import DAY
from wend.core.journey.asked import answer_to
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import TEXT, Field, choice
from wend.core.journey.happened import Happened


class SyncAudience(Node):
    KIND = "sync_audience"
    GROUP = "action"
    REACHES_OUT = True
    FIELDS = {
        "audience": Field(TEXT, "Audience of the settings", required=True),
        "action": Field(choice("add", "remove"), "add or remove", default="add"),
    }

    def enter(self, turn: Turn) -> Answer:
        turn.run.phase = "asked"
        request = {"audience": self.settings["audience"], "action": self.settings["action"]}
        turn.ask("audience", request, turn.run.since + DAY)
        return Park(None, "the change is being written down")

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        answer = answer_to(turn, happened)
        return None if answer is None else Go("next", answer.why or answer.state)

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"answers"}))

    def names(self) -> Iterator[tuple[str, str, str]]:
        yield "audience", "audience", self.settings["audience"]

    def summary(self) -> str:
        words = "Add to" if self.settings["action"] == "add" else "Remove from"
        return f"{words} audience {self.settings['audience']}"
