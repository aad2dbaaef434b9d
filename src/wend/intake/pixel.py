"""Pixel requests: a message in a query string, every key a dotted path, as RudderStack reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast


def pixel_item(query: Mapping[str, str]) -> dict[str, Any]:
    """The item that a pixel's parameters stand for; `properties.total=3` sets properties → total. Values are texts."""
    item: dict[str, Any] = {"channel": "web"}
    for name, value in query.items():
        if name == "writeKey":
            continue
        if name == "anonymousId" and len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        parts = name.split(".")
        if "" in parts or len(parts) > 10:
            continue
        target = item
        for part in parts[:-1]:
            inner = target.get(part)
            if type(inner) is not dict:
                inner = target[part] = {}
            target = cast("dict[str, Any]", inner)
        target[parts[-1]] = value
    return item
