"""`survey`: send a survey and wait for the answer, which comes as the event `Survey Answered` {survey, answer or score}.

Sent like any message (sending.py). Branches by answer (`answers: [yes, no]`), by band of the score
(`bands: {detractor: [0, 6], passive: [7, 8], promoter: [9, 10]}`), or just `answered`; any other answer goes by `else`. The timeout
counts from when the message has really gone out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any, cast

from wend.core.amount import amount
from wend.core.condition.base import Listens
from wend.core.duration import DAY, MINUTE, format_duration
from wend.core.journey import sending
from wend.core.journey.contract import Answer, Go, Node, Park, Turn
from wend.core.journey.fields import BRANCH, DURATION, TEXT, Field, Type, list_of, mapping_of
from wend.core.journey.happened import EventHappened, Happened
from wend.core.journey.values import is_number
from wend.core.problems import Problem, shown

EVENT = "Survey Answered"
_OTHERS = ("else", "timed_out", "failed", "dropped")


def _band(raw: Any, where: str, problems: list[Problem]) -> tuple[float, float] | None:
    ends = cast("list[Any]", raw) if isinstance(raw, list) else []
    if len(ends) == 2 and all(is_number(one) for one in ends) and ends[0] <= ends[1]:
        return ends[0], ends[1]
    problems.append(Problem(where, f"expected the lowest and the highest score, such as [0, 6], found {shown(raw)}"))
    return None


class Survey(Node):
    KIND = "survey"
    GROUP = "action"
    REACHES_OUT = True
    TAKES_EVENTS = True
    WAITS = True
    FIELDS = {
        "survey": Field(TEXT, "Id of the survey", required=True),
        **sending.FIELDS,
        "timeout": Field(DURATION, "How long to wait for the answer", default=7 * DAY),
        "answers": Field(list_of(BRANCH), "Answers, each a branch"),
        "bands": Field(
            mapping_of(Type(_band, {"type": "array"}), "the scores of each branch", branches=True),
            "Branch → lowest and highest score",
        ),
    }
    FALLBACK = {"else": "timed_out", "failed": "timed_out", "dropped": "failed"}

    def check_settings(self) -> Iterator[tuple[str, str]]:
        yield from sending.check_sending(self.settings)
        answers: tuple[str, ...] | None = self.settings["answers"]
        bands: dict[str, tuple[float, float]] | None = self.settings["bands"]
        if answers and bands:
            yield "bands", "give either answers or bands"
        for setting, names in (("answers", answers), ("bands", bands)):
            for name in sorted({*(names or ())} & {*_OTHERS}):
                yield setting, f"'{name}' is a branch of its own; choose another name"
        in_order = sorted((bands or {}).items(), key=lambda one: one[1])
        for (one, (_, high)), (other, (low, _)) in combinations(in_order, 2):
            if low <= high:
                yield f"bands.{other}", f"overlaps '{one}'"

    def branches(self) -> tuple[str, ...]:
        named = self.settings["answers"] or self.settings["bands"]
        return (*named, *_OTHERS) if named else ("answered", *_OTHERS[1:])

    def resting(self) -> frozenset[str]:
        waits = self.settings["timeout"] >= MINUTE
        return frozenset(self.branches()) - {"failed", "dropped"} - (set() if waits else {"timed_out"})

    def enter(self, turn: Turn) -> Answer:
        return sending.send(turn, self.settings, {"survey": self.settings["survey"]})

    def wake(self, turn: Turn) -> Answer:
        if turn.run.phase == "held":
            return self.enter(turn)
        return Go("timed_out", f"no answer within {format_duration(self.settings['timeout'])}")

    def moved(self, turn: Turn) -> Answer | None:
        if turn.run.phase == "held":
            return self.enter(turn)
        return None if turn.run.phase else self._waits(turn)

    def hear(self, turn: Turn, happened: Happened) -> Answer | None:
        if isinstance(happened, EventHappened):
            properties = happened.event.properties
            ours = happened.event.name == EVENT and properties.get("survey") == self.settings["survey"]
            return Go(*self._answered(properties)) if ours else None
        feedback = sending.outcome(turn, happened)
        if feedback is None:
            return None
        branch = sending.branch_of(feedback)
        if branch != "next":
            return Go(branch, feedback.why or feedback.state)
        turn.run.phase, turn.run.since = "", turn.real
        return self._waits(turn)

    def listens(self) -> Listens:
        return Listens(events=frozenset({EVENT}), facts=frozenset({"messages"}))

    def reads(self) -> frozenset[str]:
        return sending.reads_of(self.settings)

    def templates(self) -> Iterator[tuple[str, tuple[str, ...], str]]:
        return sending.templates_of(self.settings)

    def summary(self) -> str:
        timeout = format_duration(self.settings["timeout"])
        return f"Survey {self.settings['survey']} {sending.told(self.settings)}, waits up to {timeout}"

    def _waits(self, turn: Turn) -> Park:
        return Park(turn.run.since + self.settings["timeout"], "waits for the answer")

    def _answered(self, properties: dict[str, Any]) -> tuple[str, str]:
        """The branch of an answer, and what it was."""
        answer = properties.get("answer", properties.get("score"))
        why = f"answered {shown(answer)}"
        if self.settings["answers"]:
            given = cast("list[Any]", answer) if isinstance(answer, list) else [answer]
            texts = {str(one).lower() if isinstance(one, bool) else str(one) for one in given}
            return next((one for one in self.settings["answers"] if one in texts), "else"), why
        if self.settings["bands"]:
            score = amount(properties.get("score", answer))
            bands: dict[str, tuple[float, float]] = self.settings["bands"]
            fits = (one for one, (low, high) in bands.items() if score is not None and low <= score <= high)
            return next(fits, "else"), why
        return "answered", why
