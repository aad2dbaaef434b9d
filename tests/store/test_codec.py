"""States and inputs as bytes: nothing is lost, older and newer releases are understood."""

from dataclasses import MISSING, fields
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wend.core.inputs import KINDS, Event, Feedback, Identify, Input, MergeState
from wend.core.pack import pack, pack_facts, pack_run, unpack, unpack_facts, unpack_run
from wend.core.profile import Facts, Profile, Run
from wend.store.codec import decode_input, decode_state, encode_attributes, encode_input, encode_state

texts = st.text(max_size=8)
instants = st.integers(0, 1 << 50)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 60), 1 << 60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, plain, max_size=3)
runs = st.builds(
    Run,
    id=st.builds("{}-{}".format, st.sampled_from(["7", "70", "b"]), texts),
    journey=texts,
    version=st.integers(0, 9),
    node=texts,
    started=instants,
    trigger_at=instants,
    key=st.sampled_from([None, 0, "", "k", 5]),
    move=st.integers(0, 9),
    entered=instants,
    since=instants,
    until=st.none() | instants,
    entry=objects,
    saved=objects,
    phase=st.sampled_from(["", "sent"]),
    goal=st.booleans(),
    hops=st.integers(0, 3),
    exit_at=st.none() | instants,
)
facts = st.builds(
    Facts,
    first_seen=instants,
    orders=st.integers(0, 3),
    revenue=st.floats(0, 1e9),
    cart=st.lists(objects, max_size=2),
    cart_id=st.sampled_from([None, 0, "", "c"]),
    currency=st.sampled_from(["", "EUR"]),
)
profiles = st.builds(
    Profile,
    id=st.just(7),
    plan=st.integers(0, 5),
    last=instants,
    next_run=st.integers(1, 4),
    known=st.booleans(),
    tags=st.lists(texts, max_size=2),
    score=st.floats(-1e6, 1e6),
    consent=st.dictionaries(texts, st.tuples(texts, instants).map(list), max_size=2),
    suppressed=st.dictionaries(texts, texts, max_size=2),
    facts=facts,
    windows=st.dictionaries(texts, st.lists(instants, max_size=3), max_size=2),
    runs=st.lists(runs, max_size=2),
    awaiting=st.lists(st.integers(1, 1 << 62), max_size=2),
    survivor=st.integers(0, 3),
    erased=st.booleans(),
)


@settings(max_examples=40)
@given(profiles)
def test_a_state_comes_back_as_it_was(profile: Profile) -> None:
    state = encode_state(profile)
    assert decode_state(7, state) == profile
    assert encode_state(decode_state(7, state)) == state


@settings(max_examples=40)
@given(runs)
def test_a_run_comes_back_as_it_was(run: Run) -> None:
    assert unpack_run(pack_run(run, 7), 7) == run


@settings(max_examples=40)
@given(facts)
def test_facts_come_back_as_they_were(found: Facts) -> None:
    assert unpack_facts(pack_facts(found)) == found


def sample(kind: Any) -> Any:
    """One instance with a value of its own in every field."""
    values: dict[str, Any] = {}
    for place, entry in enumerate(fields(kind)):
        if entry.type.startswith("bool"):
            values[entry.name] = True
        elif entry.name == "past":
            values[entry.name] = {"j": [[place, 1, 2, 3, "f-4", True]]}
        elif entry.type.startswith("dict"):
            values[entry.name] = {f"k{place}": place}
        elif entry.type.startswith("list[Run]"):
            values[entry.name] = [sample(Run)]
        elif entry.type.startswith("list"):
            values[entry.name] = [place]
        elif kind is Run and entry.name == "id":
            values[entry.name] = "f-9"
        elif entry.type == "Facts":
            values[entry.name] = sample(Facts)
        else:
            values[entry.name] = place + 100
    return kind(**values)


@pytest.mark.parametrize("kind", [Run, Facts])
def test_every_field_of_a_run_and_of_the_facts_is_packed_in_its_place(kind: Any) -> None:
    packed = pack_run(sample(kind), 7) if kind is Run else pack_facts(sample(kind))
    assert packed == [getattr(sample(kind), entry.name) for entry in fields(kind)]


def test_every_field_of_a_profile_is_packed_in_its_place() -> None:
    profile = sample(Profile)
    names = [entry.name for entry in fields(Profile)]
    assert names[:2] == ["id", "attributes"]
    assert names[-1] == "attributes_changed"
    packed = pack(profile)
    assert len(packed) == len(names) - 3
    assert packed[0] == profile.plan
    profile.attributes_changed = False
    assert unpack(profile.id, packed, profile.attributes) == profile


def test_a_shorter_list_of_an_older_release_is_filled_up_with_defaults() -> None:
    whole = pack(sample(Profile))
    defaults = Profile(7)
    names = [entry.name for entry in fields(Profile)][2:-1]
    assert len(whole) == len(names)
    for size in (0, 1, 3, 14, 15, 18):
        profile = unpack(7, pack(sample(Profile))[:size])
        assert all(getattr(profile, name) == getattr(defaults, name) for name in names[size:])
        assert all(getattr(profile, name) != getattr(defaults, name) for name in names[:size])


def test_somebody_new_takes_next_to_nothing() -> None:
    assert len(encode_state(Profile(7))) < 32


def test_numbers_beyond_64_bits_are_kept_as_floats() -> None:
    profile = Profile(7, tags=["a"], windows={"x": [10**30, -(10**400), 5]})
    assert decode_state(7, encode_state(profile)).windows["x"][0] == 1e30
    assert decode_state(7, encode_state(profile)).windows["x"][2] == 5


def test_attributes_lose_only_the_characters_that_jsonb_cannot_hold() -> None:
    found = msgspec.json.decode(encode_attributes({"a\0": ["b\0", {"c": "\0"}], "back\\u0000slash": 1, "n": 10**30}))
    assert found == {"a": ["b", {"c": ""}], "back\\u0000slash": 1, "n": 10**30}


INPUTS: list[Input] = [
    Event("E", 5, {"a": [1, 2.5, None, "x"]}, {"ip": "::1"}, "m", 3, True),
    Event("E", 5),
    Identify({"a": None}, 5, user_id="u"),
    Feedback("7-1.0", "clicked", 5, url="https://example.com", machine=True),
    MergeState(3, 5, [1, 2, [3]], {"a": 1}),
    MergeState(3, 5),
]


@pytest.mark.parametrize("input", INPUTS, ids=lambda input: input.KIND)
def test_an_input_comes_back_as_it_was(input: Input) -> None:
    assert decode_input(input.KIND, encode_input(input)) == input


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_an_input_is_understood_without_its_defaults_and_with_unknown_fields(kind: type[Input]) -> None:
    needed = [e.name for e in fields(kind) if e.default is MISSING and e.default_factory is MISSING]
    samples: dict[str, Any] = {"at": 5, "traits": {}, "absorbed": 1, "survivor": 1, "number": 1, "state": "opened"}
    if kind.KIND == "consent":
        samples["state"] = "opted_in"
    samples |= {"answer": {"state": "ok"}, "handle": {"action": "out"}, "chunk": {"ids": [1], "payload": {}}}.get(
        kind.KIND, {}
    )
    values: dict[str, Any] = {name: samples.get(name, "x") for name in needed}
    decoded = decode_input(kind.KIND, msgspec.json.encode({**values, "invented_later": [1]}))
    assert decoded == kind(**values)
    assert msgspec.json.decode(encode_input(decoded)) == values


def test_a_payload_that_does_not_fit_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"\$\.name"):
        decode_input("event", b'{"name": 5, "at": 1}')
    with pytest.raises(KeyError):
        decode_input("gossip", b"{}")
