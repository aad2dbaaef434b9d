"""What journeys ask of the outside, before they are published: is it set up, and can its texts be filled in?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

from wend.api.acts.templates import read_by
from wend.content.liquid import LiquidProblem, Text
from wend.content.variables import check_text
from wend.core.journey.document import Document
from wend.core.problems import Problem
from wend.delivery.asks.services import load_services
from wend.engine.plans import load_plan
from wend.store.postgres import Connection, fetch_all, sql

_ONLY_MESSAGES = ("unsubscribe_url", "preferences_url")


async def set_up(conn: Connection) -> dict[str, frozenset[str]]:
    """Names of services, pools, teams and audiences, as `core.journey.check.Known` wants them."""
    settings: Mapping[str, Any] = (await load_plan(conn)).settings
    return {
        "services": frozenset(await load_services(conn)),
        "pools": frozenset(row[0] for row in await fetch_all(conn, sql("pool_all"))),
        "teams": frozenset(cast("dict[str, Any]", settings.get("team") or {})),
        "audiences": frozenset(cast("list[str]", settings.get("audiences") or [])),
    }


def check_texts(
    document: Document, attributes: Collection[str] | None, properties: Collection[str] | None
) -> Iterator[Problem]:
    """What is wrong with the Liquid of nodes: its syntax, and names that nothing will fill."""
    for where, source in _texts(document):
        try:
            text = Text(source)
        except LiquidProblem as problem:
            yield Problem(where, str(problem))
            continue
        yield from check_text(text, attributes, properties, where)
        for name in sorted(text.variables() & set(_ONLY_MESSAGES)):
            yield Problem(where, f"'{name}' is there in messages only")


def reads(document: Document) -> dict[str, list[str]]:
    """What the texts of nodes read, as reads_of for templates. The document must be free of faults."""
    texts = [Text(source) for _, source in _texts(document)]
    return read_by(
        {path for text in texts for path in text.variables()}, {name for text in texts for name in text.filters()}
    )


def both(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What is read here or there."""
    return {kind: sorted({*one[kind], *other[kind]}) for kind in one}


def _texts(document: Document) -> Iterator[tuple[str, str]]:
    for placed in document.nodes.values():
        for setting, source in placed.node.texts():
            yield f"nodes.{placed.id}.{placed.node.KIND}.{setting}", source
