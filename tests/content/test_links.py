"""Signed links, and HTML shown in our own pages."""

from __future__ import annotations

from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wend.content.links import BadToken, Links, effect_digest, tagged
from wend.content.sanitise import safe_html

LINKS = Links(b"secret of at least 16 bytes", "https://w.example/")


TEXT = st.text(st.characters(codec="utf-8"), max_size=200)


@given(profile=st.integers(0, 2**63 - 1), effect=TEXT, rest=TEXT)
def test_a_token_gives_back_what_it_was_made_of(profile: int, effect: str, rest: str) -> None:
    token = LINKS.read(LINKS.token("click", profile, effect, rest), "click")
    assert (token.profile, token.effect_id, token.rest) == (profile, effect, rest)


@given(st.data())
def test_no_changed_token_is_believed(data: st.DataObject) -> None:
    token = LINKS.token("click", 7, "r.1", "https://shop.test/")
    at = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from("ABCDEFabcdef0123456789-_").filter(lambda char: char != token[at]))
    changed = token[:at] + other + token[at + 1 :]
    try:
        assert LINKS.read(changed, "click") == LINKS.read(token, "click")  # the last character has unused bits
        assert at == len(token) - 1
    except BadToken:
        pass


@given(st.text(max_size=100))
def test_nonsense_is_a_bad_token(text: str) -> None:
    with pytest.raises(BadToken):
        LINKS.read(text, "open")
    with pytest.raises(BadToken):
        LINKS.read_bounce(text)


def test_bounce_addresses_survive_being_lowered_and_are_signed() -> None:
    local = LINKS.bounce_local(2**62, "run.1")
    assert local == local.lower()
    for address in (f"bounces+{local}@x.test", f"BOUNCES+{local.upper()}@X.TEST"):
        assert LINKS.read_bounce(address) == (2**62, effect_digest("run.1"))
    with pytest.raises(BadToken):
        Links(b"another secret of 16 bytes", "").read_bounce(f"bounces+{local}@x.test")


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Links(b"short", "https://w.example")


def test_only_web_links_of_others_are_led_through_us() -> None:
    own = LINKS.unsubscribe(1, "r.1", "email")
    html = (
        '<a href="https://shop.test/a?x=1&amp;y=2">1</a><A class="b" HREF=\'http://shop.test/b\'>2</A>'
        f'<a href="mailto:a@b.test">3</a><a href="tel:1">4</a><a href="#x">5</a><a href="{own}">6</a><link href="https://c.test">'
    )
    wrapped = LINKS.track_clicks(html, 1, "r.1", {"utm_source": "wend", "x": "9"})
    for kept in (
        'href="mailto:a@b.test"',
        'href="tel:1"',
        'href="#x"',
        f'href="{own}"',
        '<link href="https://c.test">',
    ):
        assert kept in wrapped
    targets = [LINKS.read(unescape(part).partition('"')[0], "click").rest for part in wrapped.split("/t/c/")[1:]]
    assert targets == ["https://shop.test/a?x=1&y=2&utm_source=wend", "http://shop.test/b?utm_source=wend&x=9"]


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://a.test", "https://a.test?u=1"),
        ("https://a.test/?u=2#f", "https://a.test/?u=2#f"),
        ("https://a.test/?q=%C3%A9#f", "https://a.test/?q=%C3%A9&u=1#f"),
        ("https://[bad", "https://[bad"),
    ],
)
def test_utm_is_added_where_it_is_not(url: str, wanted: str) -> None:
    assert tagged(url, {"u": "1"}) == wanted


def test_mail_shown_in_our_pages_can_do_no_harm_and_does_not_count_as_opened() -> None:
    pixel = LINKS.open_pixel(1, "r.1")
    shown = safe_html(
        f'<p style="color:red;position:fixed;background:url(//e.test)">x</p><script>1</script><style>p{{}}</style>'
        f'<a href="javascript:1" onclick="x">y</a><form><input></form><iframe src="//e.test"></iframe><img src="{pixel}">'
        '<img src="https://shop.test/a.png" onerror="1" width="5"><table align="center"><tr><td bgcolor="#fff">t</td></tr></table>'
    )
    for bad in ("script", "onclick", "javascript", "position", "url(", "form", "iframe", "/t/o/", "onerror", "<style"):
        assert bad not in shown
    for good in ("color:red", "https://shop.test/a.png", 'align="center"', 'bgcolor="#fff"'):
        assert good in shown
