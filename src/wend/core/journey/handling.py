"""An operator's hand on people inside a journey: take them out, or let them skip the wait they are in.

Rules: `node` and `run` narrow it down; neither: all of the person's runs in the journey. Out: the whole run leaves, with its branches;
what is on its way is withdrawn. Skip: a wait goes on as if its time had come (a wait for an event or a condition times out; without a
timeout it goes on as if it had happened), the clock on a box is not waited for. Permission is never skipped: a message that is held
stays held. Each act is a step that names who did it; where there is nothing to skip the step says so.
"""

from __future__ import annotations

from wend.core.inputs import Handle
from wend.core.journey.contract import Answer, Go
from wend.core.journey.ending import finish
from wend.core.journey.step import walk
from wend.core.journey.turn import Pass, RunTurn
from wend.core.journey.waiting import way_on
from wend.core.profile import Run


def lay_hand_on(passing: Pass, hand: Handle) -> None:
    """Do what the operator asked for, to the runs that are meant."""
    for run in [run for run in passing.profile.runs if _meant(run, hand)]:
        if run.id in passing.gone:
            continue
        if hand.action == "out":
            passing.step("handled", run, branch="out", why=_by(hand))
            finish(passing, run, f"taken out {_by(hand)}")
        else:
            _skip(passing, run, hand)


def _meant(run: Run, hand: Handle) -> bool:
    return run.journey == hand.journey and hand.node in ("", run.node) and hand.run in ("", run.id)


def _by(hand: Handle) -> str:
    return f"by {hand.who}" if hand.who else "by an operator"


def _skip(passing: Pass, run: Run, hand: Handle) -> None:
    compiled = passing.plan.compiled(run.journey, run.version)
    node = compiled.node(run.node)
    turn = RunTurn(passing, compiled, run)
    if run.phase == "delayed":
        passing.step("handled", run, branch="skip", why=_by(hand))
        run.phase, run.until = "", None
        run.since = max(run.since, passing.now)
        walk(passing, turn, node.enter)
    elif node.WAITS and not run.phase:
        passing.step("handled", run, branch="skip", why=_by(hand))
        run.hops = 0
        way = way_on(node) or node.branches()[0]
        walk(passing, turn, lambda _: _skipped(way, hand))
    elif not hand.run and not hand.node and any(one.parent == run.id for one in passing.profile.runs):
        return  # it waits for its branches, which are meant themselves
    else:
        why = "the journey is paused" if run.phase == "frozen" else "it does not wait here"
        passing.step("handled", run, branch="skip", why=f"{_by(hand)}: nothing to skip, {why}")


def _skipped(way: str, hand: Handle) -> Answer:
    return Go(way, f"skipped {_by(hand)}")
