"""Writing HTML so that nothing can be forgotten to be escaped: text becomes HTML only through `tag`, which escapes it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import cast


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = object
"""Html as it is; None and False vanish; iterables are flattened; everything else is text and is escaped."""

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})


def tag(name: str, /, *children: Child, **attributes: object) -> Html:
    """An element. Attribute names: `class_` → class, `data_x` → data-x; None and False leave the attribute out, True has no value."""
    written: list[str] = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        written.append(f" {attribute}" if value is True else f' {attribute}="{escape(str(value))}"')
    opening = f"<{name}{''.join(written)}>"
    return Html(opening if name in _VOID else f"{opening}{join(children)}</{name}>")


def join(children: Iterable[Child]) -> Html:
    """Children one after the other."""
    return Html("".join(_child(child) for child in children))


def _child(child: Child) -> str:
    if isinstance(child, Html):
        return child
    if child is None or child is False:
        return ""
    if isinstance(child, str):
        return escape(child)
    if isinstance(child, Iterable):
        return join(cast("Iterable[object]", child))
    return escape(str(child))


def link(text: Child, to: str, **attributes: object) -> Html:
    """An anchor."""
    return tag("a", text, href=to, **attributes)


def table(
    head: Iterable[Child], rows: Iterable[Iterable[Child]], *, caption: str = "", empty: str = "Nothing here."
) -> Html:
    """A table with a header row, or the sentence `empty` when it would have no rows."""
    body = [tag("tr", [tag("td", cell) for cell in row]) for row in rows]
    if not body:
        return tag("p", empty, class_="muted")
    top = tag("thead", tag("tr", [tag("th", cell, scope="col") for cell in head]))
    inner = tag("table", tag("caption", caption) if caption else None, top, tag("tbody", body))
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption or "Table")
