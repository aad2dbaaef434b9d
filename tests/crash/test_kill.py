"""storage.md, "Ways to fail that are tested": kill -9 of everything at random moments, in loops, while events come in.

Afterwards every accepted event is in the log and counts once, states, steps and effects equal those of an undisturbed
run of the same log, and every message that was decided is in the inbox once.
"""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from tests.crash.stream import Posters, Stream, kill_moments, people, wait
from tests.crash.undisturbed import compared
from tests.e2e.running import Wend, until, wend

from wend.store.log import message_hash

TEMPLATES = """
{id: welcome-mail, channel: email, subject: Welcome, text: Hello.}
---
{id: cart-mail, channel: email, subject: Your cart, text: It waits.}
"""
WELCOME = """
id: welcome
name: Welcome
entry: {on: {event: Signed Up}}
nodes:
  mail: {send: {channel: email, template: welcome-mail, transactional: true}, next: done, failed: done}
  done: {end: {}}
start: mail
"""
CART = """
id: cart
name: Cart
entry: {on: {event: Product Added}}
exit_when: {event: Order Completed}
nodes:
  pause: {wait: 1s, next: mail}
  mail: {send: {channel: email, template: cart-mail, transactional: true}, next: done, failed: done}
  done: {end: {}}
start: pause
"""
ECHO = """
id: echo
name: Echo
entry: {on: {event: Shouted}}
nodes:
  call: {emit: {event: Echoed}, next: done}
  done: {end: {}}
start: call
"""
HEARD = """
id: heard
name: Heard
entry: {on: {event: Echoed}, concurrency: many}
nodes:
  add: {adjust_score: 1, next: done}
  done: {end: {}}
start: add
"""
LONG = """
id: long
name: Long
entry: {on: {event: Looked}}
nodes:
  pause: {wait_for_event: {event: Order Completed, timeout: 30d}, happened: done, timed_out: mail}
  mail: {send: {channel: email, template: cart-mail, transactional: true}, next: done, failed: done}
  done: {end: {}}
start: pause
"""
PARTITIONS = 8
SEED = 20261122
EVENTS = 1500
TARGETS = ["worker", "worker", "worker", "sender", "sender", "postgres", "postgres", "restart", "server", "server"]


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def shoot(server: Wend, target: str) -> None:
    """kill -9 of one process, if it lives just now; the server is started again, the others by the server."""
    if target == "server":
        children = [one for role in ("worker", "sender") if (one := server.child(role))]
        server.kill()
        until("the children died with their parent", lambda: not any(one.is_running() for one in children))
        server.start()
        return
    if target in ("postgres", "restart"):
        found = server.postgres()[:1]
        order = signal.SIGKILL if target == "postgres" else signal.SIGINT
    else:
        child = server.child(target)
        found = [child] if child else []
        order = signal.SIGKILL
    for one in found:
        with suppress(psutil.NoSuchProcess):
            one.send_signal(order)


def let_leases_of_the_dead_run_out(server: Wend) -> None:
    """A message that a killed sender held is taken over after a minute; here the minute passes at once.

    Only of owners whose process is gone: names are host:pid:chance.
    """
    held = "status in ('queued', 'sending') and lease > 0"
    owners = [one for (one,) in server.rows(f"select distinct owner from outbox where {held} and owner is not null")]
    dead = [one for one in owners if not psutil.pid_exists(int(one.split(":")[1]))]
    if dead:
        server.rows(f"update outbox set lease = 0 where {held} and owner = any(%s) returning effect_id", dead)


def drained(server: Wend) -> bool:
    """Whether nothing is left to do, now."""
    with suppress(psycopg.OperationalError, AssertionError):
        let_leases_of_the_dead_run_out(server)
        [(left,)] = server.rows(
            "select (select count(*) from cursor c join head h using (partition) where c.seq < h.seq)"
            " + (select count(*) from relay) + (select count(*) from outbox where status in ('queued', 'sending'))"
            " + (select count(*) from profile where wakes_at < extract(epoch from clock_timestamp()) * 1000 + 2000)"
        )
        return left == 0
    return False


@pytest.mark.slow
def test_whatever_is_killed_and_whenever_the_result_is_that_of_an_undisturbed_run(tmp_path: Path) -> None:
    stream = Stream.drawn(SEED, EVENTS)
    port = free_port()
    with wend(tmp_path / "data", WEND_PORT=str(port), WEND_WORKERS="2", WEND_PARTITIONS=str(PARTITIONS)) as server:
        server.published(TEMPLATES, WELCOME, CART, ECHO, HEARD, LONG)
        assert server.post(people()).status_code == 200
        posters = Posters(server.url, server.keys["Write key"], stream, pace=0.15)
        posters.start()
        try:
            for seconds, target in kill_moments(SEED, list(TARGETS), (0.1, 0.9)):
                wait(seconds)
                shoot(server, target)
            until("every batch is accepted", lambda: posters.done, seconds=90)
        finally:
            posters.end()
        until("everything is applied and handed over", lambda: drained(server), seconds=90, every=0.2)

        # every accepted event is in the log, and counts once
        hashes = {row[0] for row in server.rows("select message_hash from log where message_hash is not null")}
        assert {message_hash(id) for id in stream.ids} <= hashes
        orders = {user: int(server.api(f"profiles/{user}")["facts"]["orders"]) for user in stream.orders}
        assert orders == dict(stream.orders)

        # states, steps and effects are those of an undisturbed run of the same log
        found, wanted = compared(server.here.database_url, PARTITIONS)
        assert len(found["effects"]) > 100
        assert any(step[1] == "ended" and step[3] == "heard" for step in found["steps"])
        for name, value in wanted.items():
            assert found[name] == value, name
        assert found["parked"] == []

        # every message is out, once, and its outcome was heard once
        statuses = dict(server.rows("select status, count(*) from outbox group by 1"))
        assert set(statuses) <= {"accepted", "withdrawn", "dropped"}
        caught = server.rows("select effect_id from inbox order by 1")
        assert caught == server.rows("select effect_id from outbox where status = 'accepted' order by 1")
        assert server.rows("select count(*) from inbox") == [(statuses["accepted"],)]
        heard = server.rows(
            "select payload->>'effect_id', count(*) from log where kind = 'feedback' and payload->>'state' = 'accepted'"
            " group by 1 having count(*) > 1"
        )
        assert heard == []

        assert server.stop() == 0
        assert server.postgres() == []
