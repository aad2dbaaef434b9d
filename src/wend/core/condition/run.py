"""`{run_age: {lt: 180d}}` and `{rounds: {lt: 12}}`: the run at hand, for bounded loops inside a journey."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wend.core.condition.base import Condition, Verdict, View
from wend.core.condition.form import FALSE, JOURNEY, TRUE, Form, Reader
from wend.core.condition.measure import follow
from wend.core.condition.numbers import ORDERED, Holds, NumberTest, number_reader, read_object
from wend.core.duration import parse_duration
from wend.core.profile import lineage


@dataclass(frozen=True, slots=True, eq=False)
class RunAge(Form):
    """How long ago the run began."""

    test: NumberTest

    def check(self, view: View) -> Verdict:
        if view.run is None:
            return FALSE
        started, holds = view.run.started, self.test.holds
        changes = {started + edge for edge in self.test.edges if started + edge > view.now}
        return follow(view.now, lambda instant: holds(instant - started), changes)


@dataclass(frozen=True, slots=True, eq=False)
class Rounds(Form):
    """How often the run has entered a node on a loop: the one named, else the one it is at."""

    node: str
    holds: Holds

    def check(self, view: View) -> Verdict:
        if view.run is None:
            return FALSE
        node = self.node or view.run.node
        rounds = sum(one.rounds.get(node, 0) for one in lineage(view.profile, view.run))
        return TRUE if self.holds(rounds) else FALSE


def parse_run_age(reader: Reader) -> Condition | None:
    """`{run_age: {lt: 180d}}`."""
    reader.only("run_age")
    test = read_object(reader, "run_age", _duration_reader, ORDERED)
    return RunAge(reader.raw, test) if _in_journey(reader, "run_age") and test is not None else None


def parse_rounds(reader: Reader) -> Condition | None:
    """`{rounds: {lt: 12}, node: reminder}`."""
    reader.only("rounds", "node")
    faults = len(reader.errors)
    test = read_object(reader, "rounds", number_reader)
    node = reader.optional("node", "the id of a node")
    if not _in_journey(reader, "rounds") or test is None or len(reader.errors) > faults:
        return None
    return Rounds(reader.raw, node, test.holds)


def _in_journey(reader: Reader, key: str) -> bool:
    if JOURNEY in reader.inside:
        return True
    reader.fault(key, f"'{key}' is about a run, so it can only be used inside a journey")
    return False


def _duration_reader(reader: Reader) -> Callable[[str, Any], Any]:
    def read(operator: str, raw: Any) -> int | None:
        try:
            return parse_duration(raw)
        except ValueError as wrong:
            reader.fault(operator, str(wrong))
            return None

    return read
