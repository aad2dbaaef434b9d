"""Reading one item: times, identifiers, and that the quick way writes what the codec would."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.core.inputs import Event, Group, Identify
from wend.intake.body import mark
from wend.intake.instants import instant
from wend.intake.items import Envelope, ItemReader
from wend.intake.limits import Limits
from wend.intake.refused import Refused
from wend.store.codec import decode_input, encode_input
from wend.store.log import message_hash

NOW = 1_800_000_000_000  # 2027-01-15T08:00:00Z
READER = ItemReader(Limits())


def read(item, kind="track", **envelope):
    base = {"event": "E", "userId": "u"} if kind == "track" else {"userId": "u"}
    return READER.read({**base, **item}, Envelope(NOW, **envelope), kind)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15T08:00:00.123Z", NOW + 123),
        ("2027-01-15T08:00:00.123456+00:00", NOW + 123),
        ("2027-01-15T08:00:00.123999999Z", NOW + 124),
        ("2027-01-15T10:00:00+02:00", NOW),
        ("2027-01-15T10:00:00+0200", NOW),
        ("2027-01-15 08:00:00", NOW),
        (" 2027-01-15t08:00:00z ", NOW),
        ("2027-01-15T10:00:00 +0200", NOW),
        ("2027-01-15", NOW - 8 * 3_600_000),
        (NOW, NOW),
        (NOW / 1000, NOW),
        (NOW // 1000, NOW),
        (float(NOW), NOW),
        (None, None),
        ("", None),
        (" ", None),
    ],
)
def test_a_timestamp_is_read_in_all_the_ways_clients_write_it(written, meant):
    assert instant(written, "timestamp") == meant


@pytest.mark.parametrize(
    "written",
    [
        *(
            "2027-02-29T00:00:00Z",
            "2027-13-01",
            "tomorrow",
            "24:00",
            "1969-12-31T23:59:59Z",
            "0001-01-01T00:00:00+14:00",
        ),
        *(-1, True, [], {}, 1e300, -1e300, 10**400, 10**15, "9" * 30, "2027-01-15T08:00:00+99:00"),
    ],
)
def test_impossible_dates_are_refused_with_a_code(written):
    with pytest.raises(Refused) as refused:
        instant(written, "timestamp")
    assert refused.value.code == "invalid_timestamp"


@pytest.mark.parametrize(
    ("item", "sent", "at"),
    [
        ({}, None, NOW),
        ({"timestamp": NOW - 5_000}, None, NOW - 5_000),
        ({"originalTimestamp": NOW - 5_000}, None, NOW - 5_000),
        # The client's clock is an hour slow: 5 s passed between event and sending.
        ({"timestamp": NOW - 3_605_000, "sentAt": NOW - 3_600_000}, None, NOW - 5_000),
        ({"timestamp": NOW - 3_605_000}, NOW - 3_600_000, NOW - 5_000),
        ({"originalTimestamp": NOW + 86_395_000, "sentAt": NOW + 86_400_000}, None, NOW - 5_000),
        ({"timestamp": NOW - 5_000, "sentAt": NOW, "originalTimestamp": NOW - 9_000}, None, NOW - 5_000),
        ({"timestamp": NOW + 60_000}, None, NOW),  # never later than received
        ({"timestamp": NOW, "sentAt": NOW - 60_000}, None, NOW),
        ({"timestamp": NOW - 5_000, "sentAt": "rubbish"}, None, NOW - 5_000),
        ({"timestamp": 0, "sentAt": 2 * NOW}, None, 0),
    ],
)
def test_an_event_happened_at_received_minus_sent_minus_timestamp(item, sent, at):
    assert read(item, sent=sent).at == at


def test_the_timestamp_of_a_recorded_message_stands():
    exported = {
        "timestamp": "2023-05-01T00:00:00Z",
        "originalTimestamp": "2023-05-01T00:00:09Z",
        "sentAt": "2023-05-01T00:00:10Z",
        "receivedAt": "2023-05-01T00:00:01Z",
    }
    recorded = 1_682_899_200_000
    assert read(exported, own_times=True).at == recorded
    del exported["timestamp"]
    assert read(exported, own_times=True).at == recorded
    assert read({"receivedAt": "2023-05-01T00:00:00Z"}, own_times=True).at == recorded
    assert read({}, own_times=True).at == NOW


@pytest.mark.parametrize(
    "value",
    [
        *("", "  ", None, "null", "NULL", "undefined", "0", 0, 0.0, "000-000", "00000000-0000-0000-0000-000000000000"),
        *("anonymous", "none", "nil", "NaN", "[object Object]", "-1", -1, "unknown", "n/a", "false", "{}"),
    ],
)
def test_some_values_are_never_identifiers(value):
    with pytest.raises(Refused) as refused:
        READER.read({"event": "E", "userId": value, "anonymousId": value}, Envelope(NOW), "track")
    assert refused.value.code == "no_user_anon_id"
    message = READER.read({"event": "E", "userId": value, "anonymousId": "a1"}, Envelope(NOW), "track")
    assert (message.user_id, message.anonymous_id) == (None, "a1")


@pytest.mark.parametrize(
    ("sent", "meant"), [(42, "42"), (42.0, "42"), (1.5, "1.5"), (" u1 ", "u1"), ("Ünï", "Ünï"), ("00a", "00a")]
)
def test_identifiers_are_texts(sent, meant):
    assert read({"userId": sent}).user_id == meant


def test_the_payload_is_what_the_codec_writes():
    item = {
        "messageId": "m1",
        "timestamp": NOW - 5,
        "properties": {"b": 1, "a": [None, {"x": "ü"}]},
        "context": {"locale": "de"},
        "extra": 5,
    }
    (event,) = read(item, imported=True).entries
    made = Event("E", NOW - 5, {"b": 1, "a": [None, {"x": "ü"}]}, {"locale": "de", "extra": 5}, "m1", imported=True)
    assert event.payload == encode_input(made)
    assert decode_input(event.kind, event.payload) == made
    assert event.message_hash == message_hash("m1")
    (bare,) = read({}).entries
    assert bare.payload == encode_input(Event("E", NOW))
    assert bare.message_hash is None
    (known,) = read({"traits": {"plan": None}, "anonymousId": "a", "messageId": 7}, "identify").entries
    assert decode_input(known.kind, known.payload) == Identify(
        {"plan": None}, NOW, message_id="7", user_id="u", anonymous_id="a"
    )
    (group,) = read({"groupId": "g", "traits": None}, "group").entries
    assert decode_input(group.kind, group.payload) == Group("g", {}, NOW)


def test_email_and_phone_of_traits_become_keys_to_look_people_up():
    traits = {"email": " Ada@Example.COM ", "phone": 4915112345678}
    message = read({"traits": traits}, "identify")
    assert message.lookups == (("email", "ada@example.com"), ("phone", "4915112345678"))
    assert msgspec.json.decode(message.entries[0].payload)["traits"]["phone"] == "4915112345678"
    assert read({"traits": {"email": "nobody", "phone": "12"}}, "identify").lookups == ()
    assert read({"traits": {"email": None, "phone": None}}, "identify").lookups == ()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=30,
)


@given(_json)
def test_marking_changes_nothing_of_what_is_right(value):
    encoded = msgspec.json.encode(value)
    assert mark(encoded, 64) == encoded


@given(st.binary(max_size=200), st.integers(0, 5))
def test_marking_any_bytes_never_fails(data, depth):
    mark(data, depth)


@given(_json, st.integers(1, 3))
def test_marked_json_is_json_and_no_deeper_than_allowed(value, depth):
    marked = msgspec.json.decode(mark(msgspec.json.encode(value), depth))

    def depth_of(found):
        if isinstance(found, dict):
            return 1 + max(map(depth_of, found.values()), default=0)
        return 1 + max(map(depth_of, found), default=0) if isinstance(found, list) else 0

    assert depth_of(marked) <= depth


@given(_json, _json, _json)
def test_an_item_of_any_json_is_read_or_refused(user, event, properties):
    for kind in ("track", "identify", "page", "screen", "group", "alias"):
        item = {"userId": user, "event": event, "properties": properties, "traits": properties, "context": properties}
        raw = msgspec.json.encode(
            {**item, "groupId": event, "previousId": event, "messageId": event, "timestamp": event}
        )
        try:
            message = READER.read_raw(raw, Envelope(NOW), kind)
        except Refused as refused:
            assert refused.code
            assert str(refused)
        else:
            for entry in message.entries:
                decode_input(entry.kind, entry.payload)
                assert b"\\u0000" not in entry.payload.replace(b"\\\\", b"")
