"""A person turns out to be another, or wants to be forgotten: handing a state over, taking one in, emptying it.

What becomes of two histories is merge.py's business; here is when it happens and what is left behind.
"""

from __future__ import annotations

from wend.core.effects import Relay
from wend.core.inputs import MergeOut, MergeState
from wend.core.journey.ending import finish
from wend.core.journey.happened import Merged
from wend.core.journey.membership import joined, left
from wend.core.journey.step import handle
from wend.core.journey.turn import Pass
from wend.core.merge import absorb, arrived
from wend.core.pack import pack
from wend.core.profile import Profile


def hand_over(passing: Pass, input: MergeOut) -> None:
    """This person turned out to be another: relay the state there and become a tombstone (engine.md 13)."""
    profile = passing.profile
    packed = pack(profile)
    passing.effects.append(Relay(input.survivor, MergeState(profile.id, input.at, packed, profile.attributes)))
    passing.gone |= {run.id for run in profile.runs}
    passing.moved.clear()
    left(passing)
    _empty(profile)
    profile.survivor = input.survivor


def take_in(passing: Pass, input: MergeState) -> None:
    """The state of somebody who turned out to be this person has arrived: unite the two, and let runs and triggers hear of it."""
    profile = passing.profile
    if input.absorbed in profile.awaiting:
        profile.awaiting.remove(input.absorbed)
    if input.state is not None:
        other = arrived(input, input.state)
        absorb(passing, other)
        joined(passing, other)
    handle(passing, [Merged()])


def forget(passing: Pass) -> None:
    """Nothing of this person is kept but the number (engine.md 15)."""
    profile = passing.profile
    for run in list(profile.runs):
        finish(passing, run, "erased")
    _empty(profile)
    profile.erased = True


def _empty(profile: Profile) -> None:
    blank = Profile(profile.id, plan=profile.plan, last=profile.last, next_run=profile.next_run)
    for name in Profile.__slots__:
        setattr(profile, name, getattr(blank, name))
    profile.attributes_changed = True
