"""Liquid filters that speak the profile's language: money, number, percent, date, time, datetime.

They read three hidden names of the rendering context: `_locale` (BCP 47 or POSIX), `_zone` (IANA) and `_now` (ms UTC).
An unknown locale falls back to its language, then to English; an unknown zone to UTC. A value that is no number or date
is an error of the message, named with the value: a wrong price is worse than no mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time
from babel.numbers import format_currency, format_decimal, format_percent, is_currency
from liquid import Environment, RenderContext
from liquid.builtin.filters.array import join
from liquid.builtin.filters.string import replace
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context, with_environment
from liquid.undefined import is_undefined

from wend.content.coupons import barcode, qr_code

MAX_TEXT = 1_000_000
"""Characters that one filter may produce."""

_STYLES = ("short", "medium", "long", "full")


@lru_cache(maxsize=256)
def locale_of(name: str) -> Locale:
    """The babel locale for a profile's `locale`: itself, else its language, else English."""
    for attempt in (name.replace("-", "_"), re.split(r"[-_]", name)[0]):
        try:
            return Locale.parse(attempt)
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Locale("en")


@lru_cache(maxsize=256)
def _zone_of(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def _hidden(context: RenderContext, name: str, default: Any) -> Any:
    value = context.globals.get(name)
    return default if value is None else value


def _number(value: object, filter_name: str) -> Decimal:
    if is_undefined(value):
        str(value)  # raises, naming the variable
    try:
        if isinstance(value, bool):
            raise InvalidOperation
        number = Decimal(str(value).strip())
        if not number.is_finite():
            raise InvalidOperation
        return number
    except InvalidOperation:
        raise FilterArgumentError(f"{filter_name}: {value!r} is not a number", token=None) from None


def instant(value: object, now: int, zone: tzinfo) -> datetime:
    """A moment in `zone`: 'now', ms or seconds since 1970 UTC, an ISO date or date-time (without offset: in `zone`)."""
    if is_undefined(value):
        str(value)
    if value in ("now", "today"):
        return datetime.fromtimestamp(now / 1000, zone)
    try:
        if isinstance(value, bool):
            raise ValueError
        if isinstance(value, (int, float)):
            seconds = value / 1000 if abs(value) >= 1e11 else float(value)
            return datetime.fromtimestamp(seconds, zone)
        parsed = datetime.fromisoformat(str(value).strip())
        return parsed.replace(tzinfo=zone) if parsed.tzinfo is None else parsed.astimezone(zone)
    except (ValueError, OverflowError, OSError):
        raise FilterArgumentError(f"date: {value!r} is not a date", token=None) from None


@with_context
def money(value: object, currency: object = None, *, context: RenderContext) -> str:
    """`{{ 12.5 | money: "EUR" }}`; without a currency that of the cart or order, else the workspace's."""
    code = str(currency or _hidden(context, "_currency", "EUR")).upper()
    locale = locale_of(str(_hidden(context, "_locale", "en")))
    if not is_currency(code):
        raise FilterArgumentError(f"money: {code!r} is not a currency", token=None)
    return format_currency(_number(value, "money"), code, locale=locale)


@with_context
def number(value: object, digits: object = None, *, context: RenderContext) -> str:
    """`{{ 1234.5 | number: 2 }}`: grouped, with that many digits after the point (without: as many as there are)."""
    locale = locale_of(str(_hidden(context, "_locale", "en")))
    if digits is None:
        return format_decimal(_number(value, "number"), locale=locale)
    places = min(max(int(_number(digits, "number")), 0), 12)
    return format_decimal(
        _number(value, "number"), format="#,##0" + ("." + "0" * places if places else ""), locale=locale
    )


@with_context
def percent(value: object, digits: object = 0, *, context: RenderContext) -> str:
    """`{{ 0.25 | percent }}` → 25%."""
    places = min(max(int(_number(digits, "percent")), 0), 12)
    pattern = "#,##0" + ("." + "0" * places if places else "") + "%"
    locale = locale_of(str(_hidden(context, "_locale", "en")))
    return format_percent(_number(value, "percent"), format=pattern, locale=locale)


def _moment(value: object, context: RenderContext) -> tuple[datetime, Locale]:
    zone = _zone_of(str(_hidden(context, "_zone", "UTC")))
    return instant(value, int(_hidden(context, "_now", 0)), zone), locale_of(str(_hidden(context, "_locale", "en")))


@with_context
def date(value: object, form: object = "medium", *, context: RenderContext) -> str:
    """`short`, `medium`, `long`, `full`, a CLDR pattern (`EEEE, d. MMMM`) or a strftime one (`%d.%m.%Y`)."""
    moment, locale = _moment(value, context)
    pattern = str(form)
    if "%" in pattern:
        return moment.strftime(pattern)
    return (
        format_date(moment, pattern, locale=locale)
        if pattern in _STYLES
        else format_datetime(moment, pattern, locale=locale)
    )


@with_context
def time(value: object, form: object = "short", *, context: RenderContext) -> str:
    """The time of day, in the profile's zone."""
    moment, locale = _moment(value, context)
    return format_time(moment, str(form), locale=locale, tzinfo=moment.tzinfo)


@with_context
def datetime_(value: object, form: object = "medium", *, context: RenderContext) -> str:
    """Date and time, in the profile's zone."""
    moment, locale = _moment(value, context)
    return format_datetime(moment, str(form), locale=locale, tzinfo=moment.tzinfo)


@with_environment
def bounded_join(left: Iterable[object], separator: object = " ", *, environment: Environment) -> str:
    """`join`, refusing what would be longer than MAX_TEXT (a list of a million is otherwise joined)."""
    size = len(left) if hasattr(left, "__len__") else 0  # pyright: ignore[reportArgumentType]
    if size * (len(str(separator)) + 1) > MAX_TEXT:
        raise FilterArgumentError(f"join: {size} items are too many", token=None)
    return join(left, separator, environment=environment)


def bounded_replace(value: object, seq: object, sub: object = "") -> str:
    """`replace`, refusing what would be longer than MAX_TEXT (a chain of them doubles each time)."""
    text, old, new = str(value), str(seq), str(sub)
    if len(text) + text.count(old) * len(new) > MAX_TEXT:
        raise FilterArgumentError("replace: the result is too long", token=None)
    return replace(value, seq, sub)


FILTERS = {
    "money": money,
    "number": number,
    "percent": percent,
    "date": date,
    "time": time,
    "datetime": datetime_,
    "join": bounded_join,
    "replace": bounded_replace,
    "qr_code": qr_code,
    "barcode": barcode,
}
"""Name in templates → function. Two of them replace unbounded ones of the library."""
