"""Coupon codes as pictures: what a reader sees is the code."""

from __future__ import annotations

import re
import struct
import zlib
from functools import partial

import pytest
import zxingcpp
from starlette.applications import Starlette
from starlette.testclient import TestClient

from wend.content.coupons import picture
from wend.content.links import Links
from wend.content.liquid import LiquidProblem, Text
from wend.delivery.pictures import picture_routes

LINKS = Links(b"0123456789abcdef0123456789abcdef", "https://mail.example.com")
VALUES = {"saved": {"coupon": {"code": "SUMMER-AB12"}}, "_picture": partial(LINKS.picture, 7, "run.1")}


def read_back(png: bytes) -> zxingcpp.Barcode:
    """What a scanner reads in the picture."""
    width, height = struct.unpack(">II", png[16:24])
    at = png.index(b"IDAT")
    (size,) = struct.unpack(">I", png[at - 4 : at])
    lines = zlib.decompress(png[at + 4 : at + 4 + size])
    pixels = b"".join(lines[at + 1 : at + 1 + width] for at in range(0, len(lines), width + 1))
    (found,) = zxingcpp.read_barcodes(memoryview(pixels).cast("B", (height, width)))
    return found


@pytest.mark.parametrize(
    ("kind", "code", "drawn"),
    [
        ("qr", "SUMMER-AB12", "QR Code"),
        ("qr", "https://example.com/é?a=1&b=2", "QR Code"),
        ("qr", "x" * 200, "QR Code"),
        ("barcode", "SUMMER-AB12", "Code 128"),
        ("barcode", "4006381333931", "EAN-13"),
        ("barcode", "4006381333930", "Code 128"),
        ("barcode", "96385074", "EAN-8"),
    ],
)
def test_a_scanner_reads_the_code_back(kind: str, code: str, drawn: str) -> None:
    found = read_back(picture(kind, code))
    assert (found.text, str(found.format)) == (code, drawn)


@pytest.mark.parametrize(
    ("kind", "code"), [("qr", ""), ("qr", "x" * 201), ("barcode", "ä"), ("barcode", "a\nb"), ("aztec", "A")]
)
def test_what_cannot_be_drawn_is_refused(kind: str, code: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be drawn|no barcode holds"):
        picture(kind, code)


def test_a_mail_shows_the_code_behind_a_signed_link() -> None:
    html = Text("{{ saved.coupon.code | qr_code }}{{ saved.coupon.code | barcode: 300 }}", html=True).render(VALUES)
    first, second = re.findall(r'<img src="([^"]+)" width="(\d+)" height="(\d+)" alt="([^"]+)"', html)
    assert (first[1:], second[1:]) == (("160", "160", "SUMMER-AB12"), ("300", "100", "SUMMER-AB12"))
    with TestClient(Starlette(routes=picture_routes(LINKS)), base_url="https://mail.example.com") as client:
        answer = client.get(first[0])
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert "immutable" in answer.headers["cache-control"]
        assert read_back(answer.content).text == "SUMMER-AB12"
        assert read_back(client.get(second[0]).content).text == "SUMMER-AB12"
        assert client.get(first[0].replace("/c/", "/c/A")).status_code == 404
        other = LINKS.token("click", 7, "run.1", "qr:SUMMER")
        assert client.get(f"/c/{other}.png").status_code == 404
        assert client.get(f"/c/{LINKS.token('picture', 7, 'run.1', 'aztec:A')}.png").status_code == 404


def test_a_plain_text_has_the_address_and_hostile_codes_stay_text() -> None:
    plain = Text("{{ saved.coupon.code | qr_code }}").render(VALUES)
    assert plain.startswith("https://mail.example.com/c/") and plain.endswith(".png")
    hostile = {**VALUES, "saved": {"coupon": {"code": '"><script>'}}}
    assert "<script>" not in Text("{{ saved.coupon.code | qr_code: 'x' }}", html=True).render(hostile)


def test_a_missing_code_or_one_that_cannot_be_drawn_stops_the_mail() -> None:
    with pytest.raises(LiquidProblem, match=r"saved\.voucher is undefined"):
        Text("{{ saved.voucher.code | qr_code }}").render(VALUES)
    with pytest.raises(LiquidProblem, match="no barcode holds"):
        Text("{{ 'ä' | barcode }}").render(VALUES)
    with pytest.raises(LiquidProblem, match="in messages only"):
        Text("{{ 'A' | qr_code }}").render({})
