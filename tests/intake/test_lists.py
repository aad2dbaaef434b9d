"""People enter lists by CSV: missing ones are made, broken rows are named, the same file again does nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.intake.conftest import World

from wend.intake.csv_profiles import Columns
from wend.intake.files import upload_list
from wend.intake.import_job import Imported, ImportFailed


async def upload(world: World, path: Path, list: str = "friends", **more: Any) -> Imported:
    more = {"made_at": 1, **more}
    return await upload_list(path, list, pool=world.pool, clock=world.intake.clock, partitions=8, **more)


async def put_on(world: World) -> list[tuple[int, str]]:
    return [(id, payload["segment"]) for id, kind, payload in await world.log() if kind == "list"]


async def test_everybody_in_the_file_is_put_on_the_list_and_whoever_is_missing_becomes_known(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "friends.csv"
    path.write_text("user_id,email,city\nada,ada@example.com,Oslo\nbob,,Rome\n,eve@example.com,\n")
    done = await upload(world, path)
    assert (done.accepted, done.rejected, done.already_done) == (3, 0, False)
    ada, bob = await world.person("user_id", "ada"), await world.person("user_id", "bob")
    eve = await world.person("email", "eve@example.com")
    assert await put_on(world) == [(ada, "friends"), (bob, "friends"), (eve, "friends")]
    traits = [payload.get("traits") for _, kind, payload in await world.log() if kind == "identify"]
    assert all("city" not in (one or {}) for one in traits), "a list says who, not what"
    again = await upload(world, path)
    assert (again.accepted, again.already_done) == (3, True)
    assert len(await put_on(world)) == 3
    other = await upload(world, path, made_at=2)
    assert not other.already_done, "a list that was deleted and made anew is another list"


async def test_a_column_that_is_named_is_the_only_one_that_is_read(world: World, tmp_path: Path) -> None:
    path = tmp_path / "numbers.csv"
    path.write_text("Kundennr;email\n17;ada@example.com\n")
    done = await upload(world, path, columns=Columns({"Kundennr": "Kundennr"}))
    assert (done.accepted, done.rejected) == (1, 0)
    assert await world.person("user_id", "17") is not None
    assert await world.person("email", "ada@example.com") is None
    with pytest.raises(ImportFailed, match="no column 'Kundenr'; did you mean 'Kundennr'"):
        await upload(world, path, columns=Columns({"Kundenr": "user_id"}))


async def test_broken_rows_are_refused_with_row_and_reason_and_the_rest_goes_on(world: World, tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(b"user_id,name\nada,Ada\nj\xf6rg,J\n,nobody\nbob,Bob,more\neve,Eve\n")
    done = await upload(world, path)
    assert (done.accepted, done.rejected) == (2, 3)
    assert done.rejected_file is not None
    told = [json.loads(line) for line in done.rejected_file.read_text().splitlines()]
    assert [(one["row"], one["code"]) for one in told] == [
        (3, "not_utf8"),
        (4, "no_user_anon_id"),
        (5, "broken_row"),
    ]


async def test_a_file_of_another_encoding_is_refused_as_a_whole(world: World, tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("user_id\nada\n", encoding="utf-16")
    with pytest.raises(ImportFailed, match="UTF-16; save it as UTF-8"):
        await upload(world, path)
    assert await put_on(world) == []
