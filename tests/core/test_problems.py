"""Complaints name the place, what was found, and the nearest valid name."""

import pytest

from wend.core.amount import amount
from wend.core.problems import Problem, join, nearest, shown


def test_a_problem_reads_as_place_and_message():
    assert (
        str(Problem("nodes.remind.channel", "'emial' is not a channel"))
        == "nodes.remind.channel: 'emial' is not a channel"
    )
    assert str(Problem("", "empty")) == "empty"


def test_the_nearest_valid_name_is_suggested_whatever_the_letter_case():
    assert nearest("emial", ("sms", "email")) == "; did you mean 'email'?"
    assert nearest("ORDER completed", ("Order Completed",)) == "; did you mean 'Order Completed'?"


@pytest.mark.parametrize("found", ["xyz", None, 7, "e" * 100_000])
def test_nothing_is_suggested_when_nothing_is_near(found: object):
    assert nearest(found, ("sms", "email")) == ""


def test_paths_are_joined_with_dots():
    assert join("nodes", "mail") == "nodes.mail"
    assert join("", "mail") == "mail"


def test_a_found_value_is_shown_short_however_large_or_deep_it_is():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert len(shown(deep)) < 100
    assert len(shown("x" * 10_000)) < 100
    assert shown("Berlin") == "'Berlin'"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (12.5, 12.5),
        (3, 3),
        ("12.50", 12.5),
        (" -4 ", -4),
        ("", None),
        ("1e5", None),
        ("1,5", None),
        (True, None),
        (None, None),
        ([], None),
        (float("nan"), None),
        (float("inf"), None),
        (1e300, None),
        (10**400, None),
        ("9" * 17, None),
    ],
)
def test_an_amount_is_a_number_or_text_that_is_clearly_one(value: object, expected: float | None):
    assert amount(value) == expected
