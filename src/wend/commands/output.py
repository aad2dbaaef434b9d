"""Tables, times and problems as the terminal shows them. Plain text when the output is not a terminal, so that it can be piped."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from wend.commands.errors import Several
from wend.core.problems import Problem

console = Console(highlight=False, soft_wrap=True)


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print a table, or the sentence `empty`. Piped: one row a line, cells separated by tabs, no header."""
    found = [[str(cell) for cell in row] for row in rows]
    if not found:
        print(empty, file=sys.stderr)
        return
    if not console.is_terminal:
        for row in found:
            print("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    shown = Table(*head, box=None, pad_edge=False, header_style="bold")
    for row in found:
        shown.add_row(*(escape(cell) for cell in row))
    console.print(shown)


def warnings(problems: Iterable[Problem], name: str = "") -> None:
    """Print the warnings among `problems` to standard error; `name` is the file they are about."""
    for one in problems:
        if one.level == "warning":
            print(f"warning: {_line(one, name)}", file=sys.stderr)


def refuse(problems: Iterable[Problem], name: str) -> Several:
    """The exception that tells all errors about the file `name`."""
    return Several([_line(one, name) for one in problems if one.level == "error"])


def _line(problem: Problem, name: str) -> str:
    return f"{name}: {problem}" if name and not str(problem).startswith(name) else str(problem)
