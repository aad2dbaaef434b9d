"""Whatever is published while people are inside: lifted at once or later, they come to the same (journeys.md rule 8, engine.md 17)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.core.journey.story import DAY, HOUR, MINUTE, MONDAY, journey
from tests.core.journey.test_react_properties import QUICK, stored

from wend.core.effects import Send, Step
from wend.core.inputs import Event
from wend.core.pack import pack
from wend.core.plan import Plan, PlanChange
from wend.core.profile import Profile
from wend.core.react import react

_LENGTHS = st.sampled_from(["1h", "5h", "2d"])
_DOCUMENTS = st.builds(
    lambda wait, timeout, delay, exit, key: journey(
        {
            "a": {"wait": wait, "next": "s", **({"timing": {"delay": delay}} if delay else {})},
            "s": {"send": {"channel": "email", "template": wait}, "next": "e", "dropped": "e"},
            "e": {"wait_for_event": {"event": "E", "timeout": timeout}, "happened": "c", "timed_out": "a"},
            "c": {"wait_for_condition": {"inactive": timeout, "timeout": "4d"}, "happened": "over", "timed_out": "a"},
        },
        exit_when={"inactive": exit},
        key=key,
        reentry="restart",
    ),
    _LENGTHS,
    _LENGTHS,
    st.none() | _LENGTHS,
    st.sampled_from(["3d", "9d"]),
    st.sampled_from(["k", "k", "k2"]),
)
_POLICIES = st.sampled_from(["move", "move", "move", "exit", "keep"])
_ACTS = st.lists(
    st.tuples(
        st.sampled_from([0, MINUTE, HOUR, 6 * HOUR, DAY]),
        st.tuples(_DOCUMENTS, _POLICIES, st.sampled_from([None, {"a": "e"}, {"e": "s", "c": "a"}]))
        | st.sampled_from(["Go", "E", "pause"]),
    ),
    min_size=3,
    max_size=12,
)
Outcome = tuple[list[Step], list[str], Any, Any]


def _live(acts: list[Any], first: dict[str, Any], *, early: bool) -> Outcome:
    """One life; `early`: lifted at every publication, else when something happens to the person."""
    plan = Plan.empty().apply(PlanChange(1, 0, "publish", "j", 1, first))
    profile, now, version = Profile(7, plan=1), MONDAY, 1
    steps: list[Step] = []
    sends: list[str] = []

    def tell(input: Event | None) -> None:
        nonlocal profile
        decision = react(plan, stored(profile), input, now, None)
        profile = decision.profile
        assert decision.wakes_at is None or decision.wakes_at > now
        steps.extend(decision.steps)
        sends.extend(effect.id for effect in decision.effects if isinstance(effect, Send))

    tell(Event("Go", now, {"k": 1, "k2": 1}))
    for gap, act in acts:
        now += gap
        if isinstance(act, tuple):
            version += 1
            document, policy, mapping = act
            if early:
                tell(None)
            change = PlanChange(plan.number + 1, now, "publish", "j", version, document, None, policy, mapping)
            plan = plan.apply(change)
        elif act == "pause":
            if plan.journeys["j"].status != "live":
                continue
            if early:
                tell(None)
            plan = plan.apply(PlanChange(plan.number + 1, now, "pause", "j"))
        else:
            tell(Event(act, now, {"k": 1, "k2": 1}))
            continue
        if early:
            tell(None)
    now += DAY
    tell(None)
    return steps, sends, pack(profile), profile.attributes


@QUICK
@given(_DOCUMENTS, _ACTS)
def test_rule_08_lifted_at_once_or_later_people_come_to_the_same(first: dict[str, Any], acts: list[Any]) -> None:
    early, late = (_live(acts, first, early=one) for one in (True, False))
    assert early == late
    assert len(set(early[1])) == len(early[1]), "no effect id comes twice"
    assert not [step for step in early[0] if step.kind == "failed"]
