"""Which parts of an answer are kept: paths such as `title`, `price.amount`, `items[:3].name`.

Rules: what is kept keeps its place (`saved.related.items` is still a list), so a text reads it as it reads the whole answer.
Lists are gone through as if they were not there; `[:n]` keeps the first n of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from wend.core.problems import Problem, shown

_PART = re.compile(r"([^.\[\]]+)(?:\[:(\d{1,3})\])?")


@dataclass(slots=True)
class Picked:
    """What is kept of one thing: all of it (no `parts`), or some of its parts; of a list the first `most`."""

    parts: dict[str, Picked] = field(default_factory=dict)
    most: int | None = None
    whole: bool = False

    def of(self, value: Any) -> Any:
        """The parts of `value` that are kept."""
        if isinstance(value, list):
            return [self.of(one) for one in cast("list[Any]", value)[: self.most]]
        if self.whole or not isinstance(value, dict):
            return value
        there = cast("dict[str, Any]", value)
        return {name: part.of(there[name]) for name, part in self.parts.items() if name in there}


def picked(paths: Iterable[str]) -> Picked:
    """The paths as one tree. ValueError names the first that cannot be read."""
    root = Picked()
    for path in paths:
        at = root
        for text in path.split("."):
            part = _PART.fullmatch(text)
            if part is None:
                raise ValueError(f"{shown(path)} is not a path such as title or items[:3].name")
            at = at.parts.setdefault(part[1], Picked())
            if part[2] is not None:
                at.most = max(int(part[2]), at.most or 0)
        at.whole = True
    return root


def parse_path(raw: Any, where: str, problems: list[Problem]) -> str | None:
    """A path as it stands in a document."""
    try:
        picked([raw if isinstance(raw, str) else ""])
    except ValueError:
        problems.append(Problem(where, f"expected a path such as title or items[:3].name, found {shown(raw)}"))
        return None
    return cast(str, raw)
