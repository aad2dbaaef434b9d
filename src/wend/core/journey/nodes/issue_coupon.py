"""`issue_coupon`: give the person a code, out of a pool or made by a pattern, and wait until it is theirs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wend.core.condition.base import Listens
from wend.core.coupon import pattern_fault
from wend.core.duration import DAY, format_duration
from wend.core.journey.asked import NAME, answer_to, keep
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import BOOLEAN, DURATION, TEXT, Field, Type
from wend.core.journey.happened import Happened
from wend.core.problems import Problem


def _parse_pattern(raw: Any, where: str, problems: list[Problem]) -> Any:
    fault = pattern_fault(raw)
    if fault:
        problems.append(Problem(where, fault))
    return raw


class IssueCoupon(Node):
    KIND = "issue_coupon"
    GROUP = "action"
    SHORT = "pool"
    REACHES_OUT = True
    FIELDS = {
        "pool": Field(TEXT, "Pool of coupons (`wend coupon`)"),
        "pattern": Field(
            Type(_parse_pattern, {"type": "string"}),
            "Instead of a pool: codes are made, ? becomes a letter or digit, # a digit (SUMMER-??????)",
        ),
        "expires": Field(DURATION, "How long the code is good; as long as the pool says when left out"),
        "once_per_profile": Field(BOOLEAN, "Who has a code of this pool already gets the same again", default=True),
        "save_as": Field(NAME, "Texts read saved.<name>.code, .pool and .expires_at", default="coupon"),
    }
    BRANCHES = ("next", "exhausted")

    def check_settings(self) -> Iterator[tuple[str, str]]:
        if bool(self.settings["pool"]) == bool(self.settings["pattern"]):
            yield "pool", "give either pool or pattern"

    def enter(self, turn: Turn) -> Answer:
        settings, run = self.settings, turn.run
        request = {name: settings[name] for name in ("pattern", "expires", "once_per_profile")}
        request["pool"] = settings["pool"] or f"{run.journey}.{run.node}"
        run.phase = "asked"
        turn.ask("coupon", request, run.since + DAY)
        return Park(None, "a coupon is being issued")

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        answer = answer_to(turn, happened)
        if answer is None:
            return None
        if answer.state != "ok":
            return Go("exhausted", answer.why or answer.state)
        wrong = keep(turn, self.settings["save_as"], answer.value)
        return Go("exhausted", wrong) if wrong else Go("next", answer.why)

    def listens(self) -> Listens:
        return Listens(facts=frozenset({"answers"}))

    def names(self) -> Iterator[tuple[str, str, str]]:
        if self.settings["pool"]:
            yield "pool", "pool", self.settings["pool"]

    def summary(self) -> str:
        settings = self.settings
        source = f"from {settings['pool']}" if settings["pool"] else str(settings["pattern"])
        good = f", good for {format_duration(settings['expires'])}" if settings["expires"] else ""
        once = "" if settings["once_per_profile"] else ", a new one each time"
        return f"Issue coupon {source}{good}{once}"
