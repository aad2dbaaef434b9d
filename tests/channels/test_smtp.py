"""SMTP beyond single answers: connections, TLS, authentication, servers that come and go."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.channels.peers import smtp_peer

from wend.channels.contract import Accepted, Later, Message, Refused, Unknown
from wend.channels.smtp import Smtp, SmtpSettings


def mails(count: int) -> list[Message]:
    return [
        Message(effect_id=f"r.{n}", channel="email", to=f"p{n}@example.com", text="hi", at=1, sender="s@example.com")
        for n in range(count)
    ]


async def test_many_mails_share_few_connections() -> None:
    async with smtp_peer() as peer:
        provider = Smtp(SmtpSettings("127.0.0.1", peer.port, "none", connections=3))
        outcomes = await provider.send(mails(30))
        await provider.send(mails(30))
        await provider.close()
    assert all(isinstance(outcome, Accepted) for outcome in outcomes)
    assert peer.sessions == 3
    assert peer.most_at_once <= 3
    assert len({mail.rcpt_tos[0] for mail in peer.mails}) == 30


async def test_a_connection_is_renewed_after_its_share() -> None:
    async with smtp_peer() as peer:
        provider = Smtp(SmtpSettings("127.0.0.1", peer.port, "none", connections=1, per_connection=4))
        await provider.send(mails(10))
        await provider.close()
    assert peer.sessions == 3


async def test_each_recipient_gets_its_own_outcome_and_a_refusal_does_not_spoil_the_connection() -> None:
    answers = {"rcpt": {"p1@example.com": "550 5.1.1 no", "p2@example.com": "451 later"}}
    async with smtp_peer(answers=answers) as peer:
        provider = Smtp(SmtpSettings("127.0.0.1", peer.port, "none", connections=1))
        outcomes = await provider.send(mails(4))
        await provider.close()
    assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Later, Accepted]
    assert peer.sessions == 1


async def test_a_server_that_closed_an_idle_connection_costs_nothing() -> None:
    async with smtp_peer() as peer:
        provider = Smtp(SmtpSettings("127.0.0.1", peer.port, "none", connections=1))
        await provider.send(mails(1))
        peer.answers["mail"] = "drop"  # as when it timed out between two mails
        dropped = asyncio.create_task(provider.send(mails(1)))
        while peer.sessions < 2:
            await asyncio.sleep(0.005)
        peer.answers.clear()
        (outcome,) = await dropped
        await provider.close()
    assert isinstance(outcome, (Accepted, Later))  # the second connection may have met the old answer; it was not lost
    assert not isinstance(outcome, Unknown)


async def test_no_server_is_later_and_concerns_the_account() -> None:
    async with smtp_peer() as peer:
        port = peer.port
    provider = Smtp(SmtpSettings("127.0.0.1", port, "none"))
    (outcome,) = await provider.send(mails(1))
    assert isinstance(outcome, Later)
    assert outcome.account


async def test_a_silent_server_after_the_mail_was_handed_over_is_unknown() -> None:
    async with smtp_peer(release=asyncio.Event()) as peer:
        provider = Smtp(SmtpSettings("127.0.0.1", peer.port, "none", timeout_s=1))
        (outcome,) = await provider.send(mails(1))
        await provider.close()
    assert isinstance(outcome, Unknown)


async def test_a_slow_server_does_not_block_the_loop() -> None:
    release = asyncio.Event()
    async with smtp_peer(release=release) as peer:
        provider = Smtp(SmtpSettings("127.0.0.1", peer.port, "none", connections=2))
        sending = asyncio.create_task(provider.send(mails(2)))
        while peer.at_once < 2:  # this loop runs although nothing was answered yet
            await asyncio.sleep(0.005)
        release.set()
        assert all(isinstance(outcome, Accepted) for outcome in await sending)
        await provider.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    folder: Path = tmp_path_factory.mktemp("tls")
    pem = serialization.Encoding.PEM
    (folder / "key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    (folder / "cert").write_bytes(made.public_bytes(pem))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert", folder / "key")
    return context


@pytest.mark.parametrize(("password", "kind"), [("right", Accepted), ("wrong", Refused)])
async def test_starttls_and_authentication(certificate: ssl.SSLContext, password: str, kind: Any) -> None:
    async with smtp_peer(tls=certificate, auth=True) as peer:
        settings = SmtpSettings("127.0.0.1", peer.port, "starttls", user="wend", password=password, verify=False)
        provider = Smtp(settings)
        (outcome,) = await provider.send(mails(1))
        await provider.close()
    assert isinstance(outcome, kind)
    if isinstance(outcome, Refused):
        assert outcome.kind == "account"


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(certificate: ssl.SSLContext) -> None:
    async with smtp_peer(tls=certificate) as peer:
        provider = Smtp(SmtpSettings("127.0.0.1", peer.port, "starttls"))
        (outcome,) = await provider.send(mails(1))
        await provider.close()
    assert isinstance(outcome, Later)
    assert peer.mails == []
