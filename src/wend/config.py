"""What an operator can set, read once at the start of a command.

Rules: one frozen dataclass; only the command line (cli.py and commands/) imports it and passes plain values on. A value comes from, in
this order: the command line, the environment (`WEND_NAME`), `wend.toml` in the data folder, the default. Unknown names
and impossible values are errors that name the place, all at once: a misspelt setting must not be ignored.
What belongs to the workspace and changes while it runs (quiet hours, caps, keys) is not here but in the database.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from wend.core.problems import nearest
from wend.core.zone import is_zone

PREFIX = "WEND_"
FILE = "wend.toml"


class ConfigError(ValueError):
    """Settings that cannot be used; `problems` holds one line per mistake, each naming its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _setting(default: Any, says: str, *, secret: bool = False, low: int | None = None, high: int | None = None) -> Any:
    metadata = {"says": says, "secret": secret, "low": low, "high": high}
    return field(default=default, metadata=metadata, repr=not secret)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an operator can set. Times in seconds, sizes in bytes, as each text says."""

    data: Path = _setting(Path("wend-data"), "Folder for the database, the log, the keys and `wend.toml`.")
    database_url: str = _setting(
        "",
        "PostgreSQL server to use, `postgresql://user:password@host/database`. Empty: the embedded one in the data folder.",
        secret=True,
    )
    schema: str = _setting("wend", "PostgreSQL schema that holds the workspace.")
    partitions: int = _setting(
        64, "Logical partitions; only read when the database is created, fixed afterwards.", low=1, high=4096
    )
    host: str = _setting("127.0.0.1", "Address the HTTP server listens on.")
    port: int = _setting(8600, "Port of the HTTP server; 0 takes any free one.", low=0, high=65535)
    public_url: str = _setting(
        "", "Address under which people's browsers reach this server, for links in messages. Empty: `http://HOST:PORT`."
    )
    password: str = _setting(
        "",
        "Password of the pages (HTTP Basic, any user name)."
        " Empty: the pages are open on a loopback address and closed on any other.",
        secret=True,
    )
    workers: int = _setting(0, "Worker processes that run the journeys; 0: one per two processors.", low=0, high=256)
    max_item_bytes: int = _setting(32 * 1024, "Largest single event that is accepted.", low=1024, high=16 << 20)
    max_body_bytes: int = _setting(
        4 * 1024 * 1024 + 64 * 1024, "Largest request body that is accepted.", low=4096, high=256 << 20
    )
    max_batch_items: int = _setting(2500, "Most events in one batch.", low=1, high=100_000)
    smtp_port: int = _setting(
        0, "Port of the built-in inbox's SMTP server on 127.0.0.1; 0 takes any free one.", low=0, high=65535
    )
    smtp_url: str = _setting(
        "",
        "Mail server for real mail: `smtp://user:password@host:587` (STARTTLS), `smtps://…:465`. Empty: the built-in inbox catches everything.",
        secret=True,
    )
    mail_from: str = _setting("Wend <wend@localhost>", "Sender of mails whose template names none: `Name <address>`.")
    mail_reply_to: str = _setting("", "Reply-To of mails whose template names none.")
    mail_bounce_address: str = _setting(
        "",
        "Where bounces go, `bounces@example.com`: becomes the envelope's sender, with a token that names the message.",
    )
    postal_address: str = _setting("", "Shown under marketing mail, as the law of many countries wants.")
    locale: str = _setting("en", "Language and region for people without a `locale` attribute.")
    zone: str = _setting("UTC", "Time zone in messages to people without a `timezone` attribute.")
    currency: str = _setting("EUR", "Currency in messages where an order names none.")
    track_opens: bool = _setting(True, "Put an open pixel into HTML mail.")
    track_clicks: bool = _setting(True, "Lead links of HTML mail through this server.")
    tracking_needs_consent: bool = _setting(
        False, "Track only people with a recorded yes to `tracking`; otherwise all but those with a recorded no."
    )
    secret_key: str = _setting(
        "",
        "Master key of the stored secrets: 32 bytes in base64 (`openssl rand -base64 32`)."
        " Empty: `secret.key` in the data folder, made at the first start.",
        secret=True,
    )
    log_level: str = _setting("info", "`debug`, `info`, `warning` or `error`: what is written to `wend.log`.")

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the HTTP server."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")


_FIELDS = {one.name: one for one in fields(Config)}
_EXPECTED = {bool: "true or false", int: "a whole number", str: "a text in quotes"}
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,40}")
_LEVELS = ("debug", "info", "warning", "error")


def load(environ: Mapping[str, str] | None = None, **given: Any) -> Config:
    """The settings in force. `given`: what the command line said (None: nothing said). Raises ConfigError."""
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    said: dict[str, Any] = {}
    from_environment = _from_environment(environ, problems)
    data = Path(given.get("data") or from_environment.get("data") or "wend-data").expanduser().absolute()
    said.update(_from_file(data / FILE, problems))
    said.update(from_environment)
    for name, value in given.items():
        if value is not None:
            _take(said, name, value, f"--{name.replace('_', '-')}", problems)
    said["data"] = data
    if problems:
        raise ConfigError(problems)
    return Config(**said)


def _from_environment(environ: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable in sorted(environ):
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in _FIELDS:
            allowed = [PREFIX + known.upper() for known in _FIELDS]
            problems.append(f"environment: {variable} is not a setting{nearest(variable, allowed)}")
            continue
        text = environ[variable]
        value: Any = text
        if isinstance(_FIELDS[name].default, bool):
            if text.lower() not in ("true", "false"):
                problems.append(f"environment: {variable} is {text!r}; true or false is expected")
                continue
            value = text.lower() == "true"
        elif isinstance(_FIELDS[name].default, int):
            try:
                value = int(text)
            except ValueError:
                problems.append(f"environment: {variable} is {text!r}; a whole number is expected")
                continue
        _take(found, name, value, f"environment: {variable}", problems)
    return found


def _from_file(path: Path, problems: list[str]) -> dict[str, Any]:
    if not path.exists():
        return {}
    found: dict[str, Any] = {}
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"{path}: {error}")
        return {}
    for name, value in document.items():
        if name == "data":
            problems.append(
                f"{path}: data: the folder that holds this file cannot be set in it; use WEND_DATA or --data"
            )
        elif name not in _FIELDS:
            problems.append(f"{path}: {name!r} is not a setting{nearest(name, [n for n in _FIELDS if n != 'data'])}")
        elif type(value) is not type(_FIELDS[name].default):
            expected = _EXPECTED[type(cast(Any, _FIELDS[name].default))]
            problems.append(f"{path}: {name} is {value!r}; {expected} is expected")
        else:
            _take(found, name, value, f"{path}: {name}", problems)
    return found


def _take(found: dict[str, Any], name: str, value: Any, where: str, problems: list[str]) -> None:
    """Put a value of the right type into `found` if it is within its bounds."""
    low, high = _FIELDS[name].metadata["low"], _FIELDS[name].metadata["high"]
    if low is not None and not low <= value <= high:
        problems.append(f"{where} is {value}; {low} to {high} is allowed")
    elif name == "schema" and not _SCHEMA.fullmatch(value):
        problems.append(f"{where} is {value!r}; 1 to 41 of a-z, 0-9 and _ are allowed, not beginning with a digit")
    elif name == "zone" and not is_zone(value):
        problems.append(f"{where} is {value!r}, which is not a time zone such as Europe/Berlin")
    elif name == "log_level" and value not in _LEVELS:
        problems.append(f"{where} is {value!r}; {', '.join(_LEVELS)} are allowed{nearest(str(value), _LEVELS)}")
    else:
        found[name] = Path(value) if name == "data" else value
