"""storage.md, "10 × load": far more than can be applied at once, as fast as it can be posted, ends like anything else.

In small: the real thing runs for a minute under `make bench`. The backlog that builds up is drained by two workers.
"""

from __future__ import annotations

from pathlib import Path

from tests.crash.stream import Posters, Stream, people
from tests.crash.test_kill import CART, ECHO, HEARD, LONG, PARTITIONS, TEMPLATES, WELCOME, drained
from tests.crash.undisturbed import compared
from tests.e2e.running import until, wend

EVENTS = 3_000


def test_a_burst_is_taken_or_refused_for_now_and_applied_as_if_it_had_come_slowly(
    tmp_path: Path, database_url: str
) -> None:
    stream = Stream.drawn(7, EVENTS, batch=200)
    settings = {"WEND_DATABASE_URL": database_url, "WEND_PARTITIONS": str(PARTITIONS), "WEND_WORKERS": "2"}
    with wend(tmp_path / "data", **settings) as server:
        server.published(TEMPLATES, WELCOME, CART, ECHO, HEARD, LONG)
        assert server.post(people()).status_code == 200
        posters = Posters(server.url, server.keys["Write key"], stream, pace=0.0)
        posters.start()
        try:
            until("every batch is accepted", lambda: posters.done)
        finally:
            posters.end()
        until("everything is applied and handed over", lambda: drained(server), every=0.2)
        orders = {user: int(server.api(f"profiles/{user}")["facts"]["orders"]) for user in stream.orders}
        assert orders == dict(stream.orders)
        found, wanted = compared(server.here.database_url, PARTITIONS)
        for name, value in wanted.items():
            assert found[name] == value, name
        assert server.rows("select effect_id from inbox order by 1") == server.rows(
            "select effect_id from outbox where status = 'accepted' order by 1"
        )
        assert server.stop() == 0
