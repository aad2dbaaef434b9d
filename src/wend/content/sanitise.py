"""HTML of mails made safe to show inside Wend's own pages: no script, no form, no style that reaches out of its place.

Our own open pixel is taken out: somebody who reads the inbox has not opened the mail.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import nh3

OPEN_PIXEL_PATH = "/t/o/"

_LAYOUT_NAMES = "style align valign width height bgcolor border cellpadding cellspacing dir role"
_LAYOUT = set(_LAYOUT_NAMES.split())
_TAGS = nh3.ALLOWED_TAGS | {"font"}
_ATTRIBUTES = {tag: nh3.ALLOWED_ATTRIBUTES.get(tag, set[str]()) | _LAYOUT for tag in _TAGS}
# No `background` (it may fetch), no `position` (it may cover the page).
_PROPERTIES = """
background-color border border-bottom border-collapse border-left border-radius border-right border-spacing border-top
color direction display font font-family font-size font-style font-weight height letter-spacing line-height
list-style-type margin margin-bottom margin-left margin-right margin-top max-height max-width min-width opacity padding
padding-bottom padding-left padding-right padding-top table-layout text-align text-decoration text-transform
vertical-align white-space width word-break
"""
_STYLES = set(_PROPERTIES.split())


def safe_html(html: str) -> str:
    """The HTML with only what cannot do harm. Never raises."""
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style", "title"},
        attributes=_ATTRIBUTES,
        attribute_filter=_keep,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer nofollow",
    )


def _keep(tag: str, attribute: str, value: str) -> str | None:
    if tag == "img" and attribute == "src":
        try:
            path = urlsplit(value).path
        except ValueError:
            return None
        if OPEN_PIXEL_PATH in path:
            return None
    return value
