"""The size of a condition before it is published: by the API, by the command, and estimated where states must be sampled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.engine.world import DAY, World
from tests.history.stored import BEGINNING, PARTITIONS, asked, condition, empty_world, live, memory_of

from wend.api.acts import preview
from wend.api.acts.journeys import Refused
from wend.cli import main
from wend.core.inputs import Event, Identify
from wend.history.members import members
from wend.history.size import Size, size

NOW = BEGINNING + 5 * DAY


@asynccontextmanager
async def hundred(url: str) -> AsyncGenerator[World]:
    """A hundred people; the even ones live in Berlin, each third looked, each fifth has the tag x."""
    async with empty_world(url) as world:
        deeds = []
        for id in range(1, 101):
            tags = [] if id % 5 else ["x"]
            deeds.append((BEGINNING, id, Identify({"city": "Berlin" if id % 2 == 0 else "Rome"}, BEGINNING, tags=tags)))
            if id % 3 == 0:
                deeds.append((BEGINNING + 4 * DAY, id, Event("Looked", BEGINNING + 4 * DAY, {"page": str(id)})))
        await live(world, deeds, NOW)
        yield world


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with hundred(database_url) as world:
        yield world


async def test_what_sql_decides_is_counted_exactly(world: World) -> None:
    raw = {"all": [{"attribute": "city", "is": "Berlin"}, {"event": "Looked", "within": "2d"}]}
    async with world.pool.connection() as conn:
        assert await size(conn, condition(raw), NOW) == Size(16, True, 100)
        assert await size(conn, condition(raw), NOW + 2 * DAY) == Size(0, True, 100)


async def test_few_states_are_looked_at_many_are_sampled_and_the_estimate_says_so(world: World) -> None:
    tagged = condition({"tag": "x"})
    async with world.pool.connection() as conn:
        assert await size(conn, tagged, NOW) == Size(20, True, 100)
        found = await size(conn, tagged, NOW, exact_up_to=50, sample=40)
    assert not found.exact
    assert abs(found.count - 20) <= found.margin
    assert 5 < found.margin < 20
    assert preview.sentence(found).startswith(f"about {found.count} of 100 people (±")


async def test_what_no_condition_had_asked_for_before_is_worked_out_from_history(world: World) -> None:
    """A draft: no state remembers anything of it, neither counts nor recent things."""
    raws = [
        {"event": "Looked", "where": {"property": "page", "matches": "^[36]$"}},
        {"all": [{"tag": "x"}, {"event": "Looked", "where": {"property": "page", "matches": "0$"}}]},
    ]
    async with world.pool.connection() as conn:
        memory = await memory_of(conn)
        found = [await asked(conn, condition(raw), NOW, memory.plan) for raw in raws]
    assert found == [[3, 6], [30, 60, 90]]


async def test_one_partition_or_some_people_may_be_asked_about(world: World) -> None:
    berlin = condition({"attribute": "city", "is": "Berlin"})
    async with world.pool.connection() as conn:
        of = [one async for one in members(conn, berlin, NOW, partition=1)]
        some = [one async for one in members(conn, berlin, NOW, ids=[3, 4, 8, 999])]
    assert of == [id for id in range(1, 101) if id % 2 == 0 and id % PARTITIONS == 1]
    assert some == [4, 8]


async def test_documents_are_read_for_their_condition_and_faults_are_told(world: World) -> None:
    berlin = {"attribute": "city", "is": "Berlin"}
    journey = {"id": "j", "entry": {"on": {"event": "Looked"}, "where": berlin}, "nodes": {}}
    async with world.pool.connection() as conn:
        for raw in (berlin, {"id": "b", "name": "B", "condition": berlin}, journey):
            assert (await preview.preview(conn, raw)).count == 50
        for raw, where, what in [
            ({"attribute": "city", "iz": "Berlin"}, "iz", "has no setting 'iz'"),
            ({"id": "v", "list": True}, "list", "a list has no condition"),
            ({"entry": {"on": {"event": "Looked"}}}, "entry.where", "has none"),
            ({"entry": {"where": {"property": "page", "is": "1"}}}, "entry.where.property", "reads an event"),
            ({"segment": "nobody-knows"}, "", "there is no segment 'nobody-knows'"),
            ([], "", "expected a condition"),
            ({}, "", "expected a condition"),
        ]:
            with pytest.raises(Refused) as refused:
                await preview.preview(conn, raw)
            assert refused.value.problems[0].where == where
            assert what in refused.value.problems[0].message


def test_the_command_takes_a_file_or_json(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fill() -> None:
        async with hundred(database_url):
            pass

    def wend(*args: str) -> str:
        monkeypatch.setattr("sys.argv", ["wend", "segment", "size", *args])
        with pytest.raises(SystemExit):
            main()
        said = capsys.readouterr()
        return said.out + said.err

    asyncio.run(fill())
    monkeypatch.setenv("WEND_DATABASE_URL", database_url)
    file = tmp_path / "berlin.yaml"
    file.write_text("id: berlin\nname: Berlin\ncondition: {attribute: city, is: Berlin}\n")
    assert wend(str(file)) == "50 of 100 people\n"
    found = json.loads(wend('{"tag": "x"}', "--json"))
    assert found == {"count": 20, "exact": True, "of": 100, "margin": 0}
    assert "is no form of condition" in wend('{"tagg": "x"}')
    assert "this is no JSON" in wend("{tag: x}")
    assert "No such file" in wend(str(tmp_path / "nowhere.yaml"))
