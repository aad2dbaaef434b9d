"""People in flight: what a publication does to the runs of older versions (journeys.md rule 8, engine.md 17).

Rules: `keep` leaves them on their version. `exit` ends them. `move` brings them over, at the instant of the publication: to the
node of the same id, or to the one it is mapped to. Waits are timed anew from when they were entered; one that is over by the new
length goes on at once, several in the order in which they are over. Whatever is on its way (a message, a question) is waited for
as before, a held message is decided afresh. What the run remembers (sends, rounds, arms, answers) stays. Where the node became
another kind of node, the run arrives there anew; what was on its way is withdrawn. From then on exit rule and goal of the new
version count; whoever already fulfils an exit condition leaves. Branches of a `parallel` move with their run; one that the new
version does not have is over. A run that has nowhere to go stays on its version, with its branches, and says so: publishing
refuses that (engine/moving.py), but somebody may arrive at a node between the check and the publication.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from wend.core.effects import Withdraw
from wend.core.journey.branching import over
from wend.core.journey.check import targets
from wend.core.journey.compiled import Compiled
from wend.core.journey.contract import Answer, Park
from wend.core.journey.document import Document
from wend.core.journey.ending import finish, leave
from wend.core.journey.step import enter, handle, leaves_by_condition, walk
from wend.core.journey.turn import Pass, RunTurn
from wend.core.journey.waiting import shortened
from wend.core.plan import PlanChange
from wend.core.problems import Problem, nearest
from wend.core.profile import OUTSIDE, Run, family

_Mapping = Mapping[str, str] | None


def landing(old: Document, new: Document, node: str, mapping: _Mapping) -> str | None:
    """The node of `new` at which a run goes on that rests at `node` of `old`; None: it cannot be moved."""
    target = _target(new, node, mapping)
    if old.key != new.key or target is None:
        return None
    if _kind(old, node) == _kind(new, target) == "parallel":
        for join in _branches_of(old, node)[1]:
            meeting = _target(new, join, mapping)
            if meeting is None or _kind(new, meeting) != "join":
                return None
    return target


def ends(old: Document, new: Document, node: str, mapping: _Mapping) -> bool:
    """Whether `node` of `old` lies on branches of a `parallel` only that `new` does not have: who walks there is at its end."""
    for placed in old.nodes.values():
        if placed.node.KIND == "parallel":
            on = _branches_of(old, placed.id)[0].get(node, set[str]())
            target = _target(new, placed.id, mapping)
            kept = new.nodes[target].node.branches() if target and _kind(new, target) == "parallel" else ()
            if on and on.isdisjoint(kept):
                return True
    return False


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
    for run in list(passing.profile.runs):
        if run.parent or run.journey != change.journey or run.version >= change.version or run.id in passing.gone:
            continue
        passing.moves = 0
        if change.policy == "exit":
            finish(passing, run, f"version {change.version} was published")
        else:
            _move(passing, run, change)
        handle(passing, [])


def _move(passing: Pass, whole: Run, change: PlanChange) -> None:
    """Move a run with all its branches, or none of them."""
    before = passing.plan.compiled(whole.journey, whole.version).document
    after = passing.plan.compiled(whole.journey, change.version)
    runs, places = family(passing.profile, whole), dict[str, str]()
    for run in runs:
        place = landing(before, after.document, run.node, change.mapping)
        if place is not None:
            places[run.id] = place
        elif not run.parent or not ends(before, after.document, run.node, change.mapping):
            why = f"version {change.version} has no place for it"
            passing.step("lifted", whole, branch="stays", why=why, detail=_detail(whole, change))
            return
    for run in runs:
        if run.id in passing.gone:
            continue
        if run.id in places and not (run.parent and ends(before, after.document, run.node, change.mapping)):
            _bring_over(passing, run, places[run.id], after, change)
        else:
            _end_branch(passing, run, after, change)


def _bring_over(passing: Pass, run: Run, place: str, compiled: Compiled, change: PlanChange) -> None:
    same = passing.plan.compiled(run.journey, run.version).node(run.node).KIND == compiled.node(place).KIND
    detail = _detail(run, change)
    phase, _, join = run.phase.partition(":")
    if join:
        run.phase = f"{phase}:{(change.mapping or {}).get(join, join)}"
    run.version, run.node = change.version, place
    passing.step("lifted", run, branch="moved", why=f"version {change.version} was published", detail=detail)
    passing.moved[run.id] = run
    if place in compiled.on_circle:
        run.rounds.setdefault(place, 1)
    run.exit_at = None
    conditions = compiled.document.exit.conditions
    if conditions and not run.parent and leaves_by_condition(passing, compiled, run):
        return
    if run.phase == "frozen":
        return
    if not same:
        _arrive_anew(passing, compiled, run)
    elif run.phase == "delayed":
        timing = compiled.document.nodes[place].timing
        acts_at = run.since if timing is None else timing.acts_at(run.since, passing.zone)
        run.until = shortened(RunTurn(passing, compiled, run), acts_at)
    else:
        _time_anew(passing, compiled, run)


def _arrive_anew(passing: Pass, compiled: Compiled, run: Run) -> None:
    """Another kind of node: what was going on at the old one is over. The move has a number of its own, as effects have."""
    if run.phase in OUTSIDE:
        passing.effects.append(Withdraw(f"{run.id}.{run.move}"))
    leave(passing, family(passing.profile, run)[1:])
    run.move += 1
    run.phase, run.until = "", None
    enter(passing, compiled, run)


def _time_anew(passing: Pass, compiled: Compiled, run: Run) -> None:
    def ask(turn: RunTurn) -> Answer | None:
        answer = compiled.node(run.node).moved(turn)
        if isinstance(answer, Park):
            # A wait that is over is not gone on with here but when its turn comes, in order of time: the person wakes next.
            run.until = shortened(turn, answer.until)
            return None
        return answer

    walk(passing, RunTurn(passing, compiled, run), ask)


def _end_branch(passing: Pass, run: Run, compiled: Compiled, change: PlanChange) -> None:
    leave(passing, family(passing.profile, run)[1:])
    onward = over(passing, RunTurn(passing, compiled, run), "", f"version {change.version} does not have its branch")
    if onward is not None:
        walk(passing, onward[0], lambda _: onward[1])


def _detail(run: Run, change: PlanChange) -> dict[str, object]:
    return {"from": run.version, "to": change.version, "node": run.node}


def _target(new: Document, node: str, mapping: _Mapping) -> str | None:
    target = (mapping or {}).get(node, node)
    return target if target in new.nodes else None


def _kind(document: Document, node: str) -> str:
    return document.nodes[node].node.KIND


def _branches_of(document: Document, parallel: str) -> tuple[dict[str, set[str]], set[str]]:
    """The nodes on the branches of a `parallel`, each with the names of these branches; and the joins to which they come."""
    on, joins = dict[str, set[str]](), set[str]()
    for branch in document.nodes[parallel].node.branches():
        todo = [(document.nodes[parallel].target(branch), 0)]
        for node, depth in todo:
            if node is None or branch in on.get(node, ()):
                continue
            if _kind(document, node) == "join":
                if depth == 0:
                    joins.add(node)
                    continue
                depth -= 1
            elif _kind(document, node) == "parallel":
                depth += 1
            on.setdefault(node, set()).add(branch)
            todo += [(following, depth) for following in sorted(targets(document.nodes[node]))]
    return on, joins
