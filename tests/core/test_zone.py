"""Local times: summer time, leap days, and dates in all the ways clients write them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.core.zone import (
    anniversary,
    at_local_time,
    is_date_only,
    is_zone,
    next_anniversary,
    next_local_time,
    parse_date,
    parse_instant,
    parse_time,
    start_of_day,
    to_local,
    zone_of,
)

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Africa/Cairo",
)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def test_the_zone_is_the_persons_if_it_is_one_else_the_fallback():
    assert zone_of({"timezone": "Europe/Berlin"}, "Asia/Tokyo") == "Europe/Berlin"
    for wrong in ("Mars/Olympus", "Europe", "../../etc/passwd", "", 7, None, ["UTC"], "a\0b", "\ud800", "x" * 5000):
        assert zone_of({"timezone": wrong}, "Asia/Tokyo") == "Asia/Tokyo"
    assert not is_zone("Mars/Olympus")
    assert to_local(0, "Mars/Olympus").hour == 0


def test_instants_beyond_the_calendar_are_cut_to_it():
    assert to_local(10**18, "Asia/Tokyo").year == 9999
    assert to_local(-(10**18), "America/New_York").year == 1


def test_a_local_time_in_the_gap_of_summer_time_is_the_first_instant_after_it():
    assert at_local_time(date(2026, 3, 29), "02:30", "Europe/Berlin") == ms("2026-03-29T03:00:00+02:00")


def test_a_local_time_that_exists_twice_is_the_earlier():
    assert at_local_time(date(2026, 10, 25), "02:30", "Europe/Berlin") == ms("2026-10-25T02:30:00+02:00")


def test_a_day_begins_at_its_first_instant_also_where_clocks_change_at_midnight():
    # In Santiago the night of 6 September 2026 goes from 23:59:59 to 01:00.
    assert start_of_day(date(2026, 9, 6), "America/Santiago") == ms("2026-09-06T01:00:00-03:00")


def test_a_day_that_was_left_out_begins_with_the_next():
    # Samoa crossed the date line on 30 December 2011.
    assert start_of_day(date(2011, 12, 30), "Pacific/Apia") == start_of_day(date(2011, 12, 31), "Pacific/Apia")


@pytest.mark.parametrize("raw", ["9:00", "24:00", "12:60", "09:00:00", "", None, 900, "٠٩:٠٠"])
def test_a_time_of_day_has_hours_and_minutes(raw: object):
    with pytest.raises(ValueError, match="from '00:00' to '23:59'"):
        parse_time(raw)


@given(
    st.integers(ms("2024-01-01T00:00:00+00:00"), ms("2028-01-01T00:00:00+00:00")),
    st.times().map(lambda t: f"{t.hour:02}:{t.minute:02}"),
    st.sampled_from(ZONES),
)
def test_the_next_local_time_is_later_and_within_a_day_and_shows_that_time_unless_it_was_skipped(
    now: int, clock: str, zone: str
):
    found = next_local_time(now, clock, zone)
    assert now < found <= now + 25 * 3_600_000 + 3_600_000
    local = to_local(found, zone)
    if f"{local:%H:%M}" != clock:
        # Only in a gap: a millisecond earlier the clocks showed an earlier time than asked for.
        assert f"{to_local(found - 1, zone):%H:%M}" < clock < f"{local:%H:%M}"


def test_a_parsed_time_may_be_given_instead_of_text():
    assert next_local_time(0, parse_time("09:00"), "UTC") == 9 * 3_600_000


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        ("2026-11-22T10:00:00Z", "Europe/Berlin", "2026-11-22T10:00:00+00:00"),
        ("2026-11-22T10:00:00.123456Z", "UTC", "2026-11-22T10:00:00.123+00:00"),
        ("2026-11-22 10:00", "Europe/Berlin", "2026-11-22T10:00:00+01:00"),
        ("2026-11-22T10:00:00+0530", "UTC", "2026-11-22T10:00:00+05:30"),
        ("2026-11-22t10:00:00,5z", "UTC", "2026-11-22T10:00:00.500+00:00"),
        ("2026-11-22", "America/New_York", "2026-11-22T00:00:00-05:00"),
        (1_795_000_000, "UTC", "2026-11-18T11:06:40+00:00"),
        (1_795_000_000_000, "UTC", "2026-11-18T11:06:40+00:00"),
        (1_795_000_000.5, "UTC", "2026-11-18T11:06:40.500+00:00"),
        ("2026-03-29T02:30:00", "Europe/Berlin", "2026-03-29T03:00:00+02:00"),
    ],
)
def test_an_instant_is_read_as_clients_write_it(value: object, zone: str, expected: str):
    assert parse_instant(value, zone) == ms(expected)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "",
        "tomorrow",
        "2026-13-01",
        "2026-02-30",
        "20261122",
        "2026-11-22T25:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        float("nan"),
        float("inf"),
        10**30,
        [],
        {},
        "2026-11-22T10:00:00+99:00",
        "２０２６-11-22",
    ],
)
def test_what_is_no_date_is_none(value: object):
    assert parse_instant(value, "Asia/Tokyo") is None
    assert parse_date(value, "Asia/Tokyo") is None


@given(
    st.one_of(st.text(), st.floats(), st.integers(), st.dates().map(str), st.datetimes().map(str)),
    st.sampled_from(ZONES),
)
def test_no_value_breaks_the_reading_of_dates(value: object, zone: str):
    found = parse_instant(value, zone)
    if found is not None:
        to_local(found, zone)


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    st.sampled_from(ZONES),
)
def test_local_times_read_back_as_the_same_instant(at: datetime, zone: str):
    at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    exact = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert parse_instant(to_local(exact, zone).isoformat(), "UTC") == exact


def test_the_day_of_an_instant_is_the_local_one():
    assert parse_date("2026-11-22T23:30:00Z", "Europe/Berlin") == date(2026, 11, 23)
    assert parse_date("2026-11-22", "Europe/Berlin") == date(2026, 11, 22)
    assert is_date_only("2026-11-22")
    assert not is_date_only("2026-11-22T00:00:00Z")
    assert not is_date_only(20261122)


def test_the_29th_of_february_falls_on_the_28th_in_other_years():
    leap = date(2024, 2, 29)
    assert anniversary(leap, 2025) == date(2025, 2, 28)
    assert anniversary(leap, 2028) == leap.replace(year=2028)
    assert next_anniversary(leap, date(2026, 3, 1)) == date(2027, 2, 28)
    assert next_anniversary(leap, date(2027, 2, 28)) == date(2027, 2, 28)
