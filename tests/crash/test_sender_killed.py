"""engine.md 9 with real processes: a sender killed while it hands mail to a real server sends nothing twice, and says what is uncertain."""

from __future__ import annotations

import email
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
from tests.crash.test_kill import TEMPLATES, WELCOME, drained, let_leases_of_the_dead_run_out
from tests.e2e.running import Sink, sink, until, wend

from wend.channels.mime import EFFECT_HEADER

PEOPLE = 120


def effects(mails: Sink) -> Counter[str]:
    """Effect id → how often it came."""
    return Counter(str(email.message_from_bytes(one.raw)[EFFECT_HEADER]) for one in list(mails.mails))


def test_a_sender_killed_in_the_middle_sends_nothing_twice_and_loses_nothing_silently(
    tmp_path: Path, database_url: str
) -> None:
    settings = {"WEND_DATABASE_URL": database_url, "WEND_PARTITIONS": "4"}
    with sink() as mails, wend(tmp_path / "data", **settings, WEND_SMTP_URL=mails.url) as server:
        mails.pause = 0.2
        server.published(TEMPLATES, WELCOME)
        for first in range(0, PEOPLE, 40):
            batch: list[dict[str, Any]] = []
            for n in range(first, first + 40):
                person = {"userId": f"u{n}", "messageId": f"i{n}", "traits": {"email": f"u{n}@example.com"}}
                event = {"type": "track", "userId": f"u{n}", "messageId": f"s{n}", "event": "Signed Up"}
                batch += [{"type": "identify", **person}, event]
            assert server.post(batch).status_code == 200
        for so_many in (10, 50):

            def handed_over(so_many: int = so_many) -> bool:
                let_leases_of_the_dead_run_out(server)
                return len(mails.mails) >= so_many

            until(f"{so_many} mails were handed over", handed_over, every=0.02)
            sender = until("a sender lives", lambda: server.child("sender"))
            sender.kill()
            sender.wait(30)
        mails.pause = 0.0
        until("everything is handed over or known to be uncertain", lambda: drained(server), every=0.2)

        came = effects(mails)
        assert came.most_common(1)[0][1] == 1, "a mail came twice"
        statuses = dict(server.rows("select effect_id, status from outbox"))
        counted = Counter(statuses.values())
        assert len(statuses) == PEOPLE
        assert set(counted) == {"accepted", "uncertain"}
        assert counted["uncertain"] >= 1
        assert {effect for effect, status in statuses.items() if status == "accepted"} <= set(came)
        assert set(came) <= set(statuses)

        # counted and shown
        metrics = httpx2.get(f"{server.url}/metrics").text
        assert f"wend_uncertain {float(counted['uncertain'])}" in metrics
        shown = server.api("messages", status="uncertain", limit="100")["items"]
        assert len(shown) == counted["uncertain"]
        who = shown[0]["profile_id"]
        assert any("no answer came; it is never sent again" in line for line in server.why(who, "welcome")["sentences"])
        # and nobody is kept waiting by it
        until("all runs are over", lambda: server.rows("select count(*) from place") == [(0,)])
        assert server.stop() == 0
