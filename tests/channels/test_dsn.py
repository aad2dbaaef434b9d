"""Delivery reports, in the forms that real servers send them."""

from __future__ import annotations

import pytest

from wend.channels.dsn import parse_bounce

REPORT = """From: MAILER-DAEMON@mx.example.com
To: bounces+abc@example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain

I'm sorry.

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
X-Postfix-Queue-ID: 4X

Final-Recipient: rfc822; ann@example.com
Original-Recipient: rfc822;ann@example.com
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {code}

--B
Content-Type: {returned}

From: shop@example.com
Message-ID: <run7.2@example.com>
{extra}Subject: Hello

body
--B--
"""


def report(
    action: str = "failed",
    status: str = "5.1.1",
    code: str = "550 5.1.1 no",
    returned: str = "message/rfc822",
    extra: str = "",
) -> bytes:
    return (
        REPORT.format(action=action, status=status, code=code, returned=returned, extra=extra)
        .replace("\n", "\r\n")
        .encode()
    )


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("failed", "5.1.1", "hard"),
        ("failed", "5.1.2", "hard"),
        ("failed", "5.2.1", "hard"),
        ("failed", "5.2.2", "soft"),
        ("failed", "4.4.1", "soft"),
        ("failed", "5.7.1", "block"),
        ("failed", "5.7.26", "block"),
        ("delayed", "4.4.1", "delayed"),
        ("delivered", "2.0.0", "delivered"),
        ("relayed", "2.0.0", "delivered"),
    ],
)
def test_the_status_decides(action: str, status: str, kind: str) -> None:
    (bounce,) = parse_bounce(report(action, status))
    assert (bounce.kind, bounce.status, bounce.recipient) == (kind, status, "ann@example.com")
    assert bounce.to == ("bounces+abc@example.com",)
    assert "550 5.1.1 no" in bounce.why


def test_the_message_is_recognised_by_the_returned_mail_or_its_headers_alone() -> None:
    assert parse_bounce(report())[0].effect_id == "run7.2"
    assert parse_bounce(report(returned="text/rfc822-headers"))[0].effect_id == "run7.2"
    assert parse_bounce(report(extra="X-Wend-Effect: own.1\n"))[0].effect_id == "own.1"


def test_a_missing_status_is_read_from_the_diagnostic_and_else_is_soft() -> None:
    assert parse_bounce(report(status="", code="550 5.1.1 no such user"))[0].kind == "hard"
    assert parse_bounce(report(status="", code="something went wrong"))[0].kind == "soft"


@pytest.mark.parametrize("raw", [b"", b"Subject: hi\r\n\r\nhello", b"\xff\x00garbage", report()[:300]])
def test_other_mail_is_no_report(raw: bytes) -> None:
    assert parse_bounce(raw) == []
