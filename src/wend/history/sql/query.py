"""A query while it is put together: parameters, the parts that several conditions share, and the columns they join.

Rules: values only ever travel as parameters, each with its cast, so nothing a document says becomes SQL. The person at hand is `p`
(a row of `profile`). Text that PostgreSQL cannot hold (NUL, half a surrogate pair) is nowhere in its tables: see `storable`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from wend.core.condition.person import Sample

UNKNOWN = "null::boolean"
"""Neither true nor false: the state decides."""
EXACT_INTEGERS = 1 << 53
"""Up to here every whole number is a float, and JSON's decimals and floats compare alike."""


@dataclass(slots=True)
class Query:
    """What is asked: of whom (`p`), seen from the instant `now`; `zone` is the workspace's."""

    now: int
    zone: str
    params: dict[str, Any] = field(default_factory=dict)
    shared: dict[str, str] = field(default_factory=dict)
    """Name → SQL of a row source that is worked out once (`with`)."""
    joins: list[str] = field(default_factory=list)
    """Names of the row sources that `p` is joined with (by `person`)."""
    samples: dict[str, Sample] = field(default_factory=dict)
    """Parameter → the part of all people whose ids must be drawn for it."""
    _named: dict[str, str] = field(default_factory=dict)

    def param(self, value: Any, type: str) -> str:
        """A value as a parameter of a PostgreSQL type. Lists travel in binary format."""
        name = f"v{len(self.params)}"
        self.params[name] = value
        return f"%({name}){'b' if isinstance(value, list) else 's'}::{type}"

    def json(self, value: Any) -> str:
        """A value as jsonb. The caller has asked `storable` before."""
        return self.param(json.dumps(value, ensure_ascii=False), "text") + "::jsonb"

    def sample(self, sample: Sample) -> str:
        """The ids of a part of all people; whoever runs the query draws them."""
        name = f"v{len(self.params)}"
        self.params[name] = None
        self.samples[name] = sample
        return f"%({name})b::bigint[]"

    def share(self, key: str, build: Callable[[], str], *, join: bool = True) -> str:
        """The name of a row source with a column `person`; built once for each key. `join`: one row a person, joined with `p`."""
        name = self._named.get(key)
        if name is None:
            name = f"s{len(self._named)}"
            self._named[key] = name
            self.shared[name] = build()
        if join and name not in self.joins:
            self.joins.append(name)
        return name


def storable(value: Any) -> bool:
    """Whether PostgreSQL can hold the text (or has to compare with it): no NUL, no lone surrogate."""
    return not isinstance(value, str) or ("\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value))


def sure(text: str) -> str:
    """Null, which only a missing value can have caused, becomes false."""
    return f"coalesce({text}, false)"


def both(parts: list[str]) -> str:
    """All of them."""
    return parts[0] if len(parts) == 1 else "(" + " and ".join(parts) + ")"
