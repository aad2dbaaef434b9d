"""engine.md 5, 8, 9 with real processes: who is killed while calling a service calls it once more only where that is harmless."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.crash.test_kill import drained, let_leases_of_the_dead_run_out
from tests.e2e.running import until, wend

PEOPLE = 24
ASKING = """
id: asking
name: Asking
entry: {on: {event: Lead}}
nodes:
  look: {call_api: {service: crm, path: "/look/{{ profile.email }}", save_as: found}, ok: tell, failed: lost}
  tell: {call_api: {service: crm, method: POST, path: /tell, body: {who: "{{ saved.found.who }}"}}, ok: gift, failed: gift}
  gift: {issue_coupon: welcome, next: mail, exhausted: lost}
  mail: {send: {channel: email, template: gift-mail, transactional: true}, next: hot, failed: hot}
  hot: {alert: {text: "{{ profile.email }} is hot"}, next: done}
  lost: {end: {}}
  done: {end: {}}
start: look
"""
TEMPLATES = """
{id: gift-mail, channel: email, subject: "Your code {{ saved.coupon.code }}", html: "<p>{{ saved.coupon.code | qr_code }}</p>"}
"""


class Crm:
    """A real HTTP service that counts its calls, each by its Idempotency-Key, and may take its time."""

    def __init__(self) -> None:
        self.pause = 0.0
        self.looked: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        crm = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                crm.looked[self.headers["Idempotency-Key"]] += 1
                self._answer({"who": self.path.rpartition("/")[2]})

            def do_POST(self) -> None:
                crm.told[self.headers["Idempotency-Key"]] += 1
                self.rfile.read(int(self.headers["Content-Length"]))
                self._answer({})

            def _answer(self, value: Any) -> None:
                time.sleep(crm.pause)
                raw = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True


@contextmanager
def crm() -> Generator[Crm]:
    one = Crm()
    thread = threading.Thread(target=one.server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield one
    finally:
        one.server.shutdown()
        thread.join()
        one.server.server_close()


@pytest.mark.slow
def test_a_sender_killed_while_calling_does_nothing_twice_and_everybody_is_answered(tmp_path: Path) -> None:
    with crm() as service, wend(tmp_path / "data", WEND_PARTITIONS="4") as server:
        service.pause = 0.3
        url = f"http://127.0.0.1:{service.server.server_address[1]}"
        server.ask("PUT", "services/crm", json={"url": url, "internal": True, "secret_headers": {"X-Key": "s3cr3t"}})
        server.ask("PUT", "coupon-pools/welcome", json={"pattern": "HI-??????"})
        server.published(TEMPLATES, ASKING)
        batch: list[dict[str, Any]] = []
        for n in range(PEOPLE):
            batch.append(
                {"type": "identify", "userId": f"u{n}", "messageId": f"i{n}", "traits": {"email": f"u{n}@example.com"}}
            )
            batch.append({"type": "track", "userId": f"u{n}", "messageId": f"s{n}", "event": "Lead"})
        assert server.post(batch).status_code == 200
        for so_many in (2, 8):

            def told(so_many: int = so_many) -> bool:
                let_leases_of_the_dead_run_out(server)
                return len(service.told) >= so_many

            until(f"{so_many} were told", told, every=0.02)
            sender = until("a sender lives", lambda: server.child("sender"))
            sender.kill()
            sender.wait(30)
        service.pause = 0.0
        until(
            "everybody is through",
            lambda: drained(server) and server.rows("select count(*) from place") == [(0,)],
            every=0.2,
        )

        # What may be repeated was repeated until it was answered; the rest was told at most once.
        assert len(service.looked) == PEOPLE
        assert service.told.most_common(1)[0][1] == 1, "somebody was told twice"
        statuses = server.rows("select node, status, count(*) from outbox group by 1, 2 order by 1, 2")
        counted = {(node, status): n for node, status, n in statuses}
        uncertain = counted.pop(("tell", "uncertain"), 0)
        assert uncertain >= 1
        assert counted == {
            ("gift", "accepted"): PEOPLE,
            ("hot", "accepted"): PEOPLE,
            ("look", "accepted"): PEOPLE,
            ("mail", "accepted"): PEOPLE,
            ("tell", "accepted"): PEOPLE - uncertain,
        }
        assert f"wend_uncertain {float(uncertain)}" in httpx2.get(f"{server.url}/metrics").text
        # Each was answered once, has a code of their own, and a mail with it.
        answers = server.rows("select payload->>'effect_id', count(*) from log where kind = 'answer' group by 1")
        assert len(answers) == 3 * PEOPLE
        assert {n for _, n in answers} == {1}
        assert server.rows("select count(*), count(distinct profile_id) from coupon") == [(PEOPLE, PEOPLE)]
        codes = {code for (code,) in server.rows("select code from coupon")}
        assert {subject.removeprefix("Your code ") for (subject,) in server.rows("select subject from inbox")} == codes
        assert len(server.api("alerts", limit="200")["items"]) == PEOPLE
        logged = "".join(path.read_text(errors="replace") for path in (tmp_path / "data").rglob("*.log*"))
        assert "s3cr3t" not in logged
        assert server.stop() == 0
