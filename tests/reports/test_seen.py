"""Names that were never seen are warned of before a journey is published, with the nearest one that was."""

from __future__ import annotations

from wend.api.acts import journeys, templates
from wend.core.inputs import Event
from wend.store.codec import encode_input
from wend.store.log import Appender, NewInput
from wend.store.migrate import migrate
from wend.store.postgres import make_pool

DOCUMENT = {
    "id": "greet",
    "entry": {"on": {"event": "Sigend Up"}},
    "start": "mail",
    "nodes": {
        "mail": {"send": {"channel": "email", "template": "greeting", "transactional": True}, "next": "done"},
        "done": {"end": None},
    },
}


async def test_a_misspelt_event_and_a_misspelt_property_are_warned_of(database_url: str) -> None:
    await migrate(database_url, partitions=2)
    async with make_pool(database_url, largest=2) as pool, pool.connection() as conn:
        event = Event("Signed Up", 1, {"plan": "team", "seats": 3})
        await Appender(2).append(conn, [NewInput(1, "event", encode_input(event), None)])
        template = {"id": "greeting", "channel": "email", "subject": "{{ entry.pln | default: 'x' }}", "text": "hello"}
        await templates.push(conn, template, "greeting", who="test")

        _, problems = await journeys.checked(conn, DOCUMENT)
        assert [(one.where, one.level) for one in problems] == [("entry.on", "warning")]
        assert "did you mean 'Signed Up'?" in problems[0].message

        right = {**DOCUMENT, "entry": {"on": {"event": "Signed Up"}}}
        document, problems = await journeys.checked(conn, right)
        assert document is not None
        assert [one.level for one in problems] == ["warning"]
        assert "no event property 'pln' has been seen; did you mean 'plan'?" in problems[0].message


async def test_nothing_is_warned_of_in_an_empty_workspace(database_url: str) -> None:
    await migrate(database_url, partitions=2)
    async with make_pool(database_url, largest=2) as pool, pool.connection() as conn:
        await templates.push(conn, {"id": "greeting", "channel": "email", "subject": "x", "text": "y"}, "x", who="test")
        _, problems = await journeys.checked(conn, DOCUMENT)
        assert problems == []
