"""The description of the API is valid and complete."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import World


async def test_the_description_is_openapi_3_1_and_every_reference_leads_somewhere(world: World) -> None:
    document = await world.get("/api/openapi.json")
    assert document["openapi"].startswith("3.1")
    operations = [one for path in document["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    assert all(one.get("description") or one.get("summary") for one in operations)
    for reference in _references(document):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


async def test_everything_under_api_wants_a_key(world: World) -> None:
    document = await world.get("/api/openapi.json")
    for path, methods in document["paths"].items():
        assert path.startswith("/api/")
        for method, operation in methods.items():
            assert operation.get("security"), (method, path)


async def test_problem_details_are_described(world: World) -> None:
    document = await world.get("/api/openapi.json")
    assert "ProblemBody" in document["components"]["schemas"]


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for inner in value.values() for found in _references(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in _references(inner)]
    return []
