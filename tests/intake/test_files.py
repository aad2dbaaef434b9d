"""Imports: exactly once, resumable, refused rows with reasons, and history at its own time."""

import asyncio
import gzip
import json
import os
import signal
import subprocess
import sys
import textwrap

import msgspec
import pytest

from wend.intake.files import import_events, import_profiles
from wend.intake.import_job import ImportFailed
from wend.store.codec import decode_input
from wend.store.log import message_hash

HOUR = 3_600_000
START = 1_700_000_000_000 - 1_700_000_000_000 % HOUR


async def events(world, path, **more):
    return await import_events(path, pool=world.pool, clock=world.intake.clock, partitions=8, **more)


async def profiles(world, path, **more):
    return await import_profiles(path, pool=world.pool, clock=world.intake.clock, partitions=8, **more)


def lines(*items):
    return b"".join((item if isinstance(item, bytes) else msgspec.json.encode(item)) + b"\n" for item in items)


def track(number, **more):
    return {
        "type": "track",
        "userId": f"u{number % 5}",
        "event": f"E{number}",
        "timestamp": START + number * 1000,
        **more,
    }


@pytest.mark.parametrize("packed", [False, True])
async def test_messages_enter_as_imported_with_their_own_timestamps(world, tmp_path, packed):
    content = lines(
        track(0, messageId="m0"),
        b"",
        track(1),
        {"type": "identify", "userId": "u0", "traits": {"email": "a@example.com"}},
    )
    path = tmp_path / "events.ndjson"
    path.write_bytes(gzip.compress(content) if packed else b"\xef\xbb\xbf" + content)
    seen = []
    done = await events(world, path, progress=lambda *numbers: seen.append(numbers))
    assert (done.rows, done.accepted, done.rejected, done.rejected_file, done.already_done) == (3, 3, 0, None, False)
    assert seen[-1] == (path.stat().st_size, path.stat().st_size, 3, 0)
    log = [payload for _, kind, payload in await world.log() if kind == "event"]
    assert [(payload["name"], payload["at"], payload["imported"]) for payload in log] == [
        ("E0", START, True),
        ("E1", START + 1000, True),
    ]
    hashes = [row[0] for row in await world.rows("select message_hash from log where message_hash is not null")]
    assert len(set(hashes)) == 3  # those without an id got one from file and row
    assert message_hash("m0") in hashes
    again = await events(world, path)
    assert (again.accepted, again.already_done) == (3, True)
    assert len([kind for _, kind, _ in await world.log() if kind == "event"]) == 2


async def test_recorded_consent_comes_by_file_only(world, tmp_path):
    consent = {
        "type": "consent",
        "userId": "u0",
        "channel": "email",
        "state": "subscribed",
        "source": "shop",
        "timestamp": START,
    }
    path = tmp_path / "consents.ndjson"
    path.write_bytes(
        lines(consent, {**consent, "channel": "emial"}, {**consent, "state": "maybe"}, {**consent, "channel": ""})
    )
    done = await events(world, path)
    assert (done.accepted, done.rejected) == (1, 3)
    _, kind, payload = (await world.log())[-1]
    assert kind == "consent"
    assert payload == {"state": "subscribed", "at": START, "channel": "email", "source": "shop"}
    answer = await world.post("/v1/batch", {"batch": [consent]})
    assert [one["code"] for one in answer.json()["rejected"]] == ["unknown_type"]


async def test_refused_rows_stand_in_a_file_with_reasons(world, tmp_path):
    path = tmp_path / "bad.ndjson"
    long = msgspec.json.encode(track(1, properties={"x": "y" * 200_000}))
    deep = b'{"type":"track","userId":"u","event":"x","properties":%s1%s}' % (b'{"a":' * 2_000, b"}" * 2_000)
    bad = [b"{", long, track(2, event=""), b"\xff", b'{"type":"track","userId":"u","event":"\\u0000"}', b"[]", deep]
    path.write_bytes(lines(track(0), *bad, track(9)))
    done = await events(world, path)
    assert (done.rows, done.accepted, done.rejected) == (9, 2, 7)
    assert done.rejected_file == tmp_path / "bad.ndjson.rejected.ndjson"
    assert done.rejected_file is not None
    found = [json.loads(line) for line in done.rejected_file.read_text().splitlines()]
    assert [(one["row"], one["code"]) for one in found] == [
        (2, "malformed_json"),
        (3, "item_too_large"),
        (4, "invalid_event"),
        (5, "malformed_json"),
        (6, "nul_character"),
        (7, "invalid_item"),
        (8, "too_deep"),
    ]
    assert all(one["message"] for one in found)
    assert found[2]["line"] == msgspec.json.encode(bad[2]).decode()
    letters = await world.rows("select source from dead_letter order by id")
    assert [row[0] for row in letters] == [f"bad.ndjson:{row}" for row in range(2, 9)]


async def test_a_file_that_is_cut_off_says_so_and_keeps_what_was_committed(world, tmp_path):
    path = tmp_path / "cut.ndjson.gz"
    packed = gzip.compress(lines(*(track(number, properties={"x": os.urandom(60).hex()}) for number in range(2_500))))
    path.write_bytes(packed[: len(packed) * 3 // 4])
    with pytest.raises(ImportFailed, match=r"cut\.ndjson\.gz: cannot be unpacked behind row 1000"):
        await events(world, path)
    assert len([kind for _, kind, _ in await world.log() if kind == "event"]) == 1_000


_KILLED = """
    import asyncio, os, signal, sys
    from pathlib import Path
    from wend.intake.files import import_events
    from wend.store.clock import DatabaseClock
    from wend.store.postgres import make_pool

    async def main():
        async with make_pool(sys.argv[1]) as pool:
            clock = DatabaseClock()
            await clock.refresh(pool)

            def progress(done, total, accepted, rejected):
                if accepted + rejected >= 2000:
                    os.kill(os.getpid(), signal.SIGKILL)

            await import_events(Path(sys.argv[2]), pool=pool, clock=clock, partitions=8, progress=progress)

    asyncio.run(main())
"""


async def test_a_killed_import_goes_on_where_it_was(world, tmp_path):
    path = tmp_path / "big.ndjson"
    rows = [b"broken" if number % 100 == 7 else track(number) for number in range(4_500)]
    path.write_bytes(lines(*rows))
    command = [sys.executable, "-c", textwrap.dedent(_KILLED), world.dsn, str(path)]
    killed = await asyncio.to_thread(subprocess.run, command, timeout=100)
    assert killed.returncode == -signal.SIGKILL
    rejected = path.with_name("big.ndjson.rejected.ndjson")
    with rejected.open("a") as file:  # written, but killed before the commit
        file.write('{"row": 2107, "code": "malformed_json", "message": "", "line": ""}\n')
    first = await world.rows("select position, done from import_job")
    assert first == [(2_000, False)]
    done = await events(world, path)
    assert (done.rows, done.accepted, done.rejected, done.already_done) == (4_500, 4_455, 45, False)
    names = [payload["name"] for _, kind, payload in await world.log() if kind == "event"]
    assert len(names) == len(set(names)) == 4_455
    assert [json.loads(line)["row"] for line in rejected.read_text().splitlines()] == list(range(8, 4_500, 100))


async def test_two_imports_of_one_file_at_once_take_every_row_once(world, tmp_path):
    path = tmp_path / "twice.ndjson"
    path.write_bytes(lines(*(track(number) for number in range(3_000))))
    found = await asyncio.gather(events(world, path), events(world, path), return_exceptions=True)
    assert any(not isinstance(one, Exception) for one in found) or all(isinstance(one, ImportFailed) for one in found)
    await events(world, path)
    names = [payload["name"] for _, kind, payload in await world.log() if kind == "event"]
    assert len(names) == len(set(names)) == 3_000


async def set_mode(world, mode):
    async with world.pool.connection() as conn:
        await conn.execute("update workspace set value = to_json(%s::text) where name = 'mode'", (mode,))


async def test_history_is_replayed_in_order_of_time_in_slices_of_an_hour(world, tmp_path):
    path = tmp_path / "history.ndjson"
    minutes = [200, 5, 61, 0, 5, 400]
    items = [track(number, timestamp=START + minute * 60_000) for number, minute in enumerate(minutes)]
    merge = [
        {"type": "track", "anonymousId": "a", "event": "Seen", "timestamp": START},
        {"type": "track", "anonymousId": "a", "userId": "u0", "event": "Known", "timestamp": START + 450 * 60_000},
    ]
    path.write_bytes(lines(items[0], b"broken", *items[1:], *merge))
    calls = []

    async def advance(until):
        calls.append((until, (await world.rows("select count(*) from log where kind = 'event'"))[0][0]))

    with pytest.raises(ImportFailed, match="mode 'live'; for this import it must be in replay mode"):
        await events(world, path, replay=advance)
    calls.clear()
    await set_mode(world, "replay")
    done = await events(world, path, replay=advance, slice_length=HOUR)
    assert (done.accepted, done.rejected) == (8, 1)
    log = await world.rows("select at, kind, payload from log where kind <> 'identify' order by at, seq")
    found = [(row[0], msgspec.json.decode(row[2]).get("name", row[1])) for row in log]
    assert [(at - START) // 60_000 for at, _ in found] == [0, 0, 5, 5, 61, 200, 400, 450, 450, 450]
    assert {name for at, name in found[-3:]} == {"merge_out", "merge_await", "Known"}
    assert all(decode_input(row[1], row[2]).at == row[0] for row in log)
    assert not any(b"imported" in row[2] for row in log)
    # Whenever the engine advances to an instant, exactly what happened up to then is in the log; it stops in every hour that has rows.
    happened = sorted(START + minute * 60_000 for minute in (*minutes, 0, 450))
    assert [until for until, _ in calls] == sorted(until for until, _ in calls)
    assert all(count == sum(at <= until for at in happened) for until, count in calls)
    assert {(until - START) // HOUR for until, _ in calls if until >= START} == {0, 1, 3, 6, 7}


async def test_profiles_come_with_attributes_tags_consent_and_a_journey_to_start(world, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text(
        "user_id;email;phone;plan;points;zip;vip;address.city;consent_email;consent_sms;tags;size:text\n"
        "1;Ada@Example.com;+49 151 1234567;pro;12.5;01067;true;Ulm;opted_in;no;a|b;42\n"
        ";bob@example.com;;;7;;false;;;yes;;\n"
        '3;"c;c@example.com";"0151";"multi\nline";-3;;;;;;;\n',
        encoding="utf-8-sig",
    )
    done = await profiles(world, path, start="welcome")
    assert (done.accepted, done.rejected) == (3, 0)
    by_person = {}
    for person, kind, payload in await world.log():
        by_person.setdefault(person, []).append((kind, payload))
    who = {await world.person("email", f"{name}@example.com"): name for name in ("ada", "bob", "c;c")}
    kinds = {who[person]: [kind for kind, _ in rows] for person, rows in by_person.items()}
    assert kinds == {
        "ada": ["identify", "consent", "consent", "start"],
        "bob": ["identify", "consent", "start"],
        "c;c": ["identify", "start"],
    }
    log = [row for person in sorted(by_person, key=lambda one: who[one]) for row in by_person[person]]
    ada, bob, third = [payload for kind, payload in log if kind == "identify"]
    assert ada["traits"] == {
        "email": "Ada@Example.com",
        "phone": "+49 151 1234567",
        "plan": "pro",
        "points": 12.5,
        "zip": "01067",
        "vip": True,
        "address": {"city": "Ulm"},
        "size": "42",
    }
    assert ada["tags"] == ["a", "b"]
    assert (ada["user_id"], ada["imported"]) == ("1", True)
    assert bob["traits"] == {"email": "bob@example.com", "points": 7, "vip": False}
    assert (third["traits"]["phone"], third["traits"]["plan"], third["traits"]["points"]) == ("0151", "multi\nline", -3)
    consents = [(row["channel"], row["state"], row["source"]) for kind, row in log if kind == "consent"]
    assert consents == [
        ("email", "opted_in", "import people.csv"),
        ("sms", "unsubscribed", "import people.csv"),
        ("sms", "subscribed", "import people.csv"),
    ]
    starts = [row for kind, row in log if kind == "start"]
    assert [(row["journey"], row["trigger"]) for row in starts] == [("welcome", "profiles")] * 3
    path.write_text("email,plan\nBOB@example.com,basic\n")
    await profiles(world, path)
    assert who[(await world.log())[-1][0]] == "bob"  # found by the address


async def test_broken_rows_of_a_csv_file_do_not_spoil_their_neighbours(world, tmp_path):
    path = tmp_path / "broken.csv"
    rows = [
        b"user_id,name,consent_email,points:number",
        b"1,good,,",
        b"2,too,many,cells,here",
        b"3,M\xfcller,,",
        b'4,"never closed,,',
        b"5,good,,",
        b",nobody,,",
        b"7,nul\0,,",
        b"8,who,perhaps,",
        b"9,n,,many",
        b"null,n,,",
        b'11,"closed" badly,,',
        b"12,good,unsubscribed,5",
    ]
    path.write_bytes(b"\r\n".join(rows) + b"\r\n")
    done = await profiles(world, path)
    assert (done.accepted, done.rejected) == (3, 9)
    assert done.rejected_file is not None
    found = [json.loads(line) for line in done.rejected_file.read_text().splitlines()]
    assert [(one["row"], one["code"]) for one in found] == [
        (3, "broken_row"),
        (4, "not_utf8"),
        (5, "broken_row"),
        (7, "no_user_anon_id"),
        (8, "nul_character"),
        (9, "invalid_consent"),
        (10, "invalid_value"),
        (11, "no_user_anon_id"),
        (12, "broken_row"),
    ]
    assert [payload["user_id"] for _, kind, payload in await world.log() if kind == "identify"] == ["1", "5", "12"]


HEADERS = [
    (b"name,plan\n", "no column says whose row it is"),
    (b"", "no column says whose row it is"),
    (b"user_id,id\n", "are both read as 'user_id'"),
    (b"user_id,consent_emial\n", "'emial' is no channel; did you mean 'email'"),
    ("user_id\n".encode("utf-16"), "UTF-16"),
]


async def test_a_header_that_cannot_be_understood_stops_the_import(world, tmp_path):
    path = tmp_path / "header.csv"
    for content, said in HEADERS:
        path.write_bytes(content)
        with pytest.raises(ImportFailed, match=said):
            await profiles(world, path)
