"""`react` held to its promises on histories drawn at random (journeys.md rules 1 to 3, engine.md 3, 11, 16, 17)."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.journey.story import DAY, HOUR, MINUTE, MONDAY, journey, plan_of

from wend.core.effects import Effect, Relay, Send, Step
from wend.core.inputs import Consent, Event, Feedback, Group, Identify, Input, Start, Suppress
from wend.core.pack import pack, unpack
from wend.core.plan import ChangeKind, Plan, PlanChange
from wend.core.profile import MAX_KEYS, MAX_RUNS, Profile
from wend.core.react import Decision, react, wakes_at

JOURNEYS = [
    journey(
        {
            "w": {"wait_for_event": {"event": "Bought", "timeout": "2h"}, "happened": "over", "timed_out": "c"},
            "c": {"check": {"cart": {"items": {"gt": 0}}}, "yes": "s", "no": "s"},
            "s": {"send": {"channel": ["sms", "email"], "template": "t"}, "next": "d", "failed": "over"},
            "d": {"wait": "1d", "next": "r"},
            "r": {
                "send": {"channel": {"same_as": "s"}, "template": "u", "ttl": "6h"},
                "next": "over",
                "dropped": "tag",
            },
            "tag": {"add_tag": "lost", "next": "over"},
        },
        id="cart",
        key="k",
        exit_when={"event": "Bought"},
        goal={"event": "Bought", "within": "7d", "value": "total"},
        on=[{"event": "Go"}, {"event": "Product Added", "where": {"property": "total", "gt": 5}}],
    ),
    journey(
        {
            "c": {"check": {"all": [{"run_age": {"lt": "20d"}}, {"rounds": {"lt": 9}}]}, "yes": "a", "no": "over"},
            "a": {"adjust_score": 7, "next": "w"},
            "w": {"wait": "7h", "next": "c"},
        },
        id="loop",
        exit_when=[{"tag": "gone"}, {"inactive": "9d"}],
    ),
    journey(
        {
            "w": {
                "wait_for_condition": {
                    "any": [{"event": "Viewed", "count": {"gte": 2}, "within": "1d"}, {"inactive": "4d"}],
                    "timeout": "6d",
                },
                "happened": "e",
                "timed_out": "e",
            },
            "e": {"emit": {"event": "Done", "properties": {"n": {"attribute": "n"}}}, "next": "over"},
        },
        id="conditions",
        reentry={"after": "1d"},
        on={"event": ["Viewed", "Go"]},
    ),
    journey(
        {
            "d": {"wait_for_date": {"attribute": "due", "before": "2d", "at": "09:00"}, "next": "s", "passed": "s"},
            "s": {"send": {"channel": "email", "template": "due", "transactional": True}, "next": "n"},
            "n": {"set_attribute": {"attribute": "due", "value": {"attribute": "due", "plus": "5d"}}, "next": "over"},
        },
        id="dates",
        reentry="restart",
        on={"attribute_changed": "due"},
        active={"to": "2026-04-15"},
    ),
    journey(
        {
            "x": {"split": {"weights": {"a": 1, "b": 2}}, "a": "t", "b": "n", "timing": {"delay": "3h"}},
            "t": {"add_tag": "gone", "next": "u"},
            "u": {
                "wait": "5h",
                "next": "v",
                "timing": {"slot": {"days": ["tue", "fri"], "from": "08:00", "to": "12:00"}},
            },
            "v": {"remove_tag": "gone", "next": "over"},
            "n": {
                "set_attribute": {"attribute": "n", "value": {"attribute": "n", "plus": 1, "default": 0}},
                "next": "over",
            },
        },
        id="changes",
        concurrency="many",
        on=[{"event": "Done"}, {"event": "Go"}, {"score_crossed": {"above": 20}}, "api"],
    ),
    journey(
        {
            "h": {"has_done": {"event": "Bought", "since": "entry"}, "yes": "over", "no": "e"},
            "e": {"emit": "Done", "next": "m"},
            "m": {
                "wait_for_condition": {"message": {"template": "t", "state": "opened"}, "timeout": "3d"},
                "happened": "q",
                "timed_out": "over",
            },
            "q": {"set_subscription": {"state": "unsubscribed", "channel": "sms"}, "next": "over"},
        },
        id="echo",
        on=[{"attribute_changed": "n"}, {"tag_added": "gone"}, {"message_opened": {"template": "u"}}],
        where={"not": {"attribute": "city", "is": "Rome"}},
    ),
    journey(
        {
            "p": {"parallel": ["mail", "ask", "more"], "mail": "m", "ask": "y", "more": "q"},
            "m": {"send": {"channel": {"best": ["email", "sms"]}, "template": {"email": "t", "sms": "u"}}, "next": "j"},
            "y": {
                "survey": {
                    "survey": "nps",
                    "channel": "email",
                    "template": "t",
                    "timeout": "2d",
                    "bands": {"x": [0, 9]},
                },
                "x": "j",
                "timed_out": "over",
            },
            "q": {"parallel": ["a", "b"], "a": "w", "b": "z"},
            "w": {
                "wait_for_event": {"event": ["Viewed", "Bought"], "timeout": "1d"},
                "happened": "k",
                "timed_out": "k",
            },
            "z": {"split": {"weights": {"a": 1, "b": 1}, "sticky": True}, "a": "e", "b": "f"},
            "e": {"emit": "Done", "next": "k"},
            "f": {"wait_for_slot": {"best_time": {"channel": "email"}}, "next": "k"},
            "k": {"join": {}, "next": "j"},
            "j": {"join": {}, "next": "c"},
            "c": {"check": {"rounds": {"lt": 3}, "node": "q"}, "yes": "p", "no": "over"},
        },
        id="ways",
        exit_when=[{"event": "Order Completed"}, {"tag": "gone"}],
        goal={"event": "Bought", "within": "7d"},
        reentry="restart",
        on=[{"event": ["Go", "Viewed"]}],
    ),
]

Log = list[tuple[int, Input]]
NIGHT = {"quiet_hours": {"email": {"from": "21:00", "to": "08:00"}}, "zone": "Europe/Berlin"}

PLANS = [
    plan_of(*JOURNEYS),
    plan_of(*JOURNEYS, settings=NIGHT),
    plan_of(*JOURNEYS[:3]),
    plan_of(*JOURNEYS[3:], settings=NIGHT),
]
plans = st.sampled_from(PLANS)
gaps = st.sampled_from([0, 1, MINUTE, 20 * MINUTE, HOUR, 7 * HOUR, DAY, 3 * DAY, 10 * DAY])
names = st.sampled_from(["Go", "Bought", "Viewed", "Product Added", "Done"])
properties = st.fixed_dictionaries(
    {"k": st.integers(1, 3)}, optional={"total": st.integers(0, 30), "product_id": st.just("p")}
)
whats = st.one_of(
    st.builds(lambda name, props: Event(name, 0, props), names, properties),
    st.builds(lambda name: Event(name, 0), names),
    st.builds(lambda due: Identify({"due": due}, 0), st.sampled_from(["2026-03-20", "2026-05-01", 1775001600, None])),
    st.builds(
        lambda city, zone: Identify({"city": city, "timezone": zone}, 0),
        st.sampled_from(["Oslo", "Rome"]),
        st.sampled_from(["Asia/Tokyo", None]),
    ),
    st.builds(
        lambda state, channel: Consent(state, 0, channel),
        st.sampled_from(["subscribed", "unsubscribed"]),
        st.sampled_from(["email", "sms"]),
    ),
    st.builds(lambda lift: Suppress("asked", 0, "email", lift=lift), st.booleans()),
    st.just(Start("changes", 0)),
    st.just(Group("acme", {"seats": 5}, 0)),
)


@st.composite
def logs(draw: st.DrawFn) -> Log:
    """Inputs of one person with their log times; some late, some with a clock that is ahead."""
    now = MONDAY
    log: Log = [
        (now, Identify({"email": "a@example.com", "phone": "+4915112345678", "k": 1}, now, user_id="u")),
        (now, Consent("subscribed", now, "email")),
    ]
    for what, gap, late in draw(
        st.lists(st.tuples(whats, gaps, st.sampled_from([0, 0, 0, HOUR, 4 * DAY, -HOUR])), max_size=15)
    ):
        now += gap
        log.append((now, replace(what, at=now - late)))
    return log


class Life:
    """What came of a log. Sends are accepted two minutes later and opened five later, emitted events come back after one."""

    def __init__(self, plan: Plan, log: Log, end: int) -> None:
        self.plan = plan
        self.profile = Profile(77, plan=plan.number)
        self.effects: list[Effect] = []
        self.steps: list[Step] = []
        self.todo = [(at, number, input) for number, (at, input) in enumerate(log)]
        heapq.heapify(self.todo)
        while True:
            due = wakes_at(plan, self.profile)
            at = min(self.todo[0][0] if self.todo else end, end)
            if due is not None and due <= at:
                self.react(None, due)
            elif self.todo and at < end + 1 and self.todo[0][0] <= end:
                at, _, input = heapq.heappop(self.todo)
                self.react(input, at)
            else:
                break
        self.react(None, end)

    def react(self, input: Input | None, now: int) -> None:
        before, known = self.profile.last, len(self.effects)
        self.profile = stored(self.profile)
        decision = react(self.plan, self.profile, input, now, None)
        hold(self.plan, decision, max(now, before), before)
        self.profile = decision.profile
        self.effects += decision.effects
        self.steps += decision.steps
        for number, effect in enumerate(decision.effects, known + 1_000):
            if isinstance(effect, Send):
                fate = (effect.run, effect.move, effect.journey, effect.node, effect.channel, effect.template)
                for state, later in (("accepted", 2), ("opened", 5)):
                    at = self.profile.last + later * MINUTE
                    heapq.heappush(self.todo, (at, number * 10 + later, Feedback(effect.id, state, at, *fate)))  # pyright: ignore[reportArgumentType]
            elif isinstance(effect, Relay):
                heapq.heappush(self.todo, (self.profile.last + MINUTE, number * 10, effect.input))


def stored(profile: Profile) -> Profile:
    """The profile as it comes back from the database."""
    packed = msgspec.msgpack.decode(msgspec.msgpack.encode(pack(profile)))
    return unpack(profile.id, packed, msgspec.json.decode(msgspec.json.encode(profile.attributes)))


def hold(plan: Plan, decision: Decision, now: int, before: int) -> None:
    """What holds after every single `react`."""
    profile = decision.profile
    assert decision.wakes_at is None or decision.wakes_at > now, "nobody waits for the past"
    assert decision.wakes_at == wakes_at(plan, profile)
    assert profile.last == now >= before, "now never falls"
    assert all(before <= step.at <= now for step in decision.steps)
    assert [step.at for step in decision.steps] == sorted(step.at for step in decision.steps)
    inside = {run.id for run in profile.runs}
    assert inside.isdisjoint(decision.gone) and {run.id for run in decision.moved} <= inside
    assert [run.started for run in profile.runs] == sorted(run.started for run in profile.runs)
    assert len(profile.runs) <= MAX_RUNS and all(len(records) <= MAX_KEYS for records in profile.past.values())
    assert all(len(kept) <= 101 for kept in profile.windows.values())
    assert not any(step.kind == "failed" and "moves" in step.why for step in decision.steps)


QUICK = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(plans, logs())
def test_the_same_log_gives_the_same_and_no_effect_id_comes_twice(plan: Plan, log: Log) -> None:
    end = log[-1][0] + 30 * DAY
    one, two = Life(plan, log, end), Life(plan, log, end)
    assert one.effects == two.effects and one.steps == two.steps
    assert pack(one.profile) == pack(two.profile)
    asked = [effect.id for effect in one.effects if isinstance(effect, Send)]
    asked += [
        f"e{effect.input.message_id}"
        for effect in one.effects
        if isinstance(effect, Relay) and isinstance(effect.input, Event)
    ]
    assert max(Counter(asked).values(), default=1) == 1
    places = Counter((step.run, step.move) for step in one.steps if step.kind in ("moved", "dropped"))
    assert max(places.values(), default=1) == 1, "a move has one number"


@QUICK
@given(plans, logs())
def test_an_input_heard_again_after_a_crash_asks_for_the_same_effects(plan: Plan, log: Log) -> None:
    """`react`, then a crash before the commit: the same input on the same state asks under the same ids."""
    at, input = log.pop()
    profile = Life(plan, log, at - 1 if log[-1][0] < at else at).profile
    one, two = (react(plan, stored(profile), input, at, None) for _ in range(2))
    assert one.effects == two.effects and one.steps == two.steps and one.wakes_at == two.wakes_at
    assert pack(one.profile) == pack(two.profile)


@QUICK
@given(plans, logs(), st.integers(0, 40 * DAY))
def test_waking_at_each_instant_or_all_at_once_later_gives_the_same(plan: Plan, log: Log, after: int) -> None:
    """The engine may fire timers one by one as they fall due, or together after a backlog: nobody can tell."""
    profile = Life(plan, log, log[-1][0]).profile
    end = profile.last + after
    outcomes: list[Any] = []
    for each in (True, False):
        mine = stored(profile)
        effects: list[Effect] = []
        steps: list[Step] = []
        while each and (due := wakes_at(plan, mine)) is not None and due <= end:
            decision = react(plan, stored(mine), None, due, None)
            mine, effects, steps = decision.profile, effects + decision.effects, steps + decision.steps
        decision = react(plan, stored(mine), Event("Go", end), end, None)
        effects, steps = effects + decision.effects, steps + decision.steps
        outcomes.append((effects, steps, pack(decision.profile), decision.profile.attributes, decision.wakes_at))
    assert outcomes[0] == outcomes[1]


lives: st.SearchStrategy[list[ChangeKind]] = st.sampled_from(
    [["pause", "resume"], ["pause", "sunset"], ["stop"], ["sunset"], ["pause", "resume", "pause"]]
)


@QUICK
@given(plans, logs(), st.sampled_from(["cart", "loop", "conditions"]), lives, st.lists(gaps, min_size=4, max_size=4))
def test_a_person_lifted_at_each_change_or_over_all_of_them_later_ends_the_same(
    plan: Plan, log: Log, id: str, acts: list[ChangeKind], waits: list[int]
) -> None:
    """The engine fires what is due up to a change before it (it is a row of the log); the sweep after it may take its time."""
    if id not in plan.journeys:
        return
    profile = Life(plan, log, log[-1][0]).profile
    at = profile.last
    outcomes: list[Any] = []
    for early in (True, False):
        mine, grown, now = stored(profile), plan, at
        effects: list[Effect] = []
        steps: list[Step] = []
        for act, wait in zip(acts, waits, strict=False):
            now += wait
            change = PlanChange(grown.number + 1, now, act, id)
            for first, last in ((now, False), (now, True)):
                if last:
                    grown = grown.apply(change)
                if not early and (last or act != acts[0]):
                    continue  # not lifted in between
                decision = react(grown, stored(mine), None, first, None)
                mine, effects, steps = decision.profile, effects + decision.effects, steps + decision.steps
        now += waits[3]
        decision = react(grown, stored(mine), None, now, None)
        steps = [step for step in steps + decision.steps if step.journey == id and step.kind != "refused"]
        ids = [effect.id for effect in effects + decision.effects if isinstance(effect, Send) and effect.journey == id]
        outcomes.append((steps, ids, [run for run in decision.profile.runs if run.journey == id]))
    if not any(step.kind == "started" for outcome in outcomes for step in outcome[0]):
        assert outcomes[0] == outcomes[1]


@QUICK
@given(plans, logs())
def test_a_state_packs_and_unpacks_to_itself(plan: Plan, log: Log) -> None:
    profile = Life(plan, log, log[-1][0] + DAY).profile
    again = stored(profile)
    again.attributes_changed = profile.attributes_changed
    assert again == profile and pack(again) == pack(profile)
