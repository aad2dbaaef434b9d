"""Messages of the Segment spec → inputs of the core.

Rules:
1. One bad item is refused with a reason and hurts no other; nothing is dropped or changed silently.
2. What Wend has no field for is kept in the context under its own name.
3. Names and types that the spec fixes are checked; types of one's own properties are not (they are kept as sent).
4. This is the hot path: about 10 µs an item. The payload is encoded once, and every check that costs is behind a
   cheap one that tells whether it can matter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import msgspec

from wend.content.catalogue.replenishment import EVENT, Replenishment
from wend.core.consent import CHANNELS
from wend.core.inputs import Consent, Event, Group, Identify, Input
from wend.core.problems import nearest, shown
from wend.intake.body import MARK_DEPTH, MARK_SURROGATE
from wend.intake.identifiers import Key, email_key, identifier, phone_key
from wend.intake.instants import happened_at, recorded_at
from wend.intake.limits import Limits
from wend.intake.places import Places
from wend.intake.refused import Refused
from wend.store.codec import encode_input
from wend.store.log import message_hash

TYPES: Final = frozenset({"track", "identify", "page", "screen", "group", "alias"})
CONSENT_STATES: Final = ("opted_in", "subscribed", "unsubscribed")
RESERVED: Final = "wend_"
"""Names of events and traits that begin so are Wend's own."""

_PLACED: Final = frozenset(
    {
        *("type", "event", "name", "category", "properties", "traits", "context", "groupId", "previousId", "writeKey"),
        *("userId", "anonymousId", "messageId", "timestamp", "originalTimestamp", "sentAt", "receivedAt"),
    }
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_fits_state = msgspec.msgpack.Encoder().encode


class Entry(msgspec.Struct, gc=False):
    """One row for the log, still without its person."""

    kind: str
    payload: bytes
    message_hash: int | None = None


class Message(msgspec.Struct):
    """What one item means: who (identifiers as sent) and what (rows for that person's log)."""

    user_id: str | None
    anonymous_id: str | None
    at: int
    entries: tuple[Entry, ...] = ()
    previous_id: str | None = None
    """alias: this one is the same person as `user_id` (else `anonymous_id`)."""
    lookups: tuple[Key, ...] = ()
    by_lookup: Key | None = None
    """The person is the one with this e-mail (imports of profiles without user id)."""
    introduces: bool = False
    """The entries tell the person's user id themselves (identify)."""
    imported: bool = False


class Envelope(msgspec.Struct):
    """What a batch says about all its items, and what the door knows. Times in ms UTC."""

    received: int
    sent: int | None = None
    context: dict[str, Any] = {}
    integrations: Any = None
    imported: bool = False
    own_times: bool = False
    """Timestamps are history as recorded: no correction by the time of sending."""
    suspicious: bool = True
    """Texts must be looked at one by one: there is a NUL character or a mark of body.py among them."""


def check_value(value: Any, depth: int) -> None:
    """Raises Refused when `value` holds a NUL character, a mark of body.py, or is nested deeper than `depth`."""
    level: list[Any] = [value]
    below = 0
    while level:
        deeper: list[Any] = []
        for one in level:
            if type(one) is str:
                _check_text(one)
            elif type(one) is dict:
                for key, inner in cast("dict[str, Any]", one).items():
                    _check_text(key)
                    deeper.append(inner)
            elif type(one) is list:
                deeper += cast("list[Any]", one)
        below += any(type(one) in (dict, list) for one in level)
        if below > depth:
            raise Refused("too_deep", f"Nested deeper than {depth} levels.")
        level = deeper


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Refused("nul_character", "A text holds the NUL character (\\u0000), which cannot be stored.")
    if text == MARK_SURROGATE.decode():
        raise Refused(
            "lone_surrogate", "A text holds half of a surrogate pair (\\ud800 … \\udfff), which is no character."
        )
    if text == MARK_DEPTH.decode():
        raise Refused("too_deep", "Nested too deep.")


class ItemReader:
    """Reads items within `limits`. `replenishment`: what the catalogue knows of the products of an order.

    `trusted`: what an operator imports may also hold recorded consent, as items of type `consent` ({channel or topic, state,
    source}); what comes by a write key may not (channels.md, "Forms").
    """

    def __init__(
        self,
        limits: Limits,
        *,
        trusted: bool = False,
        replenishment: Replenishment | None = None,
        places: Places | None = None,
    ) -> None:
        self._limits = limits
        self._places = places or Places()
        self._replenishment = replenishment
        self._readers = _READERS | {"consent": _consent} if trusted else _READERS

    def read_raw(self, raw: bytes, envelope: Envelope, kind: str | None = None) -> Message:
        """The message in the JSON text of one item. `kind`: from the path, else the item's `type`. Raises Refused."""
        limits = self._limits
        if len(raw) > limits.item_bytes:
            raise Refused("item_too_large", f"The item has {len(raw)} bytes; at most {limits.item_bytes} are allowed.")
        try:
            item = _decode(raw)
        except UnicodeDecodeError as error:
            raise Refused("not_utf8", f"The item is not UTF-8: {error}.") from error
        except msgspec.DecodeError as error:
            raise Refused(*_reason(error)) from error
        if type(item) is not dict:
            raise Refused("invalid_item", "The item is not a JSON object.")
        if envelope.suspicious or raw.count(b"{") + raw.count(b"[") > limits.depth:
            check_value(item, limits.depth)
        return self.read(cast("dict[str, Any]", item), envelope, kind)

    def read(self, item: dict[str, Any], envelope: Envelope, kind: str | None = None) -> Message:
        """The message in a decoded item, whose texts were checked. Raises Refused."""
        if kind is None:
            kind = item.get("type")
        reader = self._readers.get(kind) if type(kind) is str else None
        if reader is None:
            raise _no_type(kind)
        limits = self._limits
        longest = limits.id_chars
        user_id = identifier(item.get("userId"), "userId", longest)
        anonymous_id = identifier(item.get("anonymousId"), "anonymousId", longest)
        if user_id is None and anonymous_id is None:
            raise _nobody(item)
        message_id = item.get("messageId")
        if message_id is None:
            message_id = ""
        elif type(message_id) is not str or len(message_id) > limits.message_id_chars:
            message_id = _message_id(message_id, limits.message_id_chars)
        at = (
            recorded_at(item, envelope.received)
            if envelope.own_times
            else happened_at(item, envelope.received, envelope.sent)
        )
        context = _object(item, "context")
        if envelope.context:
            context = {**envelope.context, **context}
        for name in item:
            if name not in _PLACED:
                value = item[name]
                if value is not None and value != {} and name not in context:
                    context[name] = value
        if envelope.integrations and "integrations" not in context:
            context["integrations"] = envelope.integrations
        if self._replenishment is not None and kind == "track" and item.get("event") == EVENT:
            properties = item.get("properties")
            if type(properties) is dict:
                item = {**item, "properties": self._replenishment.told(cast("dict[str, Any]", properties))}
        self._places.put(kind, item.get("event"), item.get("properties"), context)
        read = Read(item, at, context, message_id, user_id, anonymous_id, envelope.imported, limits)
        message = Message(user_id, anonymous_id, at)
        message.imported = envelope.imported
        reader(read, message)
        return message


class _EventRow(msgspec.Struct, omit_defaults=True):
    """`Event` as codec.encode_input writes it (a test compares them): one step instead of two on the hot path."""

    name: str
    at: int
    properties: dict[str, Any] = {}
    context: dict[str, Any] = {}
    message_id: str = ""
    imported: bool = False


class Read(msgspec.Struct):
    """What all kinds of message have in common, read and checked."""

    item: dict[str, Any]
    at: int
    context: dict[str, Any]
    message_id: str
    user_id: str | None
    anonymous_id: str | None
    imported: bool
    limits: Limits


def entry(made: Input, message_id: str) -> Entry:
    """The row of an input. Raises Refused when a number in it fits no 64 bits."""
    payload = encode_input(made)
    return Entry(made.KIND, payload, message_hash(message_id) if message_id else None)


def check_numbers(value: Any) -> None:
    """Raises Refused when an integer in `value` needs more than 64 bits: a person's state could not hold it."""
    try:
        _fits_state(value)
    except OverflowError as error:
        raise Refused("number_out_of_range", "An integer needs more than 64 bits; send it as a text.") from error


def read_name(value: Any, field: str, limits: Limits) -> str:
    """The name of an event. Raises Refused (`invalid_event`, `reserved_name`)."""
    if type(value) is not str or not value.strip():
        raise Refused("invalid_event", f"{field} must be a text that is not empty, not {shown(value)}.")
    if len(value) > limits.name_chars:
        raise Refused("invalid_event", f"{field} has {len(value)} characters; at most {limits.name_chars} are allowed.")
    if value.startswith(RESERVED):
        raise Refused("reserved_name", f"{field} {value!r}: names that begin with {RESERVED!r} are reserved.")
    return value


def check_traits(traits: dict[str, Any]) -> tuple[Key, ...]:
    """Checks names and types that are fixed, makes a phone number a text; returns the look-up keys. Raises Refused."""
    for name in traits:
        if name.startswith(RESERVED):
            raise Refused("reserved_name", f"Trait {name!r}: names that begin with {RESERVED!r} are reserved.")
    if "email" not in traits and "phone" not in traits:
        return ()
    email, phone = traits.get("email"), traits.get("phone")
    if email is not None and type(email) is not str:
        raise Refused("invalid_trait", f"Trait 'email' must be a text, not {shown(email)}.")
    if type(phone) is int or type(phone) is float:
        phone = traits["phone"] = str(int(phone))
    if phone is not None and type(phone) is not str:
        raise Refused("invalid_trait", f"Trait 'phone' must be a text, not {shown(phone)}.")
    return tuple(key for key in (email_key(email), phone_key(phone)) if key is not None)


def _track(read: Read, message: Message) -> None:
    name = read_name(read.item.get("event"), "event", read.limits)
    _event(read, message, name, _object(read.item, "properties"))


def _page(read: Read, message: Message) -> None:
    _event(read, message, "Page Viewed", _view(read))


def _screen(read: Read, message: Message) -> None:
    _event(read, message, "Screen Viewed", _view(read))


def _view(read: Read) -> dict[str, Any]:
    properties = _object(read.item, "properties")
    for name in ("name", "category"):
        value = read.item.get(name)
        if value is not None and properties.get(name) is None:
            properties[name] = value
    return properties


def _event(read: Read, message: Message, name: str, properties: dict[str, Any]) -> None:
    check_numbers((properties, read.context))
    row = _encode(_EventRow(name, read.at, properties, read.context, read.message_id, read.imported))
    message.entries = (Entry(Event.KIND, row, message_hash(read.message_id) if read.message_id else None),)


def _identify(read: Read, message: Message) -> None:
    traits = _object(read.item, "traits")
    in_context = read.context.get("traits")
    context = read.context
    if in_context is not None:
        if type(in_context) is not dict:
            raise Refused("invalid_context", f"context.traits must be an object, not {shown(in_context)}.")
        traits = {**cast("dict[str, Any]", in_context), **traits}
        context = {name: value for name, value in context.items() if name != "traits"}
    check_numbers((traits, context))
    message.lookups = check_traits(traits)
    message.introduces = True
    made = Identify(traits, read.at, context, read.message_id, read.imported, read.user_id, read.anonymous_id)
    message.entries = (entry(made, read.message_id),)


def _group(read: Read, message: Message) -> None:
    group_id = identifier(read.item.get("groupId"), "groupId", read.limits.id_chars)
    if group_id is None:
        raise Refused("no_group_id", f"A group call needs a groupId, not {shown(read.item.get('groupId'))}.")
    traits = _object(read.item, "traits")
    check_numbers(traits)
    message.entries = (entry(Group(group_id, traits, read.at, read.message_id), read.message_id),)


def _alias(read: Read, message: Message) -> None:
    previous = identifier(read.item.get("previousId"), "previousId", read.limits.id_chars)
    if previous is None:
        raise Refused("no_previous_id", f"An alias call needs a previousId, not {shown(read.item.get('previousId'))}.")
    message.previous_id = previous


def _consent(read: Read, message: Message) -> None:
    item = read.item
    state, channel, topic = item.get("state"), item.get("channel", ""), item.get("topic", "")
    if state not in CONSENT_STATES:
        raise Refused("invalid_consent", f"state must be one of {', '.join(CONSENT_STATES)}, not {shown(state)}.")
    if not channel and not topic:
        raise Refused("invalid_consent", "A consent names a channel or a topic.")
    if channel and channel not in CHANNELS and channel != "tracking":
        raise Refused("invalid_consent", f"{shown(channel)} is not a channel{nearest(channel, CHANNELS)}.")
    source = str(item.get("source", "import"))[:200]
    message.entries = (
        entry(Consent(state, read.at, channel, str(topic), source, message_id=read.message_id), read.message_id),
    )


_READERS: Final[dict[str, Callable[[Read, Message], None]]] = {
    "track": _track,
    "identify": _identify,
    "page": _page,
    "screen": _screen,
    "group": _group,
    "alias": _alias,
}


def _object(item: dict[str, Any], name: str) -> dict[str, Any]:
    value = item.get(name)
    if value is None:
        return {}
    if type(value) is not dict:
        raise Refused(f"invalid_{name}", f"{name} must be an object, not {shown(value)}.")
    return cast("dict[str, Any]", value)


def _message_id(value: Any, longest: int) -> str:
    if type(value) is int and value.bit_length() <= 64:
        return str(value)
    if type(value) is str:
        raise Refused("message_id_too_long", f"messageId has {len(value)} characters; at most {longest} are allowed.")
    raise Refused("invalid_message_id", f"messageId must be a text, not {shown(value)}.")


def _no_type(kind: Any) -> Refused:
    allowed = ", ".join(sorted(TYPES))
    if kind is None:
        return Refused("no_type", f"The item has no type; allowed are {allowed}.")
    hint = nearest(kind, TYPES) if type(kind) is str else ""
    return Refused("unknown_type", f"{shown(kind)} is not a type of message{hint}; allowed are {allowed}.")


def _nobody(item: dict[str, Any]) -> Refused:
    found = [f"{name} {shown(item[name])}" for name in ("userId", "anonymousId") if item.get(name) is not None]
    why = f" ({' and '.join(found)} is never an identifier)" if found else ""
    return Refused("no_user_anon_id", f"The item has neither userId nor anonymousId{why}.")


def _reason(error: msgspec.DecodeError) -> tuple[str, str]:
    if "out of range" in str(error):
        return "number_out_of_range", "A number is beyond ±1.8e308; send it as a text."
    return "malformed_json", f"The item is not JSON: {error}."
