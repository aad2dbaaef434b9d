"""Waits that are cut short: of test people, and by an operator's hand (handling.py).

Settings `test`: `{tag: test-person, wait: 10s}`. Whoever carries the tag goes through live journeys with every wait cut to at most
that long, counted from its beginning: waits and dates go on, waits for an event or a condition time out, slots and the clock on a
box are not waited for. What has no way on but the thing itself (no timeout) is waited for as ever. Nights and caps do not hold
their messages (permission.py); each of their steps says that it is one of a test person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from wend.core.duration import SECOND, parse_duration
from wend.core.journey.contract import Answer, Go, Node, Park
from wend.core.journey.turn import RunTurn
from wend.core.problems import Problem, nearest, shown

DEFAULT = "10s"


def way_on(node: Node) -> str | None:
    """The branch by which a run goes on whose waiting at `node` is over before its time; None: there is none."""
    if not node.WAITS:
        return None
    return next((branch for branch in ("next", "timed_out") if branch in node.branches()), None)


def shortened(turn: RunTurn, until: int | None) -> int | None:
    """The instant until which the run rests, where `until` was asked for: sooner for test people."""
    if until is None or not turn.passing.test:
        return until
    run = turn.run
    waits = run.phase == "delayed" or (not run.phase and way_on(turn.compiled.node(run.node)) is not None)
    return min(until, max(_end(turn), turn.now)) if waits else until


def woken(turn: RunTurn) -> Answer:
    """What the node answers whose instant has come; a test person who would have to wait on goes on."""
    run, node = turn.run, turn.compiled.node(turn.run.node)
    answer = node.wake(turn)
    if isinstance(answer, Park) and turn.passing.test and not run.phase and turn.now >= _end(turn):
        way = way_on(node)
        if way is not None:
            return Go(way, "cut short for a test person")
    return answer


def _end(turn: RunTurn) -> int:
    settings: dict[str, Any] = turn.passing.plan.settings["test"]
    return turn.run.entered + parse_duration(settings.get("wait", DEFAULT))


def check_settings(settings: Mapping[str, Any], where: str = "test") -> Iterator[Problem]:
    """All faults of the setting `test`."""
    raw: Any = settings.get("test")
    if raw is None:
        return
    if not isinstance(raw, dict):
        yield Problem(where, f"expected {{tag: test-person, wait: 10s}}, found {shown(raw)}")
        return
    given = cast("dict[str, Any]", raw)
    for name in given:
        if name not in ("tag", "wait"):
            yield Problem(f"{where}.{name}", f"is not part of it{nearest(name, ('tag', 'wait'))}")
    tag = given.get("tag")
    if not isinstance(tag, str) or not tag:
        yield Problem(f"{where}.tag", f"expected the tag that marks test people, found {shown(tag)}")
    try:
        length = parse_duration(given.get("wait", DEFAULT))
    except ValueError as error:
        yield Problem(f"{where}.wait", str(error))
    else:
        if length < SECOND:
            yield Problem(f"{where}.wait", f"expected 1s or more, found {shown(given['wait'])}")
