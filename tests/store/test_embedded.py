"""The embedded PostgreSQL, really started: these tests kill processes, and only those that they started."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psutil
import psycopg
import pytest

from wend.store import embedded, unprivileged


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose cluster exists, so that most tests need not wait for initdb."""
    data = tmp_path_factory.mktemp("pg") / "data"
    embedded.start(data, durable=False).stop()
    return data


@pytest.fixture
def server(made: Path) -> Iterator[embedded.Embedded]:
    with embedded.start(made, durable=False) as running:
        yield running


def ask(dsn: str, question: LiteralString, *values: object) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question, values).fetchone()
    assert row is not None
    return row[0]


def family(pid: int) -> list[psutil.Process]:
    postmaster = psutil.Process(pid)
    return [postmaster, *postmaster.children(recursive=True)]


def test_a_new_folder_becomes_a_server_with_its_database_and_the_shipped_settings(tmp_path: Path):
    with embedded.start(tmp_path / "a" / "b") as server:
        assert str(ask(server.dsn, "show server_version")).startswith("18.")
        assert ask(server.dsn, "select current_database() || ' ' || current_user") == "wend wend"
        for name, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "max_wal_size": "4GB",
            "wal_compression": "off",
            "jit": "off",
            "listen_addresses": "",
            "TimeZone": "UTC",
            "server_encoding": "UTF8",
            "unix_socket_permissions": "0700",
        }.items():
            assert (name, ask(server.dsn, "select current_setting(%s)", name)) == (name, value)
        assert ask(server.dsn, "select lower('ÄÉ')") == "äé"
        assert server.log.parent == tmp_path / "a" / "b"
        assert (server.data.stat().st_mode & 0o777) == 0o700
        assert (Path(str(ask(server.dsn, "show unix_socket_directories")).strip('"')).stat().st_mode & 0o777) == 0o700


def test_an_operators_settings_win_over_the_shipped_ones(made: Path):
    (made / "postgres.conf").write_text("work_mem = '7MB'\nmax_connections = 50\n")
    try:
        with embedded.start(made, durable=False) as server:
            assert ask(server.dsn, "show work_mem") == "7MB"
            assert ask(server.dsn, "show max_connections") == "50"
    finally:
        (made / "postgres.conf").unlink()


def test_a_wrong_setting_is_shown_from_the_log(made: Path):
    (made / "postgres.conf").write_text("max_connection = 50\n")
    try:
        with pytest.raises(embedded.EmbeddedError, match='unrecognized configuration parameter "max_connection"'):
            embedded.start(made, durable=False)
    finally:
        (made / "postgres.conf").unlink()
    embedded.start(made, durable=False).stop()


def test_stopping_leaves_no_process_and_may_be_said_twice(made: Path):
    server = embedded.start(made, durable=False)
    processes = family(server.pid)
    assert server.alive()
    server.stop()
    server.stop()
    assert not server.alive()
    assert psutil.wait_procs(processes, timeout=5)[1] == []


def test_stopping_twice_does_not_free_the_folder_of_a_later_server(made: Path):
    first = embedded.start(made, durable=False)
    first.stop()
    with embedded.start(made, durable=False):
        first.stop()
        with pytest.raises(embedded.DataInUse):
            embedded.start(made, durable=False)


def test_a_second_start_on_the_same_folder_is_refused_and_disturbs_nothing(server: embedded.Embedded):
    with pytest.raises(embedded.DataInUse, match=rf"in use by another Wend \(process {os.getpid()}\)"):
        embedded.start(server.data, durable=False)
    assert ask(server.dsn, "select 1") == 1


def test_a_running_server_is_found_by_its_folder(made: Path):
    assert embedded.find(made) is None
    with embedded.start(made, durable=False, port_hint=6000) as server:
        assert embedded.find(made) == server.dsn
        assert ask(server.dsn_of("postgres"), "select 1") == 1
    assert embedded.find(made) is None


def test_what_was_committed_is_there_after_the_postmaster_was_killed(tmp_path: Path):
    first = embedded.start(tmp_path)
    with psycopg.connect(first.dsn, autocommit=True) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept select generate_series(1, 1000)")
    os.kill(first.pid, signal.SIGKILL)
    first.stop()
    with embedded.start(tmp_path) as second:
        assert ask(second.dsn, "select count(*) from kept") == 1000


def test_a_server_left_over_by_a_killed_wend_is_replaced(made: Path):
    program = f"""
        import os, signal
        from pathlib import Path
        from wend.store import embedded
        server = embedded.start(Path({str(made)!r}), durable=False)
        print(server.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    left = family(int(killed.stdout))
    with embedded.start(made, durable=False) as server:
        assert server.pid not in [process.pid for process in left]
        assert ask(server.dsn, "select 1") == 1
        assert psutil.wait_procs(left, timeout=5)[1] == []


def test_a_stale_pid_file_that_names_a_stranger_is_no_obstacle(made: Path):
    (pid_file,) = [cluster / "postmaster.pid" for cluster in made.glob("postgres-*") if cluster.is_dir()]
    pid_file.write_text(f"{os.getppid()}\n{pid_file.parent}\n1\n5432\n{made / 'run'}\n\n0 0\nready\n")
    with embedded.start(made, durable=False) as server:
        assert ask(server.dsn, "select 1") == 1


def test_a_half_made_cluster_is_made_again(tmp_path: Path):
    half = tmp_path / "postgres-18.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with embedded.start(tmp_path, durable=False) as server:
        assert ask(server.dsn, "select 1") == 1
    assert not half.exists()


def test_a_folder_too_long_for_a_socket_gets_a_short_one(tmp_path: Path):
    deep = tmp_path / ("x" * 100) / ("y" * 100) / "comma,quote' ä"
    with embedded.start(deep, durable=False) as server:
        assert ask(server.dsn, "select 1") == 1
        sockets = Path(str(ask(server.dsn, "show unix_socket_directories")).strip('"'))
        assert embedded.find(deep) == server.dsn
    assert deep not in sockets.parents
    assert not sockets.exists()


def test_data_of_another_major_version_are_refused_untouched(tmp_path: Path):
    (tmp_path / "postgres-12").mkdir()
    with pytest.raises(embedded.EmbeddedError, match="holds postgres-12, but PostgreSQL 18 is installed"):
        embedded.start(tmp_path)
    assert not (tmp_path / "postgres-18").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="asks what root does")
def test_root_falls_back_to_an_ordinary_account_and_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = Path("/var/tmp") / f"wend-{os.getpid()}"
    try:
        with embedded.start(data, durable=False) as server:
            ask(server.dsn, "select 1")
        with monkeypatch.context() as patch:
            patch.setattr(unprivileged, "_namespaces_work", lambda _: False)
            with pytest.raises(embedded.EmbeddedError, match=r"cannot enter .*chmod o\+x"):
                embedded.start(tmp_path / "data", durable=False)
            with embedded.start(data, durable=False) as server:
                assert psutil.Process(server.pid).uids().real != 0
                assert ask(server.dsn, "select 1") == 1
        # The folder belongs to that account now, and stays with it.
        with embedded.start(data, durable=False) as server:
            assert psutil.Process(server.pid).uids().real == data.stat().st_uid != 0
    finally:
        subprocess.run(["rm", "-rf", data], check=True)
