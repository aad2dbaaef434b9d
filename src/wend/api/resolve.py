"""Which person a path or a parameter means: a profile id or any identifier. Ids are texts in JSON: browsers round large numbers."""

from __future__ import annotations

from wend.api.problem import Fault, missing
from wend.reports import people
from wend.store.postgres import Connection


async def person_of(conn: Connection, text: str) -> int:
    """The profile id that `text` means. 404 when nobody is known by it, 409 when it means several people."""
    found = await people.find(conn, text)
    if not found:
        raise missing("person", text)
    if len(found) > 1:
        several = ", ".join(map(str, found[:10]))
        raise Fault(409, "ambiguous", f"{text!r} means several people: {several}. Ask with one of these profile ids.")
    return found[0]
