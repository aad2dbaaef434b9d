"""`wend up`: starts, stops in order, is alone on its folder, survives kill -9, and keeps its children."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import psutil
import pytest
from tests.cli.conftest import STOPPED_WITHIN, Up, await_that, command, started, wend

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]  # whole servers start and stop, also on a busy machine


def gone(processes: list[psutil.Process]) -> bool:
    return not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in processes)


def ready(up: Up) -> bool:
    return up.status("/readyz") == 200


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the whole story: making a database costs more than all that is tested here."""
    return tmp_path_factory.mktemp("story") / "data"


def test_the_first_start_makes_keys_a_second_one_is_refused_and_sigterm_leaves_nothing(data: Path) -> None:
    with started(data) as up:
        assert stat.S_IMODE((data / "keys.txt").stat().st_mode) == 0o600
        assert stat.S_IMODE((data / "wend.run").stat().st_mode) == 0o600
        assert up.process.stdout is not None
        assert "keys.txt" in up.process.stdout.readline()
        assert up.keys["Write key"] in wend("key", "first", data=data).stdout
        assert up.send({"type": "track", "userId": "a", "event": "Hi"}) == {"success": True}
        assert up.get("/api/journeys") == {"items": []}
        await_that(lambda: ready(up))

        second = subprocess.run(
            command("up", "--port", "0", "--data", data), capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert second.stderr.startswith(f"error: {data}: in use by the Wend at {up.url}")

        family = up.family()
        assert {one.cmdline()[-1] for one in family if one.name() != "postgres"} >= {"worker", "sender"}
        assert up.stop(signal.SIGTERM) < STOPPED_WITHIN
        assert up.process.returncode == 0
        assert gone(family)
        assert not (data / "wend.run").exists()


def test_kill_9_leaves_nothing_but_postgres_and_the_next_start_takes_over(data: Path) -> None:
    with started(data) as up:
        await_that(lambda: ready(up))
        family = up.family()
        postgres = [one for one in family if one.name() == "postgres"]
        others = [one for one in family if one not in postgres]
        assert len(others) == 3
        up.process.kill()
        up.process.wait()
        await_that(lambda: gone(others))

    with started(data) as again:
        await_that(lambda: gone(postgres))
        await_that(lambda: ready(again))
        assert "Wend is ready" in again.said[0]
        assert again.get("/api/profiles/a")["identifiers"][0]["value"] == "a"
        assert again.stop(signal.SIGINT) < STOPPED_WITHIN
        assert again.process.returncode == 0


def test_what_dies_beside_the_server_is_started_again(data: Path) -> None:
    with started(data) as up:
        await_that(lambda: ready(up))
        worker = next(one for one in up.family() if one.cmdline()[-1:] == ["worker"])
        worker.kill()
        await_that(lambda: gone([worker]))
        await_that(lambda: ready(up))
        assert up.get("/api/health")["restarts"] == {"worker-1": 1, "sender": 0}

        server = next(one for one in up.family() if one.name() == "postgres" and one.ppid() == up.process.pid)
        server.kill()
        await_that(lambda: gone([server]))
        await_that(lambda: ready(up))


def test_a_port_that_is_taken_is_named_and_nothing_is_left_running(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = wend("up", "--port", str(port), data=data)
    assert refused.returncode == 1
    assert f"error: 127.0.0.1:{port}: address already in use" in refused.stderr
    assert not any("postgres" in one.name() and str(data) in " ".join(one.cmdline()) for one in _mine())


def test_settings_that_cannot_be_are_refused_all_at_once(data: Path) -> None:
    (data / "wend.toml").write_text('prot = 1\nworkers = "two"\n')
    try:
        refused = wend("up", data=data, WEND_SMPT_URL="x", WEND_PORT="http")
    finally:
        (data / "wend.toml").unlink()
    lines = refused.stderr.splitlines()
    assert refused.returncode == 1
    assert all(line.startswith("error: ") for line in lines)
    assert any("'prot' is not a setting; did you mean 'port'?" in line for line in lines)
    assert any("workers is 'two'; a whole number is expected" in line for line in lines)
    assert any("WEND_SMPT_URL is not a setting; did you mean 'WEND_SMTP_URL'?" in line for line in lines)
    assert any("WEND_PORT is 'http'; a whole number is expected" in line for line in lines)


def test_migrate_works_without_a_running_wend(data: Path) -> None:
    done = wend("migrate", data=data)
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    assert not any("postgres" in one.name() and str(data) in " ".join(one.cmdline()) for one in _mine())


def _mine() -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for one in psutil.process_iter():
        try:
            if one.uids().real == os.getuid() and one.cmdline():
                found.append(one)
        except psutil.Error:
            continue
    return found
