"""API keys, settings, and secrets under the workspace's master key."""

import stat
from pathlib import Path

import pytest

from wend.store.keys import Keys, create_key, list_keys, revoke_key
from wend.store.migrate import migrate
from wend.store.postgres import connect, fetch_all, make_pool
from wend.store.secrets import SecretError, Secrets, all_settings, get_setting, master_key, put_setting


async def test_a_key_is_found_by_its_secret_which_is_not_stored(database_url: str) -> None:
    await migrate(database_url, partitions=1)
    async with make_pool(database_url) as pool:
        async with pool.connection() as conn:
            key, secret = await create_key(conn, "api", name="ci", scopes=["journeys", "read"])
            await create_key(conn, "write", secret="a-chosen-write-key")
            with pytest.raises(ValueError, match="16 characters"):
                await create_key(conn, "write", secret="short")
        keys = Keys(pool)
        assert await keys.find(secret) == key
        assert key.scopes == {"journeys", "read"}
        chosen = await keys.find("a-chosen-write-key")
        assert chosen is not None
        assert chosen.kind == "write"
        assert await keys.find("nobody's key \ud800") is None
        async with pool.connection() as conn:
            stored = await fetch_all(conn, "select api_key::text from api_key")
            assert secret not in str(stored)
            assert await revoke_key(conn, key.id)
            assert not await revoke_key(conn, key.id)
            assert [(row.key.id == key.id, row.revoked_at is not None) for row in await list_keys(conn)] == [
                (True, True),
                (False, False),
            ]
        assert await keys.find(secret) == key  # for as long as the cache lasts
        assert await Keys(pool).find(secret) is None


async def test_secrets_can_be_read_with_the_master_key_only(database_url: str, tmp_path: Path) -> None:
    await migrate(database_url, partitions=1)
    key = master_key(tmp_path)
    assert master_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    conn = await connect(database_url)
    secrets = Secrets(key)
    assert await secrets.get(conn, "smtp") is None
    await secrets.put(conn, "smtp", b"hunter2")
    assert await secrets.get(conn, "smtp") == b"hunter2"
    assert b"hunter2" not in (await fetch_all(conn, "select value from secret"))[0][0]
    links = await secrets.get_or_make(conn, "links")
    assert len(links) == 32
    assert await secrets.get_or_make(conn, "links") == links
    with pytest.raises(SecretError, match="another master key"):
        await Secrets(master_key(None, "A" * 43 + "=")).get(conn, "smtp")
    await conn.close()


@pytest.mark.parametrize("given", ["x", "ä" * 44, "A" * 44, "A" * 60])
def test_a_malformed_master_key_is_refused(given: str) -> None:
    with pytest.raises(SecretError, match="WEND_SECRET_KEY"):
        master_key(None, given)


def test_without_a_master_key_and_a_folder_it_is_said_what_to_do() -> None:
    with pytest.raises(SecretError, match="openssl rand -base64 32"):
        master_key(None)


async def test_settings_are_kept_as_plain_values(database_url: str) -> None:
    await migrate(database_url, partitions=1)
    conn = await connect(database_url)
    assert await get_setting(conn, "zone", "UTC") == "UTC"
    await put_setting(conn, "zone", "Europe/Berlin")
    await put_setting(conn, "caps", {"email": [3, "1w"]})
    assert await all_settings(conn) == {"zone": "Europe/Berlin", "caps": {"email": [3, "1w"]}}
    with pytest.raises(ValueError, match="setting 'zone'"):
        await put_setting(conn, "zone", object())
    await conn.close()
