"""Coupon codes as pictures: QR code and barcode, for mails and for the till.

In a template `{{ saved.coupon.code | qr_code }}` and `| barcode` give an image; in a plain text its address. The picture lies behind a
signed link (`/c/….png`), so nobody makes us draw what they like, and no mail carries the bytes. A barcode is EAN-13 or EAN-8 where
the code is one (its check digit fits), else Code 128.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

import zxingcpp
from liquid import Markup, RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.undefined import is_undefined

KINDS = ("qr", "barcode")
LONGEST = 200
"""Characters of a code."""
_SIDE = 300
_HEIGHT = 100


@lru_cache(maxsize=256)
def picture(kind: str, code: str) -> bytes:
    """The picture as PNG, black on white with its quiet zone. ValueError when the code cannot be drawn so."""
    if kind not in KINDS or not 0 < len(code) <= LONGEST:
        raise ValueError(f"{code[:40]!r} cannot be drawn as {kind}")
    if kind == "qr":
        drawn = _drawn(code, zxingcpp.BarcodeFormat.QRCode)
        return _png(drawn.to_image(scale=max(1, _SIDE // _modules(drawn))))
    if not code.isascii() or not code.isprintable():
        raise ValueError(f"{code[:40]!r} has a sign that no barcode holds")
    return _png(_drawn(code, _linear(code)).to_image(scale=2))


def _linear(code: str) -> zxingcpp.BarcodeFormat:
    formats = {13: zxingcpp.BarcodeFormat.EAN13, 8: zxingcpp.BarcodeFormat.EAN8}
    if code.isdecimal() and len(code) in formats and _checks(code):
        return formats[len(code)]
    return zxingcpp.BarcodeFormat.Code128


def _checks(code: str) -> bool:
    """Whether the last digit is the check digit of the others (GS1)."""
    weighted = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(reversed(code)))
    return weighted % 10 == 0


def _drawn(code: str, form: zxingcpp.BarcodeFormat) -> zxingcpp.Barcode:
    return zxingcpp.create_barcode(code, form)  # pyright: ignore[reportUnknownMemberType]


def _modules(drawn: zxingcpp.Barcode) -> int:
    """Width of a drawn code in its smallest squares."""
    return _size(memoryview(cast(Any, drawn.to_image(scale=1))))[1]


def _size(pixels: memoryview) -> tuple[int, int]:
    height, width = cast("tuple[int, int]", pixels.shape)
    return height, width


def _png(image: Any) -> bytes:
    """8 bit grey; a line of PNG begins with the number of its filter (0: none)."""
    pixels = memoryview(image)
    height, width = _size(pixels)
    raw = pixels.tobytes()
    lines = b"".join(b"\0" + raw[at : at + width] for at in range(0, height * width, width))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_part(name, data) for name, data in parts)


def _part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@with_context
def qr_code(value: object, width: object = 160, *, context: RenderContext) -> str:
    """`{{ saved.coupon.code | qr_code }}`: a QR code, `width` pixels wide."""
    return _image("qr", value, width, width, context)


@with_context
def barcode(value: object, width: object = 240, *, context: RenderContext) -> str:
    """`{{ saved.coupon.code | barcode }}`: EAN where the code is one, else Code 128."""
    return _image("barcode", value, width, _HEIGHT, context)


def _image(kind: str, value: object, width: object, height: object, context: RenderContext) -> str:
    if is_undefined(value):
        str(value)  # raises, naming the variable
    code = str(value)
    try:
        picture(kind, code)
    except ValueError as problem:
        raise FilterArgumentError(f"{kind}: {problem}", token=None) from None
    address = cast("Callable[[str, str], str] | None", context.globals.get("_picture"))
    if address is None:
        raise FilterArgumentError(f"{kind}: there are pictures in messages only", token=None)
    url = address(kind, code)
    if not context.env.autoescape:
        return url
    sizes = [int(one) if isinstance(one, int | float) else _SIDE for one in (width, height)]
    image = '<img src="{}" width="{}" height="{}" alt="{}" style="display:block">'
    marked = cast("Callable[[str], str]", Markup)(image)  # escapes what is formatted into it
    return marked.format(url, *(min(max(one, 20), 1_000) for one in sizes), code)
