"""What a person has done, as it stands in the log: for segments that are published later (engine.md 19)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wend.core.inputs import Event
from wend.core.recall import Heard
from wend.store.days import DAY

SEEN = 7 * DAY
"""How long a message id is remembered (engine.md 10)."""

Past = tuple[int, int, int | None, Event]
"""seq, log time, message hash, event."""


def unrepeated(past: Iterable[Past], seen: dict[int, int] | None = None) -> Iterator[Heard]:
    """The events that counted: a message that comes again within seven days did not. `seen` (hash → when it last counted) is
    what was heard before, and is brought up to date."""
    known = {} if seen is None else seen
    for _, at, hash, event in past:
        if hash is not None:
            before = known.get(hash)
            if before is not None and at - before <= SEEN:
                continue
            known[hash] = at
        yield at, event
