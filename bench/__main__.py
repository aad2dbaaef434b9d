"""`python -m bench [NAME …] [--quick] [--write]`: run benchmarks one after the other, print a table, write it on request."""

from __future__ import annotations

import argparse
import importlib

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench.record import Record, machine, revision, table, write_page

NAMES = ("tracking", "engine", "backfill", "latency", "footprint")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Benchmarks of Wend.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when left out")
    parser.add_argument("--quick", action="store_true", help="small numbers: to see that it runs, not to judge by")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in NAMES]
    if unknown:
        parser.error(f"{unknown[0]!r} is no benchmark; there are {', '.join(NAMES)}")
    console = Console()
    console.print(f"{machine()}; revision {revision()}")
    records: list[Record] = []
    for name in chosen.names or NAMES:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console) as progress:
            made = importlib.import_module(f"bench.{name}").run(progress, quick=chosen.quick)
        records += made
        console.print(Markdown("\n".join(table(made))))
        for how in dict.fromkeys(one.how for one in made if one.how):
            console.print(f"- {how}", highlight=False)
    if chosen.write:
        console.print(f"written: {write_page(records, quick=chosen.quick)}")


if __name__ == "__main__":
    main()
