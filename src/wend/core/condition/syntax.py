"""From the document to a condition: `parse`. All faults are collected, each with its place; `dump` is the way back.

A form is named by its key: `FORMS` says which function reads it. The first key of `FORMS` that is present names the form, so
`reachable` comes before `topic`, which it has as a setting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from wend.core.condition.at_hand import parse_context, parse_property
from wend.core.condition.attribute import parse_attribute
from wend.core.condition.base import Condition
from wend.core.condition.built_in import (
    NUMBERS,
    TIMES,
    parse_inactive,
    parse_number_fact,
    parse_time_fact,
)
from wend.core.condition.company import parse_group
from wend.core.condition.compare import parse_compare
from wend.core.condition.contact import parse_consent, parse_reachable, parse_topic
from wend.core.condition.event import parse_event
from wend.core.condition.form import COMPANY, COUNTED, Reader
from wend.core.condition.groups import parse_all, parse_any, parse_not
from wend.core.condition.inside import parse_inside
from wend.core.condition.member import parse_segment
from wend.core.condition.message import parse_message
from wend.core.condition.near import parse_near
from wend.core.condition.person import parse_known, parse_sample, parse_tag
from wend.core.condition.rfm import parse_abc, parse_rfm
from wend.core.condition.run import parse_rounds, parse_run_age
from wend.core.condition.shop import parse_cart, parse_recent
from wend.core.condition.stage import parse_stage
from wend.core.problems import Problem, nearest, shown

MAX_DEPTH = 64

FORMS: dict[str, Callable[[Reader], Condition | None]] = {
    "all": parse_all,
    "any": parse_any,
    "not": parse_not,
    "event": parse_event,
    "attribute": parse_attribute,
    "property": parse_property,
    "context": parse_context,
    "compare": parse_compare,
    "inactive": parse_inactive,
    "cart": parse_cart,
    "recent": parse_recent,
    "known": parse_known,
    "tag": parse_tag,
    **dict.fromkeys(NUMBERS, parse_number_fact),
    **dict.fromkeys(TIMES, parse_time_fact),
    "run_age": parse_run_age,
    "rounds": parse_rounds,
    "reachable": parse_reachable,
    "consent": parse_consent,
    "topic": parse_topic,
    "sample": parse_sample,
    "message": parse_message,
    "segment": parse_segment,
    "stage": parse_stage,
    "rfm": parse_rfm,
    "abc": parse_abc,
    "near": parse_near,
    "inside": parse_inside,
    "group": parse_group,
}
"""Key → reader of the form."""

LATER = ("churn_risk",)
"""Forms of the design that this version cannot check yet."""

_IN_COUNTED = frozenset({"all", "any", "not", "property", "context"})
_IN_COMPANY = frozenset({"all", "any", "not", "attribute"})


def parse(raw: Any, where: str, errors: list[Problem], *, inside: frozenset[str] = frozenset()) -> Condition | None:
    """The condition that `raw` (plain JSON values) means; None after adding all that is wrong to `errors`.

    `inside` says what else there is to read: 'event' (an event at hand: `property`, `context`), 'journey' (a run at hand:
    `run_age`, `rounds`, `since: entry`).
    """
    return _parse(raw, where, errors, inside, 1)


def dump(condition: Condition) -> dict[str, Any]:
    """The document's form of the condition; `parse(dump(c)) == c`."""
    return condition.dump()


def _parse(raw: Any, where: str, errors: list[Problem], inside: frozenset[str], depth: int) -> Condition | None:
    if depth > MAX_DEPTH:
        errors.append(Problem(where, f"conditions are nested deeper than {MAX_DEPTH} levels"))
        return None
    if not isinstance(raw, dict) or not raw:
        hint = "; several are joined by {all: […]} or {any: […]}" if isinstance(raw, list) else ""
        errors.append(
            Problem(where, f"expected a condition such as {{attribute: city, is: Berlin}}, found {shown(raw)}{hint}")
        )
        return None
    settings = cast("dict[str, Any]", raw)
    key = next((key for key in FORMS if key in settings), None)
    if key is None:
        errors.append(Problem(where, _unknown(settings)))
        return None
    if COUNTED in inside and key not in _IN_COUNTED:
        allowed = ", ".join(sorted(_IN_COUNTED))
        errors.append(
            Problem(
                where,
                f"'{key}' is not about the thing at hand, which is judged once and for all; here only {allowed} are",
            )
        )
        return None
    if COMPANY in inside and key not in _IN_COMPANY:
        allowed = ", ".join(sorted(_IN_COMPANY))
        errors.append(Problem(where, f"'{key}' is not about a company; here only {allowed} are"))
        return None
    faults = len(errors)
    condition = FORMS[key](Reader(settings, where, errors, inside, depth, _parse))
    return condition if len(errors) == faults else None


def _unknown(settings: dict[str, Any]) -> str:
    later = next((key for key in LATER if key in settings), None)
    if later is not None:
        return f"conditions on '{later}' are not available yet"
    found = next(iter(settings))
    return f"{shown(found)} is no form of condition{nearest(found, FORMS)} (there are {', '.join(FORMS)})"
