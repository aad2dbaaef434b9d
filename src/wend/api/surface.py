"""What the requests of this server share. Made once by `wend up` and put on the application's state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from wend.delivery.render import SenderSettings
from wend.store.clock import DatabaseClock
from wend.store.postgres import Pool
from wend.store.secrets import Secrets


@dataclass(frozen=True, slots=True)
class Process:
    """A child process: how often it was started again, and the counters that it told last."""

    restarts: int
    numbers: dict[str, float]


@dataclass(frozen=True, slots=True)
class IntakeNumbers:
    """Messages taken but not yet written, messages written, transactions; since the start of this process."""

    waiting: int
    committed: int
    groups: int


@dataclass(slots=True)
class Surface:
    """`public_url`: how people's browsers reach us, without a slash at the end. `password`: of the pages ('' : none).
    `loopback`: only this machine can reach us. `sender`: what all messages have in common (for previews).
    `secrets`: what services are called with is written with it."""

    pool: Pool
    clock: DatabaseClock
    partitions: int
    public_url: str = ""
    password: str = ""
    loopback: bool = True
    version: str = ""
    sender: SenderSettings = field(default_factory=SenderSettings)
    secrets: Secrets | None = None
    processes: Callable[[], dict[str, Process]] = dict
    intake: Callable[[], IntakeNumbers] | None = None


def surface_of(request: Request) -> Surface:
    """The surface this request belongs to."""
    return cast(Surface, request.app.state.surface)
