"""What has been seen lately: names of events, their properties, attributes. A sample, to warn of names that are probably misspelt.

Rule: a look at a bounded number of the latest rows and of people, never a scan; what is not in the sample may still exist, so whoever uses
this may warn, not refuse.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from wend.reports.rows import rows
from wend.store.codec import decode_json
from wend.store.postgres import Connection, fetch_all

_ROWS = 100
_DAYS = 30 * 86_400_000
_PEOPLE = 1_000

# The latest rows of each partition; `at` prunes the day partitions.
_EVENTS = """
select l.payload from head h cross join lateral (
    select payload from log where log.partition = h.partition and log.seq > h.seq - %s and log.at >= h.at - %s
        and log.kind = 'event') l
"""
_ATTRIBUTES = """
select distinct k from (select attributes from profile limit %s) p, jsonb_object_keys(p.attributes) k
"""


@dataclass(slots=True)
class Seen:
    """Names in the sample. `properties`: event name → names of its properties (first level)."""

    properties: dict[str, set[str]] = field(default_factory=dict)
    attributes: frozenset[str] = frozenset()

    @property
    def events(self) -> frozenset[str]:
        """Names of events."""
        return frozenset(self.properties)

    def properties_of(self, events: Collection[str]) -> frozenset[str] | None:
        """Properties that any of `events` has carried; None when one of them has not been seen at all, so nothing can be said."""
        if not events or any(name not in self.properties for name in events):
            return None
        return frozenset(name for event in events for name in self.properties[event])


async def seen(conn: Connection) -> Seen:
    """The sample."""
    found = Seen()
    for (payload,) in await fetch_all(conn, _EVENTS, (_ROWS, _DAYS)):
        event = decode_json(payload)
        found.properties.setdefault(event["name"], set()).update(event.get("properties", ()))
    found.attributes = frozenset(row["k"] for row in await rows(conn, _ATTRIBUTES, (_PEOPLE,)))
    return found
