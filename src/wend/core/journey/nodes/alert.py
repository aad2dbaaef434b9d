"""`alert`: tell the person's owner, a team or an address something; at once, or collected to a digest. The run goes on at once."""

from __future__ import annotations

from collections.abc import Iterator

from wend.core.duration import DAY
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, Field, choice, list_of


class Alert(Node):
    KIND = "alert"
    GROUP = "action"
    REACHES_OUT = True
    FIELDS = {
        "text": Field(TEXT, "What to say (Liquid)", required=True),
        "to": Field(TEXT, "owner (of the person), a team of the settings, or an e-mail address", default="owner"),
        "channel": Field(
            list_of(choice("in_product", "email", "webhook"), or_one=True),
            "One or several: in_product (page Alerts), email, webhook (chat)",
            default=("in_product",),
        ),
        "digest": Field(choice("daily", "weekly"), "Collected and sent once a day or week instead of at once"),
    }

    def enter(self, turn: Turn) -> Answer:
        settings = self.settings
        request = {name: settings[name] for name in ("text", "to", "digest")}
        turn.ask("alert", {**request, "channels": list(settings["channel"])}, turn.run.since + DAY)
        return Go("next", f"{settings['to']} is told")

    def texts(self) -> Iterator[tuple[str, str]]:
        yield "text", self.settings["text"]

    def names(self) -> Iterator[tuple[str, str, str]]:
        to = self.settings["to"]
        if to != "owner" and "@" not in to:
            yield "team", "to", to

    def summary(self) -> str:
        settings = self.settings
        when = f", {settings['digest']}" if settings["digest"] else ""
        return f"Alert {settings['to']} by {' and '.join(settings['channel'])}{when}: {settings['text']}"
