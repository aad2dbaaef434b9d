"""Rows of a CSV file → profiles.

How a column is read is seen from its header:
- `user_id` (also `userId`, `id`) identifies the person; without one, or where it is empty, `email` does. `anonymous_id` is taken too.
- `consent_email`, `consent_sms` … `consent_tracking`: `subscribed`, `opted_in` or `unsubscribed` (`yes`, `true`, `1` and `no`,
  `false`, `0` are understood); empty: nothing is said.
- `tags`: put on the person; separated by `|` or `;`. Everything else is an attribute; `address.city` is city inside address.
- Types are guessed per value: `true`/`false`; integers up to 15 digits and decimals that have no leading zero, plus sign or
  blank; everything else is text, dates in ISO 8601 too. `email`, `phone` and everything whose header says phone, zip, postal,
  code or id stays text. `size:text`, `vip:boolean`, `points:number` in the header settle it. Empty cells say nothing.
Separators and encoding: csv_rows.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from wend.core.consent import CHANNELS
from wend.core.inputs import Consent, Identify, ListChange, Start
from wend.core.problems import nearest
from wend.intake.csv_rows import read_heading, records
from wend.intake.identifiers import ANONYMOUS, EMAIL, USER, email_key, identifier
from wend.intake.import_job import ImportFailed, Row
from wend.intake.items import Entry, Message, check_traits, entry
from wend.intake.limits import Limits
from wend.intake.refused import Refused

_ALIASES: Final = {
    "userid": USER, "user id": USER, "id": USER, "user_id": USER, "anonymousid": ANONYMOUS, "anonymous_id": ANONYMOUS,
    "e-mail": EMAIL, "mail": EMAIL, "email address": EMAIL, "email": EMAIL,
}  # fmt: skip
_STATES: Final = {
    **dict.fromkeys(("subscribed", "yes", "true", "1"), "subscribed"),
    **dict.fromkeys(("unsubscribed", "no", "false", "0"), "unsubscribed"),
    "opted_in": "opted_in",
}
_TYPES: Final = ("text", "number", "boolean")
_TEXT: Final = re.compile(r"phone|zip|postal|postcode|code|(^|[_ .])id$|email", re.IGNORECASE)
_INTEGER: Final = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL: Final = re.compile(r"-?(0|[1-9]\d{0,14})\.\d{1,15}")
_BOOLEANS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Columns:
    """What the caller settles: header → the name it is read as (`{"Kundennr": "user_id"}`); "" leaves a column out."""

    names: dict[str, str] = field(default_factory=dict)

    def as_options(self) -> dict[str, str]:
        """For the digest of the job."""
        return dict(self.names)


def read_profiles(
    path: Path,
    columns: Columns,
    limits: Limits,
    *,
    now: int,
    source: str,
    job: str,
    start: str | None = None,
    list: str | None = None,
) -> Iterator[Row]:
    """The rows of the file. `now`: ms UTC; `source`: of consents; `job`: makes the rows' message ids; `start`: a journey to start;
    `list`: a list to put them on, then the file only says who it is. Raises ImportFailed."""
    with path.open("rb") as file:
        heading = read_heading(path, file)
        table = _Table(path, heading.names, columns, start, list)
        for number, text in records(file):
            row = Row(number, text, None, None, file.tell())
            try:
                cells = heading.cells(text)
                row.message = table.message(cells, limits, now, source, f"{job}:{number}")
            except Refused as refused:
                row.refused = refused
            yield row


class _Table:
    """The header, understood once."""

    def __init__(self, path: Path, header: list[str], columns: Columns, start: str | None, put_on: str | None) -> None:
        self._start = start
        self._put_on = put_on
        unknown = [name for name in columns.names if name not in header]
        if unknown:
            raise ImportFailed(f"{path}: the header has no column {unknown[0]!r}{nearest(unknown[0], header)}")
        self._columns: list[tuple[int, str, str]] = []  # (position, name, type)
        seen: dict[str, str] = {}
        for position, title in enumerate(header):
            name, _, kind = columns.names.get(title, title).rpartition(":")
            if kind not in _TYPES or not name:
                name, kind = columns.names.get(title, title), ""
            name = _ALIASES.get(name.lower(), name)
            if not name:
                continue
            if name in seen:
                raise ImportFailed(f"{path}: the columns {seen[name]!r} and {title!r} are both read as {name!r}")
            if put_on is not None and columns.names:
                # Only the columns that were named; what is called neither is a user id.
                name = "" if title not in columns.names else name if name in (USER, ANONYMOUS, EMAIL) else USER
            if put_on is not None and name not in (USER, ANONYMOUS, EMAIL):
                continue
            seen[name] = title
            channel = name.removeprefix("consent_")
            if channel != name and channel not in (*CHANNELS, "tracking"):
                raise ImportFailed(f"{path}: column {title!r}: {channel!r} is no channel{nearest(channel, CHANNELS)}")
            self._columns.append((position, name, kind or ("text" if _TEXT.search(name) else "")))
        if not seen.keys() & {USER, EMAIL, ANONYMOUS}:
            raise ImportFailed(
                f"{path}: no column says whose row it is; there must be one called user_id, email or anonymous_id, "
                f"found are {', '.join(header)[:200]}"
            )

    def message(self, cells: list[str], limits: Limits, now: int, source: str, id: str) -> Message:
        """The profile of one row. Raises Refused."""
        traits: dict[str, Any] = {}
        entries: list[Entry] = []
        ids: dict[str, str | None] = {}
        tags: list[str] = []
        for position, name, kind in self._columns:
            cell = cells[position].strip()
            if not cell:
                continue
            if name in (USER, ANONYMOUS):
                ids[name] = identifier(cell, name, limits.id_chars)
            elif name.startswith("consent_"):
                channel = name.removeprefix("consent_")
                made = Consent(_state(cell, name), now, channel, source=source)
                entries.append(entry(made, f"{id}:{name}"))
            elif name == "tags":
                tags = [tag.strip() for tag in re.split(r"[|;]", cell) if tag.strip()]
            else:
                _put(traits, name, _value(cell, kind, name))
        user, anonymous = ids.get(USER), ids.get(ANONYMOUS)
        email = email_key(traits.get(EMAIL))
        if user is None and anonymous is None and email is None:
            raise Refused("no_user_anon_id", "The row has no user_id, and no e-mail address to take its place.")
        lookups = check_traits(traits)
        known = Identify(traits, now, imported=True, user_id=user, anonymous_id=anonymous, tags=tags)
        entries.insert(0, entry(known, f"{id}:identify"))
        if self._start is not None:
            entries.append(entry(Start(self._start, now, dict(traits), "profiles"), f"{id}:start"))
        if self._put_on is not None:
            entries.append(entry(ListChange(self._put_on, now), f"{id}:list"))
        if len(entries[0].payload) > limits.item_bytes:
            raise Refused("item_too_large", f"The row has more than {limits.item_bytes} bytes.")
        by_lookup = email if user is None and anonymous is None else None
        message = Message(user, anonymous, now, tuple(entries), None, lookups, by_lookup)
        message.introduces = True
        message.imported = True
        return message


def _state(cell: str, name: str) -> Any:
    state = _STATES.get(cell.lower())
    if state is None:
        allowed = "subscribed, opted_in, unsubscribed"
        raise Refused("invalid_consent", f"{name} {cell[:40]!r} is none of {allowed}{nearest(cell, _STATES)}")
    return state


def _value(cell: str, kind: str, name: str) -> Any:
    if kind == "text":
        return cell
    lower = cell.lower()
    if kind != "number" and lower in _BOOLEANS:
        return _BOOLEANS[lower]
    if kind == "boolean":
        raise Refused("invalid_value", f"{name} {cell[:40]!r} is neither true nor false.")
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if _DECIMAL.fullmatch(cell):
        return float(cell)
    if kind == "number":
        raise Refused("invalid_value", f"{name} {cell[:40]!r} is not a number like 1234 or -12.5.")
    return cell


def _put(traits: dict[str, Any], name: str, value: Any) -> None:
    *parents, last = name.split(".")
    target = traits
    for parent in parents:
        inner = target.setdefault(parent, {})
        if type(inner) is not dict:
            return
        target = cast("dict[str, Any]", inner)
    target[last] = value
