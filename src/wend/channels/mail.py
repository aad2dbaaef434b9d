"""Reading mail: what is in it, for the inbox and for bounces.

The standard library compiles an expression for every boundary and walks every line: 1 ms a mail. Mail that we wrote ourselves
has a known shape and is read by hand; everything else, and whatever looks odd, goes to the library.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import re
from binascii import a2b_qp
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message as Mail

_FOLD = re.compile(r"\r?\n[ \t]+")
_OURS = re.compile(rb'\r\nContent-Type: multipart/alternative; boundary="(=_[0-9a-f]{24})"\r\n\r\n')
_PART = re.compile(
    rb'Content-Type: text/(plain|html); charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail read: headers decoded, bodies as text, '' where there is none."""

    headers: dict[str, str]
    text: str
    html: str

    def header(self, name: str) -> str:
        """The header's value whatever its letter case, or ''."""
        name = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == name), "")


def read_letter(raw: bytes) -> Letter:
    """The mail's headers and bodies. Never raises: what cannot be read is left empty."""
    return _read_ours(raw) or _read_any(raw)


def _read_ours(raw: bytes) -> Letter | None:
    head = _OURS.search(raw)
    if head is None:
        return None
    bodies: dict[bytes, str] = {}
    for piece in raw[head.end() :].split(b"--" + head[1])[1:3]:
        part = _PART.match(piece, 2)
        if part is None:
            return None
        # The line break before a boundary belongs to the boundary.
        bodies[part[1]] = a2b_qp(piece[part.end() : -2]).decode("utf-8", "replace").replace("\r\n", "\n")
    headers: dict[str, str] = {}
    for line in _FOLD.sub(" ", raw[: head.start()].decode("utf-8", "replace")).split("\r\n"):
        name, colon, value = line.partition(":")
        if not colon:
            return None
        headers[clean(name)] = _decoded(value.strip())
    return Letter(headers, clean(bodies.get(b"plain", "")), clean(bodies.get(b"html", "")))


def _read_any(raw: bytes) -> Letter:
    # The old policy decodes headers only when asked; the new one raises on some malformed ones.
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    headers = {clean(name): _decoded(_FOLD.sub(" ", str(value))) for name, value in mail.items()}
    bodies = {"text/plain": "", "text/html": ""}
    for part in mail.walk():
        kind = part.get_content_type()
        if kind in bodies and not bodies[kind] and part.get_content_disposition() != "attachment":
            bodies[kind] = _body(part)
    return Letter(headers, bodies["text/plain"], bodies["text/html"])


def _decoded(value: str) -> str:
    if "=?" in value:
        with contextlib.suppress(ValueError, LookupError, HeaderParseError):
            value = str(make_header(decode_header(value)))
    return clean(value)


def _body(part: Mail) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return clean(payload.decode(part.get_content_charset() or "utf-8", "replace"))
    except LookupError:  # a character set that nobody knows
        return clean(payload.decode("utf-8", "replace"))


def clean(text: str) -> str:
    """What PostgreSQL takes as text: no NUL, no lone surrogate."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
