"""A state as it is stored: nothing is lost, older releases are read, and it stays small."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.journey.story import DAY, HOUR, MINUTE, MONDAY, journey

from wend.content.documents import read
from wend.core.effects import Relay, Send
from wend.core.inputs import Consent, Event, Feedback, Identify
from wend.core.pack import pack, pack_facts, pack_run, unpack, unpack_facts, unpack_run
from wend.core.plan import Plan, PlanChange
from wend.core.profile import Facts, Profile, Run
from wend.core.react import react, wakes_at

GALLERY = Path(__file__).parents[3] / "src/wend/templates/journeys"

texts = st.text(max_size=5)
plain = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | texts
mappings = st.dictionaries(texts, plain, max_size=2)
ints = st.integers(0, 2**45)
runs = st.builds(
    Run,
    id=texts.filter(lambda id: id[:1] != "-") | st.just("7-3"),
    journey=texts,
    version=ints,
    node=texts,
    started=ints,
    trigger_at=ints,
    key=plain,
    move=ints,
    entered=ints,
    since=ints,
    until=st.none() | ints,
    entry=mappings,
    event=mappings,
    sends=st.dictionaries(texts, st.lists(plain, max_size=3), max_size=1),
    saved=mappings,
    rounds=st.dictionaries(texts, ints, max_size=1),
    phase=texts,
    goal=st.booleans(),
    hops=st.integers(0, 20),
    exit_at=st.none() | ints,
)
own = st.integers(1, 99).map(lambda n: f"7-{n}")
records = st.tuples(plain, ints, ints, ints, texts.filter(lambda id: id[:1] != "-") | own, st.booleans()).map(list)
lists = st.lists(st.dictionaries(texts, plain, max_size=2), max_size=2)
facts = st.builds(
    Facts,
    first_seen=ints,
    last_seen=ints,
    sessions=ints,
    orders=ints,
    revenue=st.floats(allow_nan=False),
    last_order_at=ints,
    cart=lists,
    cart_id=plain,
    currency=texts,
    cart_changed_at=ints,
    recent=st.dictionaries(texts, lists, max_size=1),
)
answers = st.dictionaries(texts, st.lists(plain, max_size=2), max_size=2)
profiles = st.builds(
    Profile,
    id=st.just(7),
    attributes=mappings,
    plan=ints,
    last=ints,
    next_run=st.integers(1, 9),
    known=st.booleans(),
    tags=st.lists(texts, max_size=2),
    score=st.floats(allow_nan=False),
    consent=answers,
    topics=answers,
    suppressed=st.dictionaries(texts, texts, max_size=2),
    devices=st.dictionaries(texts, st.dictionaries(texts, ints, max_size=2), max_size=2),
    facts=facts,
    windows=st.dictionaries(texts, st.lists(ints, max_size=3), max_size=2),
    runs=st.lists(runs, max_size=2),
    past=st.dictionaries(texts, st.lists(records, max_size=2), max_size=2),
    messages=st.lists(st.lists(plain, max_size=7), max_size=2),
    awaiting=st.lists(ints, max_size=1),
    survivor=ints,
    erased=st.booleans(),
)
# Most values are their default most of the time: what is cut off must come back.
sparse = st.builds(
    lambda full, kept: Profile(7, **{one.name: getattr(full, one.name) for one in fields(Profile) if one.name in kept}),
    profiles,
    st.sets(
        st.sampled_from([one.name for one in fields(Profile) if one.name not in ("id", "attributes_changed")]),
        max_size=4,
    ),
)


def through_bytes(packed: list[Any]) -> list[Any]:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(packed))


@given(profiles | sparse)
def test_a_person_comes_back_as_they_were(profile: Profile) -> None:
    assert unpack(7, through_bytes(pack(profile)), profile.attributes) == profile
    assert unpack(7, through_bytes(pack(unpack(7, through_bytes(pack(profile)))))).runs == profile.runs


@given(runs, facts)
def test_a_run_and_the_facts_come_back_as_they_were(run: Run, found: Facts) -> None:
    assert unpack_run(through_bytes(pack_run(run, 7)), 7) == run
    assert unpack_facts(through_bytes(pack_facts(found))) == found


def test_a_new_person_takes_no_room() -> None:
    assert pack(Profile(7)) == [] and unpack(7, []) == Profile(7)


def test_the_event_that_started_a_run_is_stored_once() -> None:
    run = Run("a", "j", 1, "n", 1, 1, entry={"city": "Oslo"})
    run.event = run.entry
    assert str(pack_run(run, 7)).count("Oslo") == 1
    again = unpack_run(through_bytes(pack_run(run, 7)), 7)
    assert again == run and again.event is again.entry


@given(profiles, st.integers(0, 18))
def test_the_shorter_list_of_an_older_release_is_filled_up(profile: Profile, size: int) -> None:
    older = through_bytes(pack(profile))[:size]
    found = unpack(7, older)
    names = [one.name for one in fields(Profile)][2:]
    for at, name in enumerate(names[:-1]):
        assert getattr(found, name) == getattr(profile if at < len(older) else Profile(7), name)


def test_every_field_is_packed() -> None:
    """A field added to the dataclasses must be added to pack.py."""
    assert len(fields(Profile)) - len({"id", "attributes", "attributes_changed"}) == len(pack(Profile(7, erased=True)))
    full = Run("a", "j", 1, "n", 1, 1, arms={"split": "b"})
    assert len(fields(Run)) == len(pack_run(full, 7))
    assert len(fields(Facts)) == len(pack_facts(Facts(recent={"viewed": []})))


SHOP = ["cart-recovery", "app-download", "trial-welcome", "unopened-reminder", "win-back"]
CONDITIONED = journey(
    {"c": {"check": {"event": "Product Viewed", "count": {"gte": 5}, "within": "30d"}, "yes": "over", "no": "over"}},
    id="conditioned",
    on="Asked",
)


@pytest.mark.parametrize("pace", [pytest.param(2, id="2 visits a week"), pytest.param(14, id="2 visits a day")])
def test_the_state_stays_small_through_a_year_of_events_in_five_journeys(
    pace: int, record_property: Callable[[str, object], None]
) -> None:
    """engine.md 16: state and attributes together < 2 KB. `reads` as publishing gives them for the gallery's templates."""
    reads = {"entry": ["name", "image_url", "total"], "event": ["name"], "facts": []}
    plan = Plan.empty()
    for id in SHOP:
        plan = plan.apply(PlanChange(plan.number + 1, 0, "publish", id, 1, read(GALLERY / f"{id}.yaml"), reads))
    plan = plan.apply(PlanChange(plan.number + 1, 0, "publish", "conditioned", 1, CONDITIONED, {}))
    draw = random.Random(pace)
    attributes = {
        "email": "ann.somebody@example.com",
        "phone": "+4915112345678",
        "first_name": "Ann",
        "city": "Oslo",
        "timezone": "Europe/Oslo",
    }
    profile = Profile(8_123_456_789_012_345_678, plan=plan.number)
    sizes: list[int] = []
    most_besides_the_cart = 0
    now = MONDAY

    def tell(input: Any, at: int) -> None:
        nonlocal profile, most_besides_the_cart
        profile = unpack(profile.id, through_bytes(pack(profile)), profile.attributes)
        decision = react(plan, profile, input, at, None)
        for effect in decision.effects:
            if isinstance(effect, Send):
                fate = (
                    effect.run,
                    effect.move,
                    effect.journey,
                    effect.node,
                    effect.channel,
                    effect.template,
                    effect.to,
                )
                for state in ("accepted", "delivered", "opened"):
                    tell(Feedback(effect.id, state, at, *fate), at)  # pyright: ignore[reportArgumentType]
            assert not isinstance(effect, Relay)
        sizes.append(len(msgspec.msgpack.encode(pack(profile))) + len(msgspec.json.encode(profile.attributes)))
        most_besides_the_cart = max(most_besides_the_cart, sizes[-1] - len(msgspec.msgpack.encode(profile.facts.cart)))

    tell(Identify(attributes, now, user_id="u"), now)
    for channel in ("email", "sms"):
        tell(Consent("subscribed", now, channel), now)
    tell(Event("Trial Started", now), now)
    for day in range(365):
        if draw.random() >= pace / 7:
            continue
        at = now + day * DAY + draw.randrange(DAY // 2)
        while (due := wakes_at(plan, profile)) is not None and due <= at:
            tell(None, due)
        cart = f"c-{day}-{draw.randrange(10**8)}"
        for _ in range(draw.randrange(1, 6)):
            at += draw.randrange(5 * MINUTE)
            number = draw.randrange(500)
            product = {
                "product_id": f"sku-{number:05}",
                "name": f"Product number {number} in blue",
                "category": f"Category {number % 7}",
                "price": number / 10,
                "url": f"https://shop.example.com/products/{number}",
                "image_url": f"https://shop.example.com/images/{number}.jpg",
            }
            tell(Event("Product Viewed", at, product), at)
            if draw.random() < 0.2:
                tell(Event("Product Added", at, {**product, "cart_id": cart, "quantity": 1}), at)
        if draw.random() < 0.15:
            tell(
                Event(
                    "Order Completed",
                    at + HOUR,
                    {"order_id": f"o{day}", "total": 59.9, "currency": "EUR"},
                    {"page": {"path": "/"}},
                ),
                at + HOUR,
            )
        if draw.random() < 0.02:
            tell(Event("Offer Announced", at + HOUR, {"offer_id": f"offer-{day}"}), at + HOUR)
    sizes.sort()
    record_property(
        "state and attributes, bytes: median, 90 %, most",
        (sizes[len(sizes) // 2], sizes[len(sizes) * 9 // 10], sizes[-1]),
    )
    # Measured 994 and 1,322; above 2 KB are only people with a dozen different things in the cart (230 bytes each).
    assert sizes[len(sizes) // 2] < 1_500
    assert most_besides_the_cart < 2_048
