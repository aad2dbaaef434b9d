"""Where Wend's processes write what happens: all of it as JSON lines to `wend.log`, warnings and worse also to the terminal.

Every library's standard logging goes the same way. Several processes append to one file, each line in one write.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import structlog

NAME = "wend.log"
_LIMIT = 20_000_000  # bytes; a larger log is put aside at the next start


def start(data: Path, level: str, *, process: str, aside: bool = False) -> None:
    """Send this process's log to `data`/wend.log. `aside`: first put a log that has grown large aside."""
    path = data / NAME
    if aside and path.exists() and path.stat().st_size > _LIMIT:
        path.replace(path.with_suffix(".log.old"))
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _Process(process),
    ]
    file = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    file.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.WARNING)
    terminal.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.dev.ConsoleRenderer(
                    colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
                ),
            ],
        )
    )
    root = logging.getLogger()
    # The inbox's SMTP server tells every line of every mail.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(file)
    root.addHandler(terminal)
    root.setLevel(level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class _Process:
    """Adds the name of the process to every line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(
        self, logger: structlog.typing.WrappedLogger, method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        event["process"] = self._name
        return event
