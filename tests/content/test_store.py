"""Pushing templates: a new version only when something changed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from wend.content.store import TemplateRefused, Templates, get_template, list_templates, push_template
from wend.store.migrate import migrate
from wend.store.postgres import make_pool

DOCUMENT = {"id": "a", "channel": "sms", "text": "one {{ profile.x }}"}


async def test_push_makes_versions_keeps_old_ones_and_refuses_errors(database_url: str) -> None:
    await migrate(database_url, partitions=2)
    async with make_pool(database_url) as pool, pool.connection() as conn:
        assert [(await push_template(conn, DOCUMENT)).version for _ in range(2)] == [1, 1]
        changed = await push_template(conn, {**DOCUMENT, "text": "two"})
        assert (changed.version, changed.changed) == (2, True)
        await push_template(conn, {**DOCUMENT, "id": "b"})
        with pytest.raises(TemplateRefused, match=r"t\.yaml\.txt: is not a field") as refused:
            await push_template(conn, {**DOCUMENT, "txt": "x"}, "t.yaml")
        assert len(refused.value.problems) == 1
        assert [(one.id, one.version) for one in await list_templates(conn)] == [("a", 2), ("b", 1)]
        old = await get_template(conn, "a", 1)
        assert old is not None
        assert old.document == DOCUMENT
        assert await get_template(conn, "none") is None

        templates = Templates()
        first = await templates.load(conn, ["a", "none"])
        assert set(first) == {"a"}
        assert (await templates.load(conn, ["a"]))["a"] is first["a"]  # compiled once
        await push_template(conn, {**DOCUMENT, "text": "three"})
        assert (await templates.load(conn, ["a"]))["a"].render({}).text == "three"


async def test_two_who_push_at_once_make_two_versions(database_url: str) -> None:
    await migrate(database_url, partitions=2)
    async with make_pool(database_url) as pool:

        async def push(text: str) -> Any:
            async with pool.connection() as conn:
                return await push_template(conn, {**DOCUMENT, "text": text})

        assert sorted(one.version for one in await asyncio.gather(*(push(f"text {n}") for n in range(4)))) == [
            1,
            2,
            3,
            4,
        ]
