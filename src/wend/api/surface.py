"""What the requests of this server share. Made once by `wend up` and put on the application's state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from wend.store.clock import DatabaseClock
from wend.store.postgres import Pool


@dataclass(slots=True)
class Surface:
    """`public_url`: how people's browsers reach us, without a slash at the end. `password`: of the pages ('' : none).
    `loopback`: only this machine can reach us. `workers`: how many worker processes were started here."""

    pool: Pool
    clock: DatabaseClock
    partitions: int
    public_url: str = ""
    password: str = ""
    loopback: bool = True
    version: str = ""
    smtp_port: int = 0
    children: dict[str, int] = field(default_factory=dict[str, int])
    """Name of a child process → how often it was started again."""


def surface_of(request: Request) -> Surface:
    """The surface this request belongs to."""
    return cast(Surface, request.app.state.surface)
