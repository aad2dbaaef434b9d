"""Settings in the open, and secrets that are encrypted with the workspace's master key.

The master key comes from the operator (WEND_SECRET_KEY) or lies in the file `secret.key` of the data folder, made at
the
first start, readable by its owner only. Whoever loses it has to enter the secrets again; nothing else is lost.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import Any

import msgspec
from cryptography.fernet import Fernet, InvalidToken

from wend.store.clock import now_ms
from wend.store.codec import decode_json, encode_json
from wend.store.postgres import Connection, fetch_all, fetch_one, sql

KEY_FILE = "secret.key"


class SecretError(Exception):
    """The master key is missing, malformed, or not the one a secret was written with."""


def master_key(data: Path | None, given: str | None = None) -> bytes:
    """The master key: `given` (the environment's), else the file in `data`, made when it is missing.

    Raises SecretError when there is neither, or the key is not 32 bytes in URL-safe base64.
    """
    if given:
        return _checked(given.strip(), "WEND_SECRET_KEY")
    if data is None:
        raise SecretError(
            "no master key: set WEND_SECRET_KEY (make one with `openssl rand -base64 32`) or give a data folder"
        )
    path = data / KEY_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _checked(path.read_text().strip(), str(path))
    with os.fdopen(handle, "wb") as file:
        key = Fernet.generate_key()
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def _checked(text: str, where: str) -> bytes:
    key = text.replace("+", "-").replace("/", "_").encode()
    try:
        if len(base64.urlsafe_b64decode(key)) == 32:
            return key
    except (binascii.Error, ValueError):
        pass
    raise SecretError(f"{where}: not a master key, which is 32 bytes in base64 (44 characters)")


class Secrets:
    """The workspace's secrets, readable with its master key."""

    def __init__(self, key: bytes) -> None:
        self._box = Fernet(key)

    async def get(self, conn: Connection, name: str) -> bytes | None:
        """The secret, or None. SecretError when it was written with another master key."""
        row = await fetch_one(conn, sql("secret_get"), (name,))
        if row is None:
            return None
        try:
            return self._box.decrypt(bytes(row[0]))
        except InvalidToken:
            raise SecretError(f"secret {name!r} was written with another master key") from None

    async def put(self, conn: Connection, name: str, value: bytes) -> None:
        """Write or overwrite a secret inside the caller's transaction."""
        await conn.execute(sql("secret_put"), (name, self._box.encrypt(value), await now_ms(conn)))

    async def get_or_make(self, conn: Connection, name: str, *, size: int = 32) -> bytes:
        """The secret, made of `size` random bytes when it is missing. Two who make it at once get the same."""
        found = await self.get(conn, name)
        if found is None:
            await conn.execute(sql("secret_make"), (name, self._box.encrypt(os.urandom(size)), await now_ms(conn)))
            found = await self.get(conn, name)
        assert found is not None
        return found


async def get_setting(conn: Connection, name: str, default: Any = None) -> Any:
    """The setting's value, or `default`."""
    row = await fetch_one(conn, sql("setting_get"), (name,))
    return default if row is None else decode_json(row[0])


async def all_settings(conn: Connection) -> dict[str, Any]:
    """All settings by name."""
    return {row[0]: decode_json(row[1]) for row in await fetch_all(conn, sql("setting_all"))}


async def put_setting(conn: Connection, name: str, value: Any) -> None:
    """Write or overwrite a setting inside the caller's transaction. ValueError when the value is not plain JSON
    data."""
    try:
        text = encode_json(value).decode()
    except (TypeError, msgspec.MsgspecError) as error:
        raise ValueError(f"setting {name!r}: {error}") from None
    await conn.execute(sql("setting_put"), (name, text, await now_ms(conn)))
