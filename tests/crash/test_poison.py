"""engine.md 14 with real processes: a poisoned input parks its person, the rest goes on; it is shown, and can be retried or given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.crash.test_kill import TEMPLATES, WELCOME
from tests.e2e.running import Wend, until, wend


def signed_up(server: Wend, who: str) -> None:
    """Somebody becomes known and signs up."""
    batch: list[dict[str, Any]] = [
        {"type": "identify", "userId": who, "traits": {"email": f"{who}@example.com"}},
        {"type": "track", "userId": who, "event": "Signed Up"},
    ]
    assert server.post(batch).status_code == 200


def caught(server: Wend, who: str) -> int:
    return len(server.api("inbox", recipient=f"{who}@example.com")["items"])


def poison(server: Wend, who: str, payload: str) -> None:
    """An input that no decoder takes, as a release with a mistake could have written it."""
    server.rows(
        "with person as (select profile_id as id, profile_id %% 4 as partition from identifier where value = %s),"
        " head as (update head h set seq = seq + 1 from person p where h.partition = p.partition returning h.*)"
        " insert into log select h.partition, h.seq, h.at, p.id, 'event', null, %s::json from head h, person p"
        " returning seq",
        who,
        payload,
    )


def test_a_poisoned_input_stands_in_the_way_of_its_person_only_until_somebody_deals_with_it(
    tmp_path: Path, database_url: str
) -> None:
    with wend(tmp_path / "data", WEND_DATABASE_URL=database_url, WEND_PARTITIONS="4") as server:
        server.published(TEMPLATES, WELCOME)
        for who in ("ann", "bea"):
            signed_up(server, who)
            until(f"{who} has a mail", lambda who=who: caught(server, who) == 1)
            until("the run is over", lambda who=who: server.why(who, "welcome")["status"] == "finished")
            poison(server, who, '{"unknown": true}')
        signed_up(server, "ann")
        signed_up(server, "bea")
        for number in range(8):
            signed_up(server, f"other{number}")
        until("the others have their mails", lambda: all(caught(server, f"other{n}") == 1 for n in range(8)))
        until("both are parked", lambda: server.rows("select count(*) from parked") == [(6,)])
        assert (caught(server, "ann"), caught(server, "bea")) == (1, 1)
        assert server.run("parked", "list").count("error") >= 6
        assert any("stands still" in line for line in server.why("ann", "welcome")["sentences"])

        # a retry fails as long as the cause is there, and is counted; nothing is lost by it
        assert server.ask("POST", "parked/ann/retry") == {"parked": 3}
        assert max(one["tries"] for one in server.api("parked", reason="error")["items"]) >= 2
        # the cause is mended: the retry applies everything, in order
        server.rows(
            'update parked set payload = \'{"name": "Page Viewed", "at": 1}\' where error is not null returning 1'
        )
        assert "Nothing is parked any more" in server.run("parked", "retry", "ann")
        until("ann's second mail has come", lambda: caught(server, "ann") == 2)
        # given up: kept among the dead letters, what stood behind it is applied
        assert server.ask("POST", "parked/bea/skip") == {"parked": 0}
        until("bea's second mail has come", lambda: caught(server, "bea") == 2)
        assert server.rows("select source, code from dead_letter") == [("parked", "skipped")]
        assert server.rows("select count(*) from parked") == [(0,)]
        assert server.stop() == 0
