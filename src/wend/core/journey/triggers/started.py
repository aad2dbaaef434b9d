"""Triggers by which somebody else starts the journey: a call, an uploaded list, another journey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from wend.core.journey.happened import Happened, StartAsked
from wend.core.journey.triggers.base import Sparked, Trigger, only, options
from wend.core.problems import Problem

STARTS = ("api", "profiles", "journey")


@dataclass(frozen=True, slots=True)
class OnStart(Trigger):
    """`{api: {}}` (a call), `{profiles: {}}` (an uploaded list) or `{journey: {}}` (a `start_journey` node)."""

    KIND: ClassVar[str] = "start"
    trigger: str

    def topics(self, journey: str) -> tuple[str, ...]:
        return (f"start:{journey}",)

    def spark(self, happened: Happened, now: int, journey: str) -> Sparked | None:
        if (
            isinstance(happened, StartAsked)
            and happened.start.journey == journey
            and happened.start.trigger == self.trigger
        ):
            return Sparked(happened.start.at, happened.start.data, f"started by {self.trigger}")
        return None


def parse_start(kind: str, raw: dict[str, Any], where: str, problems: list[Problem]) -> Trigger | None:
    before = len(problems)
    only(raw, (kind,), where, problems)
    options(raw[kind], (), f"{where}.{kind}", problems)
    return OnStart(kind) if len(problems) == before else None
