"""What may identify a person, and what never does (intake.md)."""

from __future__ import annotations

import re
from typing import Any, Final

from wend.core.problems import shown
from wend.intake.refused import Refused

Key = tuple[str, str]
"""(namespace, value), as in table `identifier`."""

USER: Final = "user_id"
ANONYMOUS: Final = "anonymous_id"
EMAIL: Final = "email"
PHONE: Final = "phone"
"""E-mail and phone are for looking people up only: first come, never a reason to merge."""

NEVER: Final = frozenset(
    {
        *("null", "undefined", "none", "nil", "nan", "void", "true", "false", "unknown", "anonymous", "-1", "n/a"),
        *("[object object]", "{}", "[]", "(null)", "<null>", "(none)", "(not set)"),
    }
)
"""Compared in lower case. What broken clients send where they have no id; nobody is called so."""
_ZEROS = re.compile(r"[0-]+")  # "0", "00000000-0000-0000-0000-000000000000"


def identifier(value: Any, field: str, longest: int) -> str | None:
    """The identifier in `value` as text without surrounding blanks, or None where there is none.

    null, "", and words that broken clients send instead of an id are none; numbers become text.
    Raises Refused (`invalid_identifier`) for other types and for texts of more than `longest` characters.
    """
    if value is None:
        return None
    if type(value) is str:
        text = value.strip()
    elif type(value) is int:
        text = str(value)
    elif type(value) is float:
        text = str(int(value)) if value.is_integer() else repr(value)
    else:
        raise Refused("invalid_identifier", f"{field} must be a text or a number, not {shown(value)}.")
    if len(text) > longest:
        raise Refused("invalid_identifier", f"{field} has {len(text)} characters; at most {longest} are allowed.")
    if not text or text.lower() in NEVER or _ZEROS.fullmatch(text):
        return None
    return text


def email_key(value: Any) -> Key | None:
    """The look-up key of an e-mail address, or None when it is not one."""
    if type(value) is str and 3 <= len(value) <= 254 and "@" in value:
        return EMAIL, value.strip().lower()
    return None


def phone_key(value: Any) -> Key | None:
    """The look-up key of a phone number (its digits, with the plus it has), or None when it is not one."""
    if type(value) is not str:
        return None
    digits = re.sub(r"[^\d+]", "", value)
    return (PHONE, digits) if 6 <= len(digits) <= 20 else None
