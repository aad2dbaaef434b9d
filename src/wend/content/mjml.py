"""MJML and HTML with Liquid inside: compiled once per template version, Liquid untouched.

The compilers do not understand Liquid (`a < b` in a condition is broken markup to them, a loop around table rows is text
where no text may stand). So each Liquid tag is masked by a mark that is legal at its place, and put back afterwards:
between elements a comment, inside an attribute or a style a word, between MJML's structural elements a comment in `mj-raw`.
CSS is inlined with `@media` rules kept, without which MJML's columns do not stack on a phone.
"""

from __future__ import annotations

import re
from xml.parsers import expat

import css_inline
import mrml
from inscriptis import get_text
from inscriptis.model.config import ParserConfig

from wend.core.problems import nearest

_LIQUID = r"\{%-?\s*raw\s*-?%\}.*?\{%-?\s*endraw\s*-?%\}|\{\{.*?\}\}|\{%.*?%\}"
_TOKEN = re.compile(
    rf"(?P<liquid>{_LIQUID})"
    r"|(?P<comment><!--.*?-->)"
    r"|(?P<raw><(?P<name>style|script|title|textarea|mj-style|mj-title|mj-preview|mj-class|mj-attributes)\b)"
    r"|(?P<tag><(?P<slash>/?)(?P<element>[A-Za-z][A-Za-z0-9-]*))",
    re.DOTALL | re.IGNORECASE,
)
_TAG_REST = re.compile(rf"(?:{_LIQUID}|\"(?:{_LIQUID}|[^\"])*\"|'(?:{_LIQUID}|[^'])*'|[^>\"'])*>", re.DOTALL)
_LIQUID_RE = re.compile(_LIQUID, re.DOTALL)
_MARK = re.compile(r"<!--wendq(\d+)z-->|wendq(\d+)z(?:=\"\")?", re.IGNORECASE)
_WORD = re.compile(r"wendq(\d+)z")
_IN_TEXT = re.compile(r"<!--wendq(\d+)z-->")
_BETWEEN_ROWS = re.compile(r"(<(?:table|tbody|thead|tfoot)\b[^>]*>|</tr>)\s*((?:wendq\d+z\s*)+)", re.IGNORECASE)
_BETWEEN_CELLS = re.compile(r"(<tr\b[^>]*>|</t[dh]>)\s*((?:wendq\d+z\s*)+)(?=<)", re.IGNORECASE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TEXT_STYLE = ParserConfig(display_links=True)
_STRUCTURE = frozenset(("mj-body", "mj-section", "mj-column", "mj-wrapper", "mj-group", "mj-hero"))
_ELEMENT_NAMES = """
mjml mj-head mj-body mj-attributes mj-all mj-class mj-breakpoint mj-font mj-html-attributes mj-html-attribute mj-selector
mj-preview mj-style mj-title mj-accordion mj-accordion-element mj-accordion-text mj-accordion-title mj-button mj-carousel
mj-carousel-image mj-column mj-divider mj-group mj-hero mj-image mj-navbar mj-navbar-link mj-raw mj-section mj-social
mj-social-element mj-spacer mj-table mj-text mj-wrapper
"""
_ELEMENTS = frozenset(_ELEMENT_NAMES.split())
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


class MarkupProblem(ValueError):
    """MJML that cannot be compiled; the message says what and, if known, on which line."""


def compile_mjml(source: str) -> str:
    """MJML with Liquid → HTML with Liquid, CSS inlined. Raises MarkupProblem."""
    masked, kept = _mask(source, mjml=True)
    _check_elements(source)
    try:
        html = mrml.to_html(masked).content
    except OSError as problem:
        raise MarkupProblem(f"{_line_of_fault(masked)}{problem}") from None
    return _restore(_inline(html), kept, explicit_body="<tbody" in source)


def compile_html(source: str) -> str:
    """HTML with Liquid → the same with CSS inlined. A fragment (no `<html`) stays a fragment without styles to inline."""
    if "<style" not in source.lower():
        return source
    masked, kept = _mask(source, mjml=False)
    return _restore(_inline(masked), kept, explicit_body="<tbody" in source)


def text_source(html: str) -> str | None:
    """HTML with Liquid → plain text with the same Liquid, links visible: made once, filled in for each person.

    None where Liquid's tags would not stand where they stand in the HTML (a loop that was moved repeats something else).
    """
    masked, kept = _mask(html, mjml=False)
    blocks = [int(mark) for mark in _IN_TEXT.findall(masked) if kept[int(mark)].startswith("{%")]
    masked = _COMMENT.sub("", _IN_TEXT.sub(r"wendq\1z", masked))
    # Text between rows or cells would be moved out of the table; as a row or cell of its own it stays.
    masked = _BETWEEN_ROWS.sub(r"\1<tr><td>\2</td></tr>", masked)
    masked = _BETWEEN_CELLS.sub(r"\1<td>\2</td>", masked)
    text = text_of(masked)
    wanted = set(blocks)
    if [mark for mark in map(int, _WORD.findall(text)) if mark in wanted] != blocks:
        return None
    return _WORD.sub(lambda mark: kept[int(mark[1])], text)


def text_of(html: str) -> str:
    """The plain text of HTML, with its links visible."""
    return tidy(get_text(html, _TEXT_STYLE)) if html.strip() else ""


def tidy(text: str) -> str:
    """Without spaces at the ends of lines and more than one empty line in a row."""
    return re.sub(r"\n{3,}", "\n\n", "\n".join([line.rstrip() for line in text.split("\n")])).strip("\n")


def _inline(html: str) -> str:
    try:
        return _INLINER.inline(html)
    except css_inline.InlineError as problem:
        raise MarkupProblem(f"styles: {problem}") from None


def _mask(source: str, *, mjml: bool) -> tuple[str, list[str]]:
    """The source with every Liquid tag replaced by a mark, and the tags in order."""
    kept: list[str] = []
    parts: list[str] = []
    stack: list[str] = []
    position = 0

    def word(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"wendq{len(kept) - 1}z"

    while True:
        token = _TOKEN.search(source, position)
        if token is None:
            parts.append(source[position:])
            return "".join(parts), kept
        parts.append(source[position : token.start()])
        position = token.end()
        if token["liquid"]:
            mark = f"<!--{word(token)}-->"
            structural = mjml and stack and stack[-1] in _STRUCTURE
            parts.append(f"<mj-raw>{mark}</mj-raw>" if structural else mark)
        elif token["comment"]:
            parts.append(_LIQUID_RE.sub(word, token[0]))
        elif token["raw"]:
            end = re.compile(rf"</{token['name']}\s*>", re.IGNORECASE).search(source, position)
            position = end.end() if end else len(source)
            parts.append(_LIQUID_RE.sub(word, source[token.start() : position]))
        else:
            rest = _TAG_REST.match(source, position)
            position = rest.end() if rest else len(source)
            tag = source[token.start() : position]
            parts.append(_LIQUID_RE.sub(word, tag))
            _follow(stack, token["element"].lower(), bool(token["slash"]), tag.endswith("/>"))


def _follow(stack: list[str], element: str, closing: bool, empty: bool) -> None:
    if not element.startswith("mj"):
        return
    if closing:
        if element in stack:
            del stack[len(stack) - 1 - stack[::-1].index(element) :]
    elif not empty:
        stack.append(element)


def _restore(html: str, kept: list[str], *, explicit_body: bool) -> str:
    if not explicit_body:
        # HTML parsers put the missing <tbody> after a comment; a loop around rows would then open it again each time.
        html = re.sub(r"((?:<!--wendq\d+z-->\s*)+)<tbody>", r"<tbody>\1", html, flags=re.IGNORECASE)
    return _MARK.sub(lambda mark: kept[int(mark[1] or mark[2])], html)


def _check_elements(source: str) -> None:
    """mrml passes over elements it does not know; an author should hear of them."""
    wrong = [
        f"line {source.count(chr(10), 0, tag.start()) + 1}: there is no element <{tag[1]}>{nearest(tag[1], _ELEMENTS)}"
        for tag in re.finditer(r"<(mj[a-z-]*)\b", source)
        if tag[1] not in _ELEMENTS
    ]
    if wrong:
        raise MarkupProblem("; ".join(wrong))


def _line_of_fault(masked: str) -> str:
    """mrml gives no usable place; an XML parser does, when the fault is one of form."""
    parser = expat.ParserCreate()
    parser.UseForeignDTD(True)  # HTML's entities (&nbsp;) are no fault
    try:
        parser.Parse(masked, True)
    except expat.ExpatError as fault:
        return f"line {fault.lineno}: {expat.errors.messages[fault.code]}; "
    return ""
