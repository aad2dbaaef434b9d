"""Durations are read as people write them and shown without rounding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.core.duration import DAY, HOUR, MAX, MINUTE, SECOND, WEEK, YEAR, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("90s", 90 * SECOND),
        ("10m", 10 * MINUTE),
        ("2h", 2 * HOUR),
        ("2 hours", 2 * HOUR),
        ("1d", DAY),
        ("1w", WEEK),
        ("6mo", 180 * DAY),
        ("1y", YEAR),
        ("250ms", 250),
        ("1d 12h", 36 * HOUR),
        ("1h30m", 90 * MINUTE),
        ("1.5h", 90 * MINUTE),
        ("0s", 0),
        ("100y", MAX),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, ms: int):
    assert parse_duration(text) == ms


@pytest.mark.parametrize("raw", [30, 2.5, True, None, [], {}, "", " ", "h", "2", "2 h later", "-2h", "٣h", "2h,3m"])
def test_anything_else_is_refused_and_the_message_says_what_is_allowed(raw: object):
    with pytest.raises(ValueError, match="write a number and a unit"):
        parse_duration(raw)


def test_an_unknown_unit_is_named():
    with pytest.raises(ValueError, match="'q' is not a unit of time"):
        parse_duration("2q")


@pytest.mark.parametrize("raw", ["101y", "999999999999y"])
def test_a_duration_of_more_than_a_century_is_refused(raw: str):
    with pytest.raises(ValueError, match="at most 100 years"):
        parse_duration(raw)


@given(st.integers(0, MAX))
def test_a_shown_duration_reads_back_as_the_same(ms: int):
    assert parse_duration(format_duration(ms)) == ms


@pytest.mark.parametrize(
    ("ms", "shown"),
    [(0, "0 s"), (2 * HOUR, "2 h"), (36 * HOUR, "1 d 12 h"), (1, "1 ms"), (-90 * SECOND, "-1 min 30 s")],
)
def test_every_unit_that_is_not_zero_is_shown(ms: int, shown: str):
    assert format_duration(ms) == shown


@given(st.text())
def test_no_text_breaks_the_reader(text: str):
    try:
        assert 0 <= parse_duration(text) <= MAX
    except ValueError as wrong:
        assert str(wrong)
