"""Triggers: what starts a run. One small class per kind; each says what it listens to and what of the happening the run keeps.

One file for each family; `PARSERS` lists the kinds as `entry.on` names them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from wend.core.condition.base import Condition
from wend.core.journey.triggers.base import Parser, Sparked, Trigger, topic_of
from wend.core.journey.triggers.business import OnBusiness, parse_business
from wend.core.journey.triggers.dates import OnDate, parse_date
from wend.core.journey.triggers.deeds import (
    MESSAGE_STATES,
    OnAttribute,
    OnEvent,
    OnMessage,
    OnScore,
    OnStage,
    OnTag,
    parse_attribute,
    parse_event,
    parse_message,
    parse_score,
    parse_stage,
    parse_tag,
)
from wend.core.journey.triggers.members import OnSegment, parse_segment
from wend.core.journey.triggers.places import OnFence, parse_fence
from wend.core.journey.triggers.schedule import OnInSegment, OnRule, Schedule, Scheduled, parse_in_segment
from wend.core.journey.triggers.started import STARTS, OnStart, parse_start
from wend.core.problems import Problem, nearest, shown

__all__ = [
    "KINDS",
    "OnAttribute",
    "OnBusiness",
    "OnDate",
    "OnEvent",
    "OnFence",
    "OnInSegment",
    "OnMessage",
    "OnRule",
    "OnScore",
    "OnSegment",
    "OnStage",
    "OnStart",
    "OnTag",
    "Schedule",
    "Scheduled",
    "Sparked",
    "Trigger",
    "conditions",
    "hidden",
    "parse_triggers",
    "topic_of",
]

PARSERS: dict[str, Parser] = {
    "event": parse_event,
    "attribute_changed": parse_attribute,
    "score_crossed": parse_score,
    "tag_added": parse_tag,
    "stage_changed": parse_stage,
    **{f"message_{state}": parse_message for state in MESSAGE_STATES},
    "segment_entered": parse_segment,
    "segment_exited": parse_segment,
    "in_segment": parse_in_segment,
    "date": parse_date,
    "geofence_entered": parse_fence,
    "geofence_exited": parse_fence,
    "business_event": parse_business,
    **dict.fromkeys(STARTS, parse_start),
}
KINDS = tuple(PARSERS)


def parse_triggers(raw: Any, where: str, problems: list[Problem]) -> tuple[Trigger, ...]:
    """`on:` is one trigger or a list of them."""
    if isinstance(raw, list):
        raw_list = cast("list[Any]", raw)
        if not raw_list:
            problems.append(Problem(where, "expected at least one trigger"))
        found = [_parse(one, f"{where}[{at}]", problems) for at, one in enumerate(raw_list)]
    else:
        found = [_parse(raw, where, problems)]
    return tuple(one for one in found if one is not None)


def _parse(raw: Any, where: str, problems: list[Problem]) -> Trigger | None:
    if isinstance(raw, str) and raw in STARTS:
        raw = {raw: {}}
    if not isinstance(raw, dict):
        problems.append(Problem(where, f"expected a trigger such as {{event: Order Completed}}, found {shown(raw)}"))
        return None
    raw_map = cast("dict[str, Any]", raw)
    kinds = [name for name in raw_map if name in PARSERS]
    if len(kinds) != 1:
        strange = next((name for name in raw_map if name not in PARSERS), "")
        hint = nearest(strange, KINDS) if strange and not kinds else ""
        found = " and ".join(map(repr, kinds)) or shown(strange or raw_map)
        problems.append(Problem(where, f"expected one trigger of {', '.join(KINDS)}, found {found}{hint}"))
        return None
    return PARSERS[kinds[0]](kinds[0], raw_map, where, problems)


def hidden(trigger: Trigger, journey: str) -> tuple[str, Condition] | None:
    """The hidden segment of the plan whose entering is the trigger: its id, and its condition. None for most triggers."""
    return trigger.hidden(journey) if isinstance(trigger, OnDate) else None


def conditions(trigger: Trigger) -> Iterator[Condition]:
    """The conditions inside a trigger."""
    return trigger.conditions()
