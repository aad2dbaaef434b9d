"""`attribute`, `property`, `context`: a value at a path (core: condition/attribute.py, at_hand.py)."""

from __future__ import annotations

from wend.core.condition.at_hand import Context, Property
from wend.core.condition.attribute import Attribute
from wend.core.condition.base import Condition
from wend.core.condition.groups import All, Any_, Not
from wend.history.sql.paths import path_sql
from wend.history.sql.query import UNKNOWN, Query
from wend.history.sql.values import value_sql


def attribute_sql(query: Query, condition: Attribute) -> str:
    """What is known about the person."""
    return value_sql(query, condition.raw, path_sql(query, "p.attributes", condition.path))


def event_sql(query: Query, condition: Condition, body: str) -> str:
    """A condition on the event whose payload is the jsonb `body`."""
    match condition:
        case All(parts=parts):
            return "(" + " and ".join(event_sql(query, part, body) for part in parts) + ")"
        case Any_(parts=parts):
            return "(" + " or ".join(event_sql(query, part, body) for part in parts) + ")"
        case Not(part=part):
            return f"(not {event_sql(query, part, body)})"
        case Context(path=path, raw=raw):
            return value_sql(query, raw, path_sql(query, f"({body} -> 'context')", path))
        case Property(path=path, raw=raw):
            return value_sql(query, raw, property_sql(query, path, body))
        case _:
            return UNKNOWN


def property_sql(query: Query, path: str, body: str) -> str:
    """The value of a property; a path that begins with 'context.' reads the context where there is no such property."""
    found = path_sql(query, f"({body} -> 'properties')", path)
    if not path.startswith("context."):
        return found
    return f"coalesce(nullif({found}, 'null'::jsonb), {path_sql(query, f'({body} -> ' + chr(39) + 'context' + chr(39) + ')', path[8:])})"
