"""Delivery reports (RFC 3464): mail that says what became of mail.

Classified by `Status` alone, which is more reliable than texts and than what other parsers say: 4.x is soft, 5.2.2 (mailbox
full) is soft though servers call it permanent, 5.7.x is a block (policy, reputation: the address is not dead), every other
5.x is hard.
"""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import dataclass
from email.message import Message as Mail
from typing import Literal, cast

from wend.channels.mail import clean
from wend.channels.mime import EFFECT_HEADER, effect_of

Kind = Literal["hard", "soft", "block", "delivered", "delayed"]
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")


@dataclass(frozen=True, slots=True)
class Bounce:
    """What a report says about one recipient. `to` is the address the report went to (a bounce address of ours, or not);
    `effect_id` comes from the returned mail's own headers and is '' when they were not returned."""

    kind: Kind
    recipient: str
    status: str
    why: str
    effect_id: str
    to: tuple[str, ...]


def parse_bounce(raw: bytes, recipients: tuple[str, ...] = ()) -> list[Bounce]:
    """All recipients a report speaks of; [] when the mail is no delivery report. Never raises.

    `recipients`: the envelope's, where they are known; else those of the headers are taken.
    """
    mail = email.message_from_bytes(raw, policy=email.policy.compat32)
    report = next((part for part in mail.walk() if part.get_content_type() == "message/delivery-status"), None)
    if report is None:
        return []
    to = recipients or tuple(re.findall(r"[^\s<>,;\"]+@[^\s<>,;\"]+", str(mail.get("To", ""))))
    effect = _returned_effect(mail)
    payload = report.get_payload()
    # The library gives the blocks of a delivery-status part as messages.
    blocks = cast("list[object]", payload) if isinstance(payload, list) else []
    found: list[Bounce] = []
    for each in blocks:
        if not isinstance(each, Mail):
            continue
        block = cast("Mail[str, str]", each)
        recipient = _field(block, "Final-Recipient") or _field(block, "Original-Recipient")
        if not recipient:
            continue  # the block about the whole mail
        action = clean(str(block.get("Action", ""))).strip().lower()
        diagnostic = _field(block, "Diagnostic-Code")
        status = _STATUS.search(str(block.get("Status", ""))) or _STATUS.search(diagnostic)
        kind = _kind(action, status)
        if kind is not None:
            code = status[0] if status else ""
            found.append(Bounce(kind, recipient, code, " ".join(f"{code} {diagnostic}".split())[:500], effect, to))
    return found


def _kind(action: str, status: re.Match[str] | None) -> Kind | None:
    if action in ("delivered", "relayed", "expanded"):
        return "delivered"
    if action == "delayed":
        return "delayed"
    if action != "failed":
        return None
    if status is None:
        return "soft"  # failed, nobody knows why: not enough to suppress an address
    subject, detail = status[2], status[3]
    if status[1] == "4" or (subject, detail) == ("2", "2"):
        return "soft"
    return "block" if subject == "7" else "hard"


def _field(block: Mail[str, str], name: str) -> str:
    """The value of `rfc822; value`."""
    value = clean(re.sub(r"\s+", " ", str(block.get(name, ""))))
    return value.partition(";")[2].strip() if ";" in value else value.strip()


def _returned_effect(mail: Mail) -> str:
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            part = email.message_from_bytes(
                payload if isinstance(payload, bytes) else b"", policy=email.policy.compat32
            )
        elif part is mail or kind == "message/delivery-status":
            continue
        effect = clean(str(part.get(EFFECT_HEADER, ""))).strip()
        if effect:
            return effect
        identifier = clean(str(part.get("Message-ID", ""))).strip()
        if identifier:
            return effect_of(identifier)
    return ""
