"""What the nodes have in common that have something done outside and wait for its one answer (engine.md 5).

Rules: an answer counts only for the move that asked. What is kept of answers is part of the person's state and therefore
bounded: `SAVED` bytes of JSON over all answers of a run.
"""

from __future__ import annotations

import json
import re
from typing import Any

from wend.core.inputs import Answer
from wend.core.journey.contract import Turn
from wend.core.journey.fields import Parser, Type
from wend.core.journey.happened import Answered, Happened
from wend.core.problems import Problem, shown
from wend.core.profile import family, lineage

SAVED = 1_536
"""Bytes of JSON that a run may keep of its answers."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def _name(raw: Any, where: str, problems: list[Problem]) -> str | None:
    if isinstance(raw, str) and _NAME.fullmatch(raw):
        return raw
    problems.append(Problem(where, f"expected a name of letters, digits and _ for texts to read, found {shown(raw)}"))
    return None


NAME = Type(_name, {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"})
"""The name under which an answer is kept: texts read it as `saved.<name>`."""


def bounded(inner: Type, least: float, most: float, what: str) -> Type:
    """A setting of type `inner` (a number, a duration) between two bounds; `what` says so in words."""
    parse_inner: Parser = inner.parse

    def parse(raw: Any, where: str, problems: list[Problem]) -> Any:
        before = len(problems)
        found = parse_inner(raw, where, problems)
        if len(problems) == before and not least <= found <= most:
            problems.append(Problem(where, f"expected {what}, found {shown(raw)}"))
        return found

    return Type(parse, inner.schema)


def answer_to(turn: Turn, happened: Happened) -> Answer | None:
    """The answer to what this run asked at this very move, if that is what happened."""
    run = turn.run
    if not isinstance(happened, Answered) or run.phase != "asked":
        return None
    answer = happened.answer
    return answer if answer.run == run.id and answer.move == run.move else None


def keep(turn: Turn, name: str, value: Any) -> str:
    """Keep `value` as `saved.<name>`; what is wrong when it would be too much for one run, and then nothing is kept."""
    saved = {**turn.run.saved, name: value}
    # What branches keep flows back into their run: they share one bound.
    *_, whole = lineage(turn.profile, turn.run)
    others = [one.saved for one in family(turn.profile, whole) if one is not turn.run and one.saved]
    kept = [saved, *others] if others else saved
    size = len(json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    if size > SAVED:
        return (
            f"answer too big: this run would keep {size:,} bytes (allowed {SAVED:,}); save only the parts that are read"
        )
    turn.run.saved = saved
    return ""
