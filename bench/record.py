"""What a benchmark hands back, the machine it ran on, and the page made of both."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Record:
    """One number. `bar`: what it should at least (`lower` False) or at most (True) be; None: told for information."""

    bench: str
    what: str
    value: float
    unit: str
    bar: float | None = None
    lower: bool = False
    how: str = ""
    """Exactly what was measured."""

    @property
    def ratio(self) -> float | None:
        """How many times better than its bar; below 1 the bar is missed."""
        if self.bar is None or not self.value:
            return None
        return self.bar / self.value if self.lower else self.value / self.bar

    @property
    def shown(self) -> str:
        """The value with as many digits as it deserves."""
        return f"{self.value:,.0f}" if abs(self.value) >= 100 else f"{self.value:,.3g}"


def machine() -> str:
    """Processor, cores, memory, versions: one line."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        models = [
            line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        model = models[0] if models else model
    memory = psutil.virtual_memory().total / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GB; {platform.system()} {platform.release()}, Python {platform.python_version()}"


def revision() -> str:
    """The git revision, with `+` when files were changed since."""
    here = Path(__file__).parent
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"], cwd=here, capture_output=True, text=True, check=False
    )
    return said.stdout.strip() or "unknown"


def table(records: Sequence[Record]) -> list[str]:
    """The records as lines of a Markdown table."""
    lines = ["| what | measured | bar | measured ÷ bar |", "|---|---:|---:|---:|"]
    for one in records:
        bar = "" if one.bar is None else f"{'≤' if one.lower else '≥'} {one.bar:,.6g} {one.unit}"
        ratio = "" if one.ratio is None else f"{one.ratio:.2f}{'' if one.ratio >= 1 else ' (missed)'}"
        lines.append(f"| {one.what} | {one.shown} {one.unit} | {bar} | {ratio} |")
    return lines


def write_page(records: Sequence[Record], *, quick: bool) -> Path:
    """Write docs/benchmarks.md."""
    names = list(dict.fromkeys(one.bench for one in records))
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench` (`python -m bench --write`); run it to see the numbers of your own machine.",
        "",
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, revision {revision()}"
        + (", quick run (small numbers)" if quick else ""),
        f"- {machine()}",
        '- Load, server, workers and PostgreSQL share this machine. "measured ÷ bar" above 1 is better than the bar, whichever way it points.',
    ]
    for name in names:
        part = [one for one in records if one.bench == name]
        lines += ["", f"## {name}", "", *table(part), ""]
        lines += [f"- {how}" for how in dict.fromkeys(one.how for one in part if one.how)]
    PAGE.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return PAGE
