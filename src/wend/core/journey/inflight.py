"""People in flight: what a publication does to the runs of older versions (journeys.md rule 8, engine.md 17).

Rules: `keep` leaves them on their version. `exit` ends them. `move` brings them over, at the instant of the publication: to the
node of the same id, or to the one it is mapped to. Waits are timed anew from when they were entered; one that is over by the new
length goes on at once, several in the order in which they are over. Whatever is on its way (a message, a question) is waited for
as before, a held message is decided afresh. What the run remembers (sends, rounds, arms, answers) stays. Where the node became
another kind of node, the run arrives there anew; what was on its way is withdrawn. From then on exit rule and goal of the new
version count; whoever already fulfils an exit condition leaves. A run that has nowhere to go stays on its version and says so:
publishing refuses that (engine/publish.py), but somebody may arrive at a node between the check and the publication.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from wend.core.effects import Withdraw
from wend.core.journey.compiled import Compiled
from wend.core.journey.contract import Answer, Park
from wend.core.journey.document import Document
from wend.core.journey.ending import finish
from wend.core.journey.step import enter, handle, leaves_by_condition, walk
from wend.core.journey.turn import Pass, RunTurn
from wend.core.plan import PlanChange
from wend.core.problems import Problem, nearest
from wend.core.profile import OUTSIDE, Run

_Mapping = Mapping[str, str] | None


def landing(old: Document, new: Document, node: str, mapping: _Mapping) -> str | None:
    """The node of `new` at which a run goes on that rests at `node` of `old`; None: it cannot be moved."""
    if old.key != new.key:
        return None
    target = (mapping or {}).get(node, node)
    return target if target in new.nodes else None


def faults(older: Iterable[Document], new: Document, mapping: _Mapping) -> Iterator[Problem]:
    """What is wrong with a mapping, whoever is inside."""
    known = sorted({node for document in older for node in document.nodes})
    for old, target in (mapping or {}).items():
        if old not in known:
            yield Problem(f"mapping.{old}", f"no older version has a node '{old}'{nearest(old, known)}")
        if target not in new.nodes:
            yield Problem(f"mapping.{old}", f"the new version has no node '{target}'{nearest(target, new.nodes)}")


def publish_over(passing: Pass, change: PlanChange) -> None:
    """Let a publication act on the person's runs of older versions, at `passing.now`."""
    if change.policy == "keep":
        return
    for run in [run for run in passing.profile.runs if run.journey == change.journey and run.version < change.version]:
        if run.id in passing.gone:
            continue
        passing.moves = 0
        if change.policy == "exit":
            finish(passing, run, f"version {change.version} was published")
        else:
            _move(passing, run, change)
        handle(passing, [])


def _move(passing: Pass, run: Run, change: PlanChange) -> None:
    before = passing.plan.compiled(run.journey, run.version)
    compiled = passing.plan.compiled(run.journey, change.version)
    target = landing(before.document, compiled.document, run.node, change.mapping)
    detail = {"from": run.version, "to": change.version, "node": run.node}
    if target is None:
        passing.step("lifted", run, branch="stays", why=f"version {change.version} has no place for it", detail=detail)
        return
    same = before.node(run.node).KIND == compiled.node(target).KIND
    run.version, run.node = change.version, target
    passing.step("lifted", run, branch="moved", why=f"version {change.version} was published", detail=detail)
    passing.moved[run.id] = run
    if target in compiled.on_circle:
        run.rounds.setdefault(target, 1)
    run.exit_at = None
    if compiled.document.exit.conditions and leaves_by_condition(passing, compiled, run):
        return
    if run.phase == "frozen":
        return
    if not same:
        _arrive_anew(passing, compiled, run)
    elif run.phase == "delayed":
        timing = compiled.document.nodes[target].timing
        run.until = run.since if timing is None else timing.acts_at(run.since, passing.zone)
    else:
        _time_anew(passing, compiled, run)


def _arrive_anew(passing: Pass, compiled: Compiled, run: Run) -> None:
    """Another kind of node: what was going on at the old one is over. The move has a number of its own, as effects have."""
    if run.phase in OUTSIDE:
        passing.effects.append(Withdraw(f"{run.id}.{run.move}"))
    run.move += 1
    run.phase, run.until = "", None
    enter(passing, compiled, run)


def _time_anew(passing: Pass, compiled: Compiled, run: Run) -> None:
    def ask(turn: RunTurn) -> Answer | None:
        answer = compiled.node(run.node).moved(turn)
        if isinstance(answer, Park):
            # A wait that is over is not gone on with here but when its turn comes, in order of time: the person wakes next.
            run.until = answer.until
            return None
        return answer

    walk(passing, RunTurn(passing, compiled, run), ask)
