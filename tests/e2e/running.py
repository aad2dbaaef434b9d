"""A real `wend up` as a process of its own, the `wend` command, and a real mail server: what the tests of the whole share.

Nothing here looks inside Wend's processes: it talks HTTP, SMTP and SQL, runs commands, and kills by process id.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil
import psycopg
from aiosmtpd.smtp import SMTP, Envelope, Session

from wend.commands import running
from wend.content.documents import load_all

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds that something may take on a busy machine before it counts as not happening."""
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def until(what: str, ask: Callable[[], T | None], *, seconds: float = PATIENCE, every: float = 0.1) -> T:
    """Ask until the answer is true, and return it. `what` names it in the failure."""
    end = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s, the last answer was {answer!r}"
        time.sleep(every)


@dataclass
class Wend:
    """`wend up` on the folder `data`. `environ`: settings, as WEND_… variables."""

    data: Path
    environ: dict[str, str] = field(default_factory=dict[str, str])
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it serves."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "wend.cli", "up", "--data", str(self.data)]
        with self._said.open("ab") as out:
            self.process = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        process = self.process

        def ready() -> bool:
            assert process.poll() is None, f"wend up ended with code {process.returncode}: {self._said.read_text()}"
            found = running.find(self.data)
            return found is not None and found.pid == process.pid

        until("wend up is ready", ready)

    @property
    def _said(self) -> Path:
        return self.data.with_name(f"{self.data.name}.said")

    @property
    def env(self) -> dict[str, str]:
        """The environment of `wend up` and of commands beside it."""
        return {**os.environ, "WEND_PORT": "0", "WEND_WORKERS": "1", "WEND_DATA": str(self.data), **self.environ}

    def stop(self) -> int:
        """Ask it to stop, as an operator does; returns its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """kill -9 of `wend up` itself."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def end(self) -> None:
        """Leave no process, whatever the test did."""
        if self.process is None:
            return
        if self.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
        if self.process.poll() is None:
            self.kill()
        for one in self.postgres():
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGQUIT)
                one.wait(10)

    @property
    def here(self) -> running.Running:
        """Where it serves."""
        found = running.find(self.data)
        assert found is not None
        return found

    @property
    def url(self) -> str:
        return self.here.url

    def child(self, role: str) -> psutil.Process | None:
        """The living child process of that role (worker, sender)."""
        assert self.process is not None
        with suppress(psutil.NoSuchProcess):
            for one in psutil.Process(self.process.pid).children():
                with suppress(psutil.NoSuchProcess):
                    if one.cmdline()[-2:] == ["wend.commands.child", role]:
                        return one
        return None

    def postgres(self) -> list[psutil.Process]:
        """The postmaster of the data folder, if it has one and it lives."""
        found: list[psutil.Process] = []
        for pid_file in self.data.glob("postgres-*/postmaster.pid"):
            with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
                one = psutil.Process(int(pid_file.read_text().splitlines()[0]))
                if one.name().startswith("postgres"):
                    found.append(one)
        return found

    @property
    def keys(self) -> dict[str, str]:
        """'Write key' and 'API key' of the first start."""
        lines = (self.data / "keys.txt").read_text().splitlines()
        return dict(line.split(": ", 1) for line in lines)

    def run(self, *words: str | Path, code: int = 0) -> str:
        """Run a `wend` command beside the server; what it printed. Its exit code must be `code`."""
        command = [sys.executable, "-m", "wend.cli", *map(str, words)]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.returncode == code, f"{words}: code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout if code == 0 else done.stderr

    def api(self, path: str, **params: str) -> Any:
        """GET of /api/… with the API key."""
        return self.ask("GET", path, params=params)

    def ask(self, method: str, path: str, **given: Any) -> Any:
        """Any call of /api/… with the API key; it must succeed."""
        headers = {"Authorization": f"Bearer {self.keys['API key']}"}
        answer = httpx2.request(method, f"{self.url}/api/{path}", headers=headers, timeout=PATIENCE, **given)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def post(self, batch: list[dict[str, Any]]) -> httpx2.Response:
        """One batch to the tracking API."""
        return httpx2.post(
            f"{self.url}/v1/batch", json={"batch": batch}, auth=(self.keys["Write key"], ""), timeout=PATIENCE
        )

    def rows(self, query: str, *args: Any) -> list[tuple[Any, ...]]:
        """Rows of the workspace's database."""
        here = self.here
        with psycopg.connect(here.database_url, options=f"-c search_path={here.schema}") as conn:
            return conn.execute(query.encode(), args).fetchall()

    def why(self, who: str, journey: str) -> dict[str, Any]:
        """The answer of `wend why`, as data with its sentences."""
        return self.api(f"profiles/{who}/why/{journey}")

    def pushed(self, folder: Path, templates: str, *journeys: str) -> None:
        """Push the templates (a YAML stream) and publish the journeys, by the commands."""
        (folder / "templates.yaml").write_text(templates)
        self.run("template", "push", folder / "templates.yaml")
        files: list[Path] = []
        for number, text in enumerate(journeys):
            files.append(folder / f"journey-{number}.yaml")
            files[-1].write_text(text)
        if files:
            self.run("journey", "publish", *files)

    def published(self, templates: str, *journeys: str) -> None:
        """The same by the API, where the commands are not the point: each of those takes a second to start."""
        for template in load_all(templates, "templates"):
            self.ask("PUT", f"templates/{template['id']}", json=template)
        for [journey] in (load_all(text, "journey") for text in journeys):
            self.ask("POST", f"journeys/{journey['id']}/publish", json=journey)


@contextmanager
def wend(data: Path, **environ: str) -> Generator[Wend]:
    """A running Wend; no process of it is left afterwards."""
    one = Wend(data, environ)
    try:
        one.start()
        yield one
    finally:
        one.end()


@dataclass
class Mail:
    """A mail that came to its last byte."""

    sender: str
    to: str
    raw: bytes


class Sink:
    """A real SMTP server in a thread of its own. Addresses that begin with `gone` do not exist (550 5.1.1)."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refused: list[str] = []
        self.pause = 0.0
        """Seconds between a mail's last byte and the answer: time in which its sender can be killed."""
        self._loop = asyncio.new_event_loop()
        self._sessions: list[SMTP] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp sink", daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        self.url = f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}?security=none"

    def to(self, address: str) -> list[Mail]:
        """What came for one address."""
        return [mail for mail in list(self.mails) if mail.to == address]

    def close(self) -> None:
        """Close everything."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(self._session, "127.0.0.1", 0)

    def _session(self) -> SMTP:
        self._sessions.append(SMTP(self, loop=self._loop, hostname="sink.test", enable_SMTPUTF8=True))
        return self._sessions[-1]

    async def _close(self) -> None:
        self._server.close()
        for one in self._sessions:
            if isinstance(one.transport, asyncio.WriteTransport):
                one.transport.abort()
        await asyncio.sleep(0.01)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("gone"):
            self.refused.append(address)
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content
        assert content is not None
        self.mails += [Mail(envelope.mail_from or "", to, content) for to in envelope.rcpt_tos]
        if self.pause:
            await asyncio.sleep(self.pause)
        return "250 2.0.0 Ok: queued"


@contextmanager
def sink() -> Generator[Sink]:
    """A mail server; closed at the end."""
    one = Sink()
    try:
        yield one
    finally:
        one.close()


def ndjson(path: Path, messages: list[dict[str, Any]]) -> Path:
    """Write messages one a line."""
    path.write_text("".join(json.dumps(one) + "\n" for one in messages))
    return path
