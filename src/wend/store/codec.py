"""What is stored, as bytes: a person's state (msgpack), attributes and inputs (JSON).

Rules: unknown fields of an input are ignored and missing ones take their defaults, so two releases can share a log;
fields that equal their default are not written. Attributes must be acceptable to jsonb, which knows no NUL character.
"""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any, cast

import msgspec

from wend.core.inputs import KINDS, Event, Input
from wend.core.pack import pack, unpack, unpack_facts
from wend.core.profile import Facts, Profile

_pack_bytes = msgspec.msgpack.Encoder().encode
_unpack_bytes = msgspec.msgpack.Decoder().decode
_json_encode = msgspec.json.Encoder().encode
_json_decode = msgspec.json.Decoder().decode
_decode_dict = msgspec.json.Decoder(dict[str, Any]).decode
_decoders = {kind: msgspec.json.Decoder(made).decode for kind, made in KINDS.items()}


def _optional(made: type[Input]) -> tuple[tuple[str, Any], ...]:
    found: list[tuple[str, Any]] = []
    for entry in fields(made):
        if entry.default is not MISSING:
            found.append((entry.name, entry.default))
        elif entry.default_factory is not MISSING:
            found.append((entry.name, entry.default_factory()))
        else:
            found.append((entry.name, MISSING))
    return tuple(found)


_FIELDS = {made: _optional(made) for made in KINDS.values()}

EMPTY = b"{}"


def encode_state(profile: Profile) -> bytes:
    """The state without id and attributes. Raises when it holds something that is no plain value.

    Numbers beyond 64 bits, which JSON knows and msgpack does not, become floats.
    """
    packed = pack(profile)
    try:
        return _pack_bytes(packed)
    except OverflowError:
        return _pack_bytes(_without_huge(packed))


def _without_huge(value: Any) -> Any:
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 64 else float(max(-(1 << 1000), min(value, 1 << 1000)))
    if isinstance(value, dict):
        return {key: _without_huge(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_without_huge(item) for item in cast("list[Any]", value)]
    return value


def decode_state(id: int, state: bytes, attributes: bytes | dict[str, Any] = EMPTY) -> Profile:
    """The person `id` from the columns state and attributes."""
    if isinstance(attributes, bytes):
        attributes = {} if attributes == EMPTY else _decode_dict(attributes)
    return unpack(id, _unpack_bytes(state), attributes)


def decode_facts(state: bytes) -> Facts:
    """Only the built-in facts of the column state, for those who read everybody's."""
    packed = _unpack_bytes(state)
    return unpack_facts(packed[10]) if len(packed) > 10 else Facts()


def encode_attributes(attributes: dict[str, Any]) -> bytes:
    """Attributes as JSON for the jsonb column; NUL characters are taken out, jsonb cannot hold them."""
    encoded = _json_encode(attributes)
    if b"\\u0000" in encoded:
        encoded = _json_encode(_without_nul(attributes))
    return encoded


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, dict):
        return {key.replace("\0", ""): _without_nul(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_without_nul(item) for item in cast("list[Any]", value)]
    return value


def encode_input(input: Input) -> bytes:
    """The payload column of an input: JSON of its fields that differ from their default."""
    if type(input) is Event:
        shown: dict[str, Any] = {"name": input.name, "at": input.at}
        if input.properties:
            shown["properties"] = input.properties
        if input.context:
            shown["context"] = input.context
        if input.message_id:
            shown["message_id"] = input.message_id
        if input.hops:
            shown["hops"] = input.hops
        if input.imported:
            shown["imported"] = True
        if input.about:
            shown["about"] = input.about
        return _json_encode(shown)
    values = ((name, getattr(input, name), default) for name, default in _FIELDS[type(input)])
    return _json_encode({name: value for name, value, default in values if default is MISSING or value != default})


def decode_input(kind: str, payload: bytes) -> Input:
    """The input of a log row. ValueError (of msgspec) when the payload does not fit, KeyError for an unknown kind."""
    return _decoders[kind](payload)


def encode_json(value: Any) -> bytes:
    """Any plain value as JSON."""
    return _json_encode(value)


def decode_json(text: bytes | str) -> Any:
    """JSON of unknown shape."""
    return _json_decode(text)
