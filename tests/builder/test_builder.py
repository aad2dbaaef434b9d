"""Journeys in Python: the same document as YAML and the API, without loss either way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend import Journey, event
from wend.builder import to_python
from wend.content.documents import dump, load, read
from wend.core.journey.document import ENTRY_KEYS, KEYS
from wend.core.journey.fields import RESERVED
from wend.core.journey.nodes import NODES

GALLERY = sorted((Path(__file__).parents[2] / "src/wend/templates/journeys").glob("*.yaml"))


def run(source: str) -> dict[str, Any]:
    """What the Python text draws."""
    scope: dict[str, Any] = {}
    exec(compile(source, "drawn.py", "exec"), scope)
    return scope["journey"].document


def test_a_journey_drawn_in_python_is_the_document_a_file_would_hold() -> None:
    journey = Journey(
        "trial",
        name="Trial to paid",
        on=event("Trial Started", where={"property": "plan", "is": "pro"}),
        reentry="once",
        exit_when=event("Subscription Purchased"),
        goal=event("Subscription Purchased", within="14d", value="price"),
    )
    pause = journey.wait("pause", "7d")
    offer = journey.send("offer", channel="email", template="upsell", timing={"at": "09:00"}, note="in the morning")
    done = journey.end("done", "offered")
    pause.to(next=offer)
    offer.to(next=done, failed="done")
    assert journey.problems() == []
    assert journey.document == load(
        """
id: trial
name: Trial to paid
entry: {on: {event: Trial Started, where: {property: plan, is: pro}}, reentry: once}
exit_when: {event: Subscription Purchased}
goal: {event: Subscription Purchased, within: 14d, value: price}
nodes:
  pause: {wait: 7d, next: offer}
  offer: {send: {channel: email, template: upsell}, timing: {at: "09:00"}, note: in the morning, next: done, failed: done}
  done: {end: offered}
start: pause
"""
    )


def test_what_is_wrong_is_said_as_publishing_says_it() -> None:
    journey = Journey("j", on=event("Go"))
    journey.wait("pause", "2 hours ago").to(next="nowhere")
    assert [problem.where for problem in journey.problems()] == ["nodes.pause.wait.for", "nodes"]
    with pytest.raises(AttributeError, match="no 'wiat'; did you mean 'wait'"):
        journey.wiat("x", "2h")
    with pytest.raises(ValueError, match="there is a node 'pause' already"):
        journey.wait("pause", "2h")
    with pytest.raises(ValueError, match="either one bare value or settings by name"):
        journey.send("mail", "spring", channel="email")
    with pytest.raises(ValueError, match="'sned' is no kind of node; did you mean 'send'"):
        journey.node("mail", "sned")


def test_every_kind_of_node_is_a_method() -> None:
    journey = Journey("j")
    assert set(NODES) <= set(dir(journey))
    for kind in NODES:
        assert getattr(journey, kind)(f"n_{kind}").raw == {kind: {}}


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_the_gallery_goes_from_yaml_to_python_and_back(path: Path) -> None:
    document = read(path)
    assert run(to_python(document)) == document
    assert Journey.of(document).document == document
    assert load(Journey.of(document).to_yaml()) == document


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
ids = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)


@st.composite
def nodes(draw: st.DrawFn) -> dict[str, Any]:
    node = {draw(st.sampled_from(list(NODES))): draw(json)}
    node |= draw(st.dictionaries(st.sampled_from(RESERVED), json, max_size=2))
    return node | draw(
        st.dictionaries(texts.filter(lambda name: name not in NODES and name not in RESERVED), ids, max_size=3)
    )


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = {"id": draw(ids)}
    document |= draw(
        st.dictionaries(
            st.sampled_from([k for k in KEYS if k not in ("id", "entry", "nodes", "start")]), json, max_size=4
        )
    )
    entry = draw(st.none() | st.dictionaries(st.sampled_from([*ENTRY_KEYS, "odd"]), json, max_size=3))
    if entry is not None:
        document["entry"] = entry
    document["nodes"] = draw(st.dictionaries(ids, nodes(), min_size=1, max_size=4))
    document["start"] = draw(st.sampled_from(list(document["nodes"])))
    return document


@given(documents())
def test_any_document_goes_through_python_and_yaml_without_loss(document: dict[str, Any]) -> None:
    assert run(to_python(document)) == document
    assert Journey.of(document).document == document
    assert load(dump(document)) == document


def test_a_saved_journey_is_read_back(tmp_path: Path) -> None:
    journey = Journey.of(read(GALLERY[0]))
    journey.save(tmp_path / "one.yaml")
    assert read(tmp_path / "one.yaml") == journey.document
