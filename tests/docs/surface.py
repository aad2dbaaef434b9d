"""The reference pages of settings, command line and API, made from the code (see reference.py)."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any, cast

import typer
import typer.main

from wend.api.app import build
from wend.api.surface import Surface
from wend.cli import app
from wend.config import PREFIX, Config


def settings_page() -> str:
    """docs/reference/settings.md."""
    lines = [
        "# Settings",
        "",
        "Made from the code by `make docs`. Read once at the start of a command. The command line wins over the environment, the",
        "environment over `wend.toml` in the data folder, that over the default. A name that is not in this table is an error.",
        "",
        "The pages (`/journeys`, `/people`, `/inbox` …) are for development. On a loopback address without `password` they are open to",
        "whoever uses this machine; with `password` they ask for it (HTTP Basic, any user name); on any other address without one they are closed.",
        "",
        "| `wend.toml` | environment | default | meaning |",
        "|---|---|---|---|",
    ]
    for one in fields(Config):
        default = str(one.default).lower() if isinstance(one.default, bool) else str(one.default)
        bounds = "" if one.metadata["low"] is None else f" {one.metadata['low']} to {one.metadata['high']}."
        secret = " Secret: never shown or logged." if one.metadata["secret"] else ""
        file = "–" if one.name == "data" else f"`{one.name}`"
        shown = f"`{default}`" if default else "empty"
        lines.append(f"| {file} | `{PREFIX}{one.name.upper()}` | {shown} | {one.metadata['says']}{bounds}{secret} |")
    lines += [
        "",
        "## Settings of decisions",
        "",
        "Published to the running workspace: `wend settings put FILE`, `PUT /api/settings`. null takes one away.",
        "",
        "| setting | example | what for |",
        "|---|---|---|",
        *(f"| `{name}` | `{example}` | {says} |" for name, (example, says) in DECISIONS.items()),
    ]
    return "\n".join([*lines, ""])


DECISIONS: dict[str, tuple[str, str]] = {
    "zone": ("Europe/Berlin", "Zone of people without a valid `timezone`."),
    "lateness": ("259200000", "Events older than this many milliseconds start nothing."),
    "quiet_hours": (
        '{sms: {from: "21:00", to: "08:00", hold_at_most: 12h}}',
        "Nights by channel (`*`: all), in the person's zone.",
    ),
    "caps": (
        "[{limit: 3, within: 7d}, {limit: 1, within: 30d, same: template}]",
        "At most so many messages in a rolling window.",
    ),
    "control_group": ("{share: 5%, salt: autumn}", "People who get no marketing at all."),
    "test": ("{tag: test-person, wait: 10s}", "Whose waits are short, and whom nights and caps do not hold."),
    "engagement": (
        "{weights: {Signed In: 2}, decay: {after: 7d, points: 5, every: 7d}, floor: 0}",
        "The built-in score.",
    ),
    "funnel": (
        "{stages: [{id: lead}, {id: mql, when: {score: {gte: 50}}}]}",
        "Stages, and what brings people forward.",
    ),
    "rfm": ("{recency: [30d, 90d, 180d, 365d], learned: true}", "Thresholds of the classes of buyers."),
    "best_time": ("{email: 19}", "Hour of most people by channel; learned (`wend learn best_time`)."),
    "bandits": (
        "{welcome/offer: {a: 0.8, b: 0.2}}",
        "Weights of splits by journey/node; learned (`wend learn bandits`).",
    ),
    "team": ("{anna: anna@example.com}", "Who alerts may name."),
    "audiences": ("[buyers]", "Advertising audiences that journeys may name."),
    "alert_digest": ('{at: "08:00", weekday: monday}', "When collected alerts are sent."),
}
"""Name → an example as YAML, and what it is for."""


def cli_page() -> str:
    """docs/reference/cli.md."""
    lines = [
        "# Command line",
        "",
        "Made from the code by `make docs`. Commands find the running Wend by its data folder (`--data`, `WEND_DATA`, `./wend-data`), or use the",
        "database of `WEND_DATABASE_URL`; they need no HTTP. Errors are one line, `error: where: what; what to do`, on standard error:",
        "exit code 1 for what can be mended, 2 for a wrong command line. Tables are tab-separated when they are piped.",
        "",
    ]
    for name, command in commands():
        arguments, options = _parameters(command)
        usage = " ".join([f"wend {name}", *(one for one, _ in arguments)])
        lines += [f"## `{usage}`", "", " ".join(inspect.cleandoc(command.help or "").split()), ""]
        if options:
            lines += ["| option | meaning |", "|---|---|", *(f"| `{one}` | {says} |" for one, says in options), ""]
    return "\n".join(lines)


def commands() -> list[tuple[str, Any]]:
    """(name with its group, command) of every command."""
    found: list[tuple[str, Any]] = []

    def walk(prefix: str, group: Any) -> None:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                walk(f"{prefix}{name} ", command)
            else:
                found.append((f"{prefix}{name}", command))

    walk("", typer.main.get_command(app))
    return found


def _parameters(command: Any) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    arguments: list[tuple[str, str]] = []
    options: list[tuple[str, str]] = []
    for one in command.params:
        if one.param_type_name == "argument":
            name = one.metavar or one.name.upper()
            arguments.append((name if one.required else f"[{name}]", one.help or ""))
        elif one.name != "help":
            value = "" if getattr(one, "is_flag", False) else f" {one.name.upper()}"
            default = (
                ""
                if one.default in (None, "", False, [], ()) or callable(one.default)
                else f" Default: `{one.default}`."
            )
            needed = " Required." if one.required else ""
            options.append((f"{one.opts[0]}{value}", f"{one.help or ''}{default}{needed}".replace("|", "\\|")))
    return arguments, options


def api_page() -> str:
    """docs/reference/api.md."""
    document = build(Surface(pool=cast(Any, None), clock=cast(Any, None), partitions=1, version="1")).openapi()
    lines = [
        "# API",
        "",
        "Made from the code by `make docs`; the whole description with all types is at `/api/openapi.json` of a running Wend.",
        "",
        *document["info"]["description"].splitlines(),
        "",
        "Scopes of keys: `read` looks at everything, `write` changes journeys, templates and people, `admin` makes keys, changes settings,",
        "exports and erases people. Each includes those before it. Ids of people are texts: they do not fit into a browser's numbers.",
        "",
        "| call | what it does |",
        "|---|---|",
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            says = " ".join(operation["description"].split())
            query = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            asked = f"?{'&'.join(query)}" if query else ""
            lines.append(f"| `{method.upper()} {path}{asked}` | {says} |")
    lines += [
        "",
        "Beside the API, without a key: `/healthz` (200 while the process lives), `/readyz` (200 when database, clock, workers and mode are",
        "well, 503 with what is missing otherwise) and `/metrics` (Prometheus).",
        "",
    ]
    return "\n".join(lines)


PAGES = {"settings.md": settings_page, "cli.md": cli_page, "api.md": api_page}
