"""What is known of two people who turned out to be one (engine.md 13)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.journey.story import MONDAY, Story, journey, plan_of

from wend.core.effects import Relay
from wend.core.inputs import MergeAwait, MergeOut, MergeState, Suppress
from wend.core.pack import pack
from wend.core.plan import Plan
from wend.core.profile import Profile, Run

LONG = {"w": {"wait": "30d", "next": "over"}}
X, U, V = 11, 22, 33


def people(*documents: dict[str, Any]) -> tuple[Story, Story]:
    """The absorbed (anonymous) and the survivor, in one workspace."""
    return Story(*documents, person=X, consent=(), email=None, phone=None), Story(*documents, person=U, consent=())


def merge(absorbed: Story, survivor: Story) -> MergeState:
    """Both hear of the merge at the survivor's now; returns the state that is on its way."""
    at = survivor.now = absorbed.now = max(survivor.now, absorbed.now)
    survivor.tell(MergeAwait(absorbed.profile.id, at))
    decision = absorbed.tell(MergeOut(survivor.profile.id, at))
    (relay,) = [effect for effect in decision.effects if isinstance(effect, Relay)]
    assert relay.profile == survivor.profile.id and isinstance(relay.input, MergeState)
    return relay.input


def joined(absorbed: Story, survivor: Story) -> Story:
    survivor.tell(merge(absorbed, survivor))
    return survivor


def absorbed(other: Profile, mine: Profile, plan: Plan | None = None) -> Profile:
    from wend.core.react import react

    mine.awaiting = [other.id]
    return react(
        plan or Plan.empty(), mine, MergeState(other.id, MONDAY, pack(other), other.attributes), MONDAY
    ).profile


def test_the_survivors_attributes_win_and_what_is_missing_is_filled() -> None:
    united = absorbed(Profile(X, {"city": "Rome", "age": 30}), Profile(U, {"city": "Oslo"}))
    assert united.attributes == {"city": "Oslo", "age": 30} and united.attributes_changed


def test_tags_and_scores_unite_within_their_bounds() -> None:
    one = Profile(X, tags=["a", "b"], score=9e8, known=True)
    two = Profile(U, tags=["b", "c"], score=9e8)
    united = absorbed(one, two)
    assert (united.tags, united.score, united.known) == (["b", "c", "a"], 1e9, True)
    many = absorbed(Profile(X, tags=[f"x{n}" for n in range(90)]), Profile(U, tags=[f"u{n}" for n in range(90)]))
    assert len(many.tags) == 100 and "u89" in many.tags


@pytest.mark.parametrize(
    ("mine", "others", "expected"),
    [
        (["subscribed", 5], ["unsubscribed", 9], "unsubscribed"),
        (["subscribed", 9], ["unsubscribed", 5], "subscribed"),
        (["subscribed", 5], ["unsubscribed", 5], "unsubscribed"),
        (["unsubscribed", 5], ["subscribed", 5], "unsubscribed"),
        (None, ["subscribed", 5], "subscribed"),
    ],
)
def test_of_two_answers_the_later_counts_and_at_the_same_instant_the_no(mine: Any, others: Any, expected: str) -> None:
    united = absorbed(
        Profile(X, consent={"email": others}, topics={"news": others}),
        Profile(U, consent={"email": mine} if mine else {}, topics={"news": mine} if mine else {}),
    )
    assert united.consent["email"][0] == united.topics["news"][0] == expected


def test_of_too_many_answers_and_suppressions_the_weightiest_are_kept() -> None:
    topics = {f"x{n}": ["subscribed", 1] for n in range(49)} | {"no": ["unsubscribed", 1]}
    soft = {f"soft:email:{n}@x.de": "1" for n in range(49)} | {"sms": "asked"}
    united = absorbed(
        Profile(X, topics=topics, suppressed=soft),
        Profile(
            U,
            topics={f"u{n}": ["subscribed", 1] for n in range(50)},
            suppressed={f"email:{n}@x.de": "bounced" for n in range(40)},
        ),
    )
    assert len(united.topics) == len(united.suppressed) == 50
    assert "no" in united.topics and "sms" in united.suppressed
    assert sum(name.startswith("email:") for name in united.suppressed) == 40


def test_devices_unite_the_ten_seen_last() -> None:
    one = Profile(X, devices={"web_push": {"a": 5, "both": 9}, "mobile_push": {f"x{n}": n for n in range(10)}})
    two = Profile(U, devices={"web_push": {"both": 1}, "mobile_push": {f"u{n}": 100 + n for n in range(5)}})
    united = absorbed(one, two)
    assert united.devices["web_push"] == {"both": 9, "a": 5}
    assert (
        len(united.devices["mobile_push"]) == 10
        and "u0" in united.devices["mobile_push"]
        and "x4" not in united.devices["mobile_push"]
    )


def test_facts_unite() -> None:
    one, two = Profile(X), Profile(U)
    one.facts.first_seen, one.facts.last_seen, one.facts.sessions = 10, 50, 2
    one.facts.orders, one.facts.revenue, one.facts.last_order_at, one.facts.currency = 1, 0.1, 40, "EUR"
    two.facts.first_seen, two.facts.last_seen, two.facts.sessions = 20, 30, 3
    two.facts.orders, two.facts.revenue, two.facts.last_order_at = 2, 0.2, 25
    facts = absorbed(one, two).facts
    assert (facts.first_seen, facts.last_seen, facts.sessions) == (10, 50, 5)
    assert (facts.orders, facts.revenue, facts.last_order_at, facts.currency) == (3, 0.3, 40, "EUR")
    assert absorbed(Profile(X), Profile(U)).facts.first_seen == 0


def test_the_cart_that_changed_last_is_the_cart_and_what_was_bought_since_is_not_in_it() -> None:
    def line(at: int, id: str) -> dict[str, Any]:
        return {"product_id": id, "quantity": 1, "at": at}

    one, two = Profile(X), Profile(U)
    one.facts.cart, one.facts.cart_id, one.facts.cart_changed_at = [line(30, "old"), line(50, "new")], "x", 50
    two.facts.cart, two.facts.cart_id, two.facts.cart_changed_at = [line(20, "mine")], "u", 20
    two.facts.last_order_at = 40
    facts = absorbed(one, two).facts
    assert ([one["product_id"] for one in facts.cart], facts.cart_id) == (["new"], "x")


def test_recent_things_unite_each_once_latest_first() -> None:
    one, two = Profile(X), Profile(U)
    one.facts.recent = {
        "viewed": [{"product_id": "a", "at": 9}, {"list": "shoes", "at": 2}],
        "searched": [{"query": "x", "at": 1}],
    }
    two.facts.recent = {"viewed": [{"product_id": "a", "at": 5}, {"product_id": "b", "at": 4}]}
    assert absorbed(one, two).facts.recent == {
        "viewed": [{"product_id": "a", "at": 9}, {"product_id": "b", "at": 4}, {"list": "shoes", "at": 2}],
        "searched": [{"query": "x", "at": 1}],
    }


def test_windows_and_messages_unite_and_what_nobody_reads_goes() -> None:
    nodes = {
        "c": {
            "check": {"all": [{"event": "V", "count": {"gte": 3}}, {"message": {"template": "t"}}]},
            "yes": "over",
            "no": "over",
        }
    }
    document = journey(nodes)
    anonymous, survivor = people(document)
    anonymous.event("V")
    anonymous.skip("1h")
    survivor.event("V")
    survivor.event("V")
    anonymous.profile.windows["unknown"] = [1]
    anonymous.profile.messages = [[f"b-1.{n}", "j", "n", "email", "t", n * 2] for n in range(15)]
    survivor.profile.messages = [[f"16-1.{n}", "j", "n", "email", "t", n * 2 + 1] for n in range(15)]
    joined(anonymous, survivor)
    assert list(survivor.profile.windows.values()) == [[MONDAY, MONDAY, MONDAY]]
    assert [message[5] for message in survivor.profile.messages] == list(range(10, 30))


def test_suppression_of_either_holds() -> None:
    anonymous, survivor = people(journey(LONG))
    anonymous.tell(Suppress("asked", anonymous.now, "sms"))
    survivor.tell(Suppress("bounced", survivor.now, "email"))
    joined(anonymous, survivor)
    assert survivor.profile.suppressed == {"sms": "asked", "email": "bounced"}


def test_no_more_than_a_hundred_keys_also_after_a_merge_and_open_ones_stay() -> None:
    one, two = Profile(X), Profile(U)
    one.past = {"j": [[n, n, n + 1, 1, f"b-{n}", False] for n in range(80)]}
    two.past = {"j": [[1000 + n, 100 + n, 200 + n, 1, f"16-{n}", False] for n in range(80)]}
    two.runs = [Run("16-900", "j", 1, "w", 1, 1, key=5000)]
    two.past["j"].insert(0, [5000, 1, 0, 1, "16-900", False])
    united = absorbed(one, two, plan_of(journey(LONG)))
    assert len(united.past["j"]) == 100 and any(record[0] == 5000 for record in united.past["j"])
