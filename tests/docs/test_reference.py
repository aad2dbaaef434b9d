"""The reference pages say what the code says, and their examples work."""

from __future__ import annotations

import pytest
from tests.docs import reference
from tests.docs.surface import DECISIONS

from wend.api.acts.settings import NAMES, check
from wend.content.documents import load
from wend.core.condition.syntax import FORMS
from wend.core.condition.syntax import parse as parse_condition
from wend.core.journey.document import parse
from wend.core.journey.nodes import NODES
from wend.core.problems import Problem


@pytest.mark.parametrize("name", reference.PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    page = reference.PAGES[name]()
    assert (reference.REFERENCE / name).read_text(encoding="utf-8") == page, "run `make docs`"


@pytest.mark.parametrize("form", FORMS)
def test_the_example_of_a_condition_is_a_condition(form: str) -> None:
    condition, problems = reference.example(form)
    assert problems == []
    assert condition is not None


@pytest.mark.parametrize("raw", reference.EVENT_EXAMPLES.values())
def test_what_else_can_be_asked_of_events_is_a_condition(raw: str) -> None:
    problems: list[Problem] = []
    assert parse_condition(load(raw), "", problems) is not None
    assert problems == []


@pytest.mark.parametrize("kind", NODES)
def test_the_example_of_a_node_is_a_node(kind: str) -> None:
    problems: list[Problem] = []
    nodes = load(reference.NODE_EXAMPLES[kind])
    document = parse({"id": "x", "entry": {"on": "api"}, "start": "x", "nodes": nodes}, problems)
    assert problems == []
    assert document is not None
    assert kind == next(iter(document.nodes.values())).node.KIND


def test_every_setting_of_decisions_has_an_example() -> None:
    assert set(DECISIONS) == set(NAMES)


@pytest.mark.parametrize("name", DECISIONS)
def test_the_example_of_a_setting_is_one(name: str) -> None:
    assert list(check({name: load(DECISIONS[name][0])})) == []
    assert list(check({name: None})) == [], "null takes it away"
