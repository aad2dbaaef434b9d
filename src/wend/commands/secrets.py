"""The workspace's own secrets (link signing, hashes of erased addresses): made once, kept encrypted in the database."""

from __future__ import annotations

from pathlib import Path

from wend.commands.errors import UserError
from wend.store.postgres import Pool
from wend.store.secrets import SecretError, Secrets, master_key


def box(data: Path, given: str) -> Secrets:
    """The workspace's secrets, opened with its master key. UserError when there is none."""
    try:
        return Secrets(master_key(data, given or None))
    except SecretError as error:
        raise UserError("secret_key", str(error)) from None


async def secret(pool: Pool, data: Path, given: str, name: str) -> bytes:
    """The secret `name`, made of 32 random bytes when it is missing. UserError when the master key is not the right one."""
    opened = box(data, given)
    try:
        async with pool.connection() as conn:
            return await opened.get_or_make(conn, name)
    except SecretError as error:
        raise UserError("secret_key", str(error)) from None
