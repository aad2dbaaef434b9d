"""Every provider keeps the contract: the cases are data (cases/<provider>/*.json), the other side is a real peer.

`message` is what we want to say, `answers` what the other side does, `request` what must have reached it (absent: not
looked at; {}: nothing must have arrived), `outcome` what we must make of it.
"""

from __future__ import annotations

import email
import email.policy
import json
from pathlib import Path
from typing import Any

import pytest
from tests.channels.peers import smtp_peer

from wend.channels import PROVIDERS
from wend.channels.contract import Message, parse_settings, settings_schema
from wend.channels.inbox import InboxChannel
from wend.channels.smtp import Smtp, SmtpSettings
from wend.core.problems import Problem

CASES = Path(__file__).parent / "cases"


def _cases(provider: str) -> list[Any]:
    return [
        pytest.param(json.loads(file.read_text()), id=file.stem) for file in sorted((CASES / provider).glob("*.json"))
    ]


def _check(outcome: Any, wanted: dict[str, Any]) -> None:
    assert type(outcome).__name__ == wanted["kind"], outcome
    if "class" in wanted:
        assert outcome.kind == wanted["class"]
    for name in ("provider_id", "account"):
        if name in wanted:
            assert getattr(outcome, name) == wanted[name]
    assert wanted.get("why", "") in getattr(outcome, "why", "")


@pytest.mark.parametrize("case", _cases("smtp"))
async def test_smtp(case: dict[str, Any]) -> None:
    async with smtp_peer(answers=case.get("answers", {})) as peer:
        provider = Smtp(SmtpSettings("127.0.0.1", peer.port, "none", timeout_s=5, **case.get("settings", {})))
        (outcome,) = await provider.send([Message(**case["message"])])
        await provider.close()
    _check(outcome, case["outcome"])
    if "request" not in case:
        return
    assert len(peer.mails) == (1 if case["request"] else 0)
    if not case["request"]:
        return
    (sent,) = peer.mails
    wanted = case["request"]
    for name in ("mail_from", "rcpt_tos"):
        if name in wanted:
            assert getattr(sent, name) == wanted[name]
    raw = bytes(sent.original_content or b"")
    assert raw.isascii() or not case["message"]["to"].isascii()  # only an address may bring SMTPUTF8
    assert max(len(line) for line in raw.split(b"\r\n") if not line.startswith(b"List-Unsubscribe")) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert not mail.defects
    for name, value in wanted.get("headers", {}).items():
        assert mail[name] == value
    assert len(mail.get_all("message-id", [])) == 1
    for kind in ("text", "html"):
        if kind in wanted:
            part = mail.get_body(({"text": "plain"}.get(kind, kind),))
            assert part is not None
            assert part.get_content().replace("\r\n", "\n") == wanted[kind]
            assert part["Content-Transfer-Encoding"] == "quoted-printable"
    if "content_type" in wanted:
        assert mail.get_content_type() == wanted["content_type"]


@pytest.mark.parametrize("case", _cases("inbox"))
async def test_inbox(case: dict[str, Any], pool: Any) -> None:
    provider = InboxChannel(case["message"]["channel"], pool)
    message = Message(**case["message"])
    for _ in range(2):  # handing the same effect over again changes nothing
        (outcome,) = await provider.send([message])
        _check(outcome, case["outcome"])
    async with pool.connection() as conn:
        columns = "effect_id, channel, at, sender, recipient, subject, body_text, body_html, headers"
        ((*values, headers),) = await (await conn.execute(f"select {columns} from inbox".encode())).fetchall()
    row = {**dict(zip(columns.split(", "), values, strict=False)), "headers": json.loads(headers)}
    assert {name: row[name] for name in case["request"]} == case["request"]


@pytest.mark.parametrize("name", PROVIDERS)
def test_settings_make_a_schema_that_marks_secrets_and_never_show_them(name: str) -> None:
    kind = PROVIDERS[name]
    schema = settings_schema(kind.settings)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["password"]["writeOnly"] is True
    assert "hidden-word" not in repr(kind.settings(host="h", password="hidden-word"))
    assert all(words.get("description") for words in schema["properties"].values())


def test_wrong_settings_are_all_named_with_the_nearest_name() -> None:
    problems: list[Problem] = []
    raw = {"prot": 25, "security": "startls", "connections": 0, "timeout_s": "long", "verify": 1}
    assert parse_settings(SmtpSettings, raw, "channels.smtp", problems) is None
    said = [str(problem) for problem in problems]
    assert said == [
        "channels.smtp.prot: is not a setting; did you mean 'port'?",
        "channels.smtp.host: is missing",
        "channels.smtp.security: 'startls' is not one of starttls, tls, none; did you mean 'starttls'?",
        "channels.smtp.connections: must be at least 1, not 0",
        "channels.smtp.timeout_s: must be a integer, not str",
        "channels.smtp.verify: must be a boolean, not int",
    ]
    problems.clear()
    made = parse_settings(SmtpSettings, {"host": "h", "port": 25}, "x", problems)
    assert (made, problems) == (SmtpSettings("h", 25), [])
