"""How many people a condition means, asked by API and by command, of people who came in by the real intake."""

from __future__ import annotations

import json
from typing import Any

from tests.api.conftest import World

LOOKED: dict[str, Any] = {"type": "track", "event": "Looked", "properties": {"page": "lamps"}}


async def ask(world: World, raw: Any, status: int = 200) -> dict[str, Any]:
    answer = await world.client.post("/api/segments/preview", json=raw)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_sizes_follow_repeats_and_merges(world: World) -> None:
    """engine.md 10, 13: what is sent twice counts once; what the absorbed did is the survivor's deed."""
    await world.tell(
        {**LOOKED, "anonymousId": "a1", "messageId": "m1"},
        {**LOOKED, "anonymousId": "a1", "messageId": "m1"},
        {**LOOKED, "userId": "ada", "messageId": "m2"},
        {**LOOKED, "userId": "bob", "messageId": "m3"},
    )
    twice = {"event": "Looked", "count": {"gte": 2}, "within": "1d"}
    assert (await ask(world, twice))["sentence"] == "0 of 3 people"
    await world.tell({"type": "identify", "userId": "ada", "anonymousId": "a1", "messageId": "m4", "traits": {}})
    found = await ask(world, {"id": "lookers", "name": "Lookers", "condition": twice})
    assert found == {"count": 1, "of": 2, "exact": True, "margin": 0, "sentence": "1 of 2 people"}
    assert (await ask(world, {"not": twice}))["count"] == 1
    assert (await ask(world, {"known": True}))["count"] == 2


async def test_an_erased_person_is_counted_no_more(world: World) -> None:
    await world.tell({**LOOKED, "userId": "ada", "messageId": "m1"}, {**LOOKED, "userId": "bob", "messageId": "m2"})
    nobody = {"not": {"event": "Bought"}}
    assert (await ask(world, nobody))["count"] == 2
    assert (await world.client.delete("/api/profiles/ada")).status_code in (200, 202, 204)
    await world.settle()
    assert await ask(world, nobody) == {"count": 1, "of": 1, "exact": True, "margin": 0, "sentence": "1 of 1 people"}


async def test_faults_are_told_all_at_once_with_their_places(world: World) -> None:
    raw = {"all": [{"event": "Looked", "withim": "1d"}, {"attribute": "age", "gt": []}]}
    answer = await ask(world, {"id": "x", "condition": raw}, 422)
    assert [one["field"] for one in answer["errors"]] == ["condition.all.0.withim", "condition.all.1.gt"]
    assert "did you mean 'within'" in json.dumps(answer)
