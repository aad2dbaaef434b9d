"""storage.md, "disk full": what cannot be stored is answered 503 and asked for again; nothing that was accepted is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from tests.crash.test_kill import TEMPLATES, WELCOME, drained
from tests.e2e.running import Wend, until, wend

from wend.store.log import message_hash

MEGABYTES = 256
MOST_POSTS = 120


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder that is a disk of its own."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a small disk to fill")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=0755", "wend-test", place],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte free; returns the file to remove."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while file.write(b"x" * size) == size:
                    pass
    return ballast


def events(number: int) -> list[dict[str, object]]:
    """A batch of some 150 kB, for the write-ahead log to grow; one of its people signs up."""
    who = f"u{number}"
    return [
        {"type": "identify", "userId": who, "messageId": f"i{number}", "traits": {"email": f"{who}@example.com"}},
        {"type": "track", "userId": who, "messageId": f"s{number}", "event": "Signed Up"},
        *(
            {
                "type": "track",
                "userId": f"other{n}",
                "messageId": f"b{number}-{n}",
                "event": "Page Viewed",
                "properties": {"text": os.urandom(7_000).hex()},
            }
            for n in range(10)
        ),
    ]


def answered(server: Wend, url: str, key: str, batch: list[dict[str, object]]) -> int:
    """Status of one post; the HTTP server itself must answer whatever its disk is like."""
    return httpx2.post(f"{url}/v1/batch", json={"batch": batch}, auth=(key, ""), timeout=60).status_code


@pytest.mark.slow
def test_a_full_disk_answers_503_and_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    with wend(small_disk / "data", WEND_PARTITIONS="4") as server:
        server.published(TEMPLATES, WELCOME)
        url, key = server.url, server.keys["Write key"]
        assert answered(server, url, key, events(0)) == 200
        ballast = fill(small_disk)
        again: list[int] = []
        accepted = [0]
        for number in range(1, MOST_POSTS):
            status = answered(server, url, key, events(number))
            assert status in (200, 503)
            (accepted if status == 200 else again).append(number)
            if len(again) == 3:
                break
        assert again, f"the disk was never full: {len(accepted)} batches were stored"
        assert httpx2.get(f"{url}/healthz", timeout=30).status_code == 200

        ballast.unlink()
        for number in again:
            until(
                f"batch {number} is accepted", lambda n=number: answered(server, url, key, events(n)) == 200, every=0.5
            )
            accepted.append(number)
        until("everything is applied and handed over", lambda: drained(server), every=0.2)
        ids = {message_hash(one["messageId"]) for n in accepted for one in events(n)}  # pyright: ignore[reportArgumentType]
        assert ids <= {row[0] for row in server.rows("select message_hash from log where message_hash is not null")}
        caught = server.rows("select recipient, count(*) from inbox group by 1")
        assert dict(caught) == {f"u{n}@example.com": 1 for n in accepted}
        assert server.stop() == 0
