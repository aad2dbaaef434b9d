"""Templates: everything wrong is said at once, what is right is compiled once and filled in exactly."""

from __future__ import annotations

import re
from typing import Any

import pytest

from wend.content.liquid import LiquidProblem, Text
from wend.content.mjml import compile_html, compile_mjml, text_source
from wend.content.templates import FIELDS, Template, parse_template
from wend.content.variables import ROOTS, check_variables, variables
from wend.core.consent import CHANNELS

CONTEXT = {"_locale": "de-DE", "_zone": "Europe/Berlin", "_now": 1_790_000_000_000, "_currency": "EUR", "profile": {}}


def made(**fields: Any) -> Template:
    template, problems = parse_template({"id": "t", "channel": "email", "subject": "S", **fields})
    assert template is not None, problems
    return template


def said(raw: Any, where: str = "") -> list[str]:
    template, problems = parse_template(raw, where)
    assert template is None
    return [str(problem) for problem in problems]


def test_every_channel_of_the_core_can_have_templates() -> None:
    assert set(FIELDS) == set(CHANNELS)


def test_all_problems_come_at_once_with_file_field_and_line() -> None:
    problems = said(
        {
            "id": "bad id",
            "channel": "email",
            "subjct": "x",
            "html": "<p>\n{{ profile.name | mony }}</p>",
            "text": "{% if a %}",
            "translations": {"de": {"body": "x", "subject": 5}, "not a locale": {}, "fr": 3},
        },
        "mail.yaml",
    )
    assert problems == [
        "mail.yaml.id: 'bad id' is not an id: letters, digits, '.', '_' and '-', at most 100",
        "mail.yaml.subjct: is not a field of a template for email; did you mean 'subject'?",
        "mail.yaml.html: line 2: there is no filter 'mony'; did you mean 'money'?",
        "mail.yaml.text: expected tag endif, found end of expression",
        "mail.yaml.subject: is missing: a template for email needs it",
        "mail.yaml.translations.de.body: is not a field of a template for email",
        "mail.yaml.translations.de.subject: must be a text, not 5",
        "mail.yaml.translations.not a locale: is not a locale (de, pt-BR, zh-Hant …)",
        "mail.yaml.translations.fr: must be a mapping of fields, not 3",
    ]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ([], "a template is a mapping of fields"),
        ({"id": "t", "channel": "emial"}, "did you mean 'email'?"),
        ({"id": "t"}, "channel: is missing"),
        ({"id": "t", "channel": "email", "subject": "s"}, "has no body: give one of mjml, html, text"),
        ({"id": "t", "channel": "sms"}, "text: is missing"),
        ({"id": "t", "channel": "web_push", "url": "x"}, "has no body: give one of title, body"),
        ({"id": "t", "channel": "email", "subject": "s", "html": "a", "mjml": "b"}, "only one of them can be the body"),
        ({"id": "t", "channel": "email", "subject": "s", "html": "x" * 400_001}, "longer than 400,000"),
        ({"id": "t", "channel": "sms", "text": "a", "translations": []}, "must be a mapping of locales"),
        ({"id": "t", "channel": "sms", "text": "a", "topic": 1}, "topic: must be a text"),
        ({"id": "t", "channel": "email", "subject": "s", "mjml": "<mjml>\n<mj-bdy></mj-bdy></mjml>"}, "line 2: there is no element <mj-bdy>"),
        ({"id": "t", "channel": "email", "subject": "s", "mjml": "<mjml>\n\n<mj-body></mjml>"}, "line 3: mismatched tag"),
        ({"id": "t", "channel": "email", "subject": "s", "mjml": "<p>x</p>"}, "mjml"),
    ],
)  # fmt: skip
def test_a_wrong_document_is_refused(raw: Any, why: str) -> None:
    assert any(why in line for line in said(raw)), said(raw)


MJML = """<mjml><mj-head><mj-title>Cart</mj-title><mj-style>.x { color: red } @media (max-width: 480px) { .x { color: blue } }
</mj-style></mj-head><mj-body>
{% for item in cart %}
  <mj-section><mj-column>
    {% if item.price < 5 and profile.vip %}<mj-text css-class="x">Only {{ item.price | money: "EUR" }}</mj-text>{% endif %}
    <mj-image src="{{ item.image_url }}" alt="{{ item.name }}" />
    <mj-button href="{{ item.url }}?a=1&amp;b=2">Buy {{ item.name }}</mj-button>
    <mj-table>{% for n in item.parts %}<tr><td>{{ n }}</td></tr>{% endfor %}</mj-table>
  </mj-column></mj-section>
{% endfor %}</mj-body></mjml>"""

CART = [
    {"price": 4, "name": "A & B", "url": "https://s.test/1", "image_url": "https://s.test/1.png", "parts": ["x", "y"]},
    {"price": 9, "name": "<i>", "url": "https://s.test/2", "image_url": "https://s.test/2.png", "parts": []},
]


def test_mjml_keeps_liquid_in_its_place_and_media_rules_and_is_compiled_once() -> None:
    html = compile_mjml(MJML)
    tags = re.findall(r"\{[{%].*?[}%]\}", MJML)
    assert re.findall(r"\{[{%].*?[}%]\}", html) == tags or sorted(re.findall(r"\{[{%].*?[}%]\}", html)) == sorted(tags)
    assert "@media" in html
    assert "color: red" in html.split("<body", 1)[1]  # inlined
    template = made(mjml=MJML)
    filled = template.render({**CONTEXT, "cart": CART, "profile": {"vip": True}})
    assert filled.html.count("<a href=") == 2
    assert 'href="https://s.test/1?a=1&amp;b=2"' in filled.html
    assert "A &amp; B" in filled.html
    assert "&lt;i&gt;" in filled.html
    assert "4,00\xa0€" in filled.html
    assert filled.html.count("<tr><td") + filled.html.count("<tr>\n<td") >= 2
    assert "{" + "%" not in filled.html and "wendq" not in filled.html


def test_the_text_part_is_made_from_the_same_template_with_links_visible_and_nothing_escaped() -> None:
    text = made(mjml=MJML).render({**CONTEXT, "cart": CART, "profile": {"vip": True}}).text
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    assert lines == [
        "Only 4,00\xa0€",
        "[Buy A & B](https://s.test/1?a=1&b=2)",
        "x",
        "y",
        "[Buy <i>](https://s.test/2?a=1&b=2)",
    ]
    assert "made_text" in made(mjml=MJML).texts[""]


def test_a_text_that_cannot_be_made_once_is_made_from_each_mail() -> None:
    html = "<select>{% for i in cart %}<option>{{ i.name }}</option>{% endfor %}</select><p>end</p>"
    filled = made(html=html).render({**CONTEXT, "cart": CART})
    assert "end" in filled.text
    assert text_source("<table>{% for i in l %}<tr><td>{{ i }}</td></tr>{% endfor %}</table>") is not None


def test_html_is_inlined_and_liquid_in_attributes_tags_styles_and_comments_survives() -> None:
    source = (
        "<html><head><title>{{ t }}</title><style>p { color: {{ c }}; } @media print { p { color: black } }</style></head>"
        "<body><!-- {{ hidden }} --><p {% if big %}class=\"big\"{% endif %} title='{{ a }}'>x</p>"
        "<table>{% for r in rows %}<tr>{% for d in r %}<td>{{ d }}</td>{% endfor %}</tr>{% endfor %}</table>"
        "{% raw %}{{ kept }}{% endraw %}</body></html>"
    )
    filled = Text(compile_html(source), html=True).render(
        {"t": "T", "c": "red", "hidden": "h", "big": True, "a": '"quoted"', "rows": [[1, 2], [3]]}
    )
    assert "<title>T</title>" in filled
    assert 'class="big"' in filled
    assert "&#34;quoted&#34;" in filled
    assert re.sub(r"\s|</?tbody>", "", re.search(r"<table>.*</table>", filled, re.DOTALL)[0]) == (  # type: ignore[index]
        "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>"
    )
    assert "{{ kept }}" in filled
    assert "@media print" in filled


def test_translations_fall_back_by_locale_and_never_mix_two_languages_in_one_body() -> None:
    template = made(
        subject="Hello",
        html="<p>english</p>",
        text="english text",
        translations={
            "de": {"subject": "Hallo", "html": "<p>deutsch</p>"},
            "de-AT": {"subject": "Servus"},
            "fr": {"subject": "Salut"},
        },
    )
    german = template.render(CONTEXT, "de_DE")
    assert (german.subject, "deutsch" in german.html, german.text) == ("Hallo", True, "deutsch")
    austrian = template.render(CONTEXT, "de-AT")
    assert (austrian.subject, austrian.text) == ("Servus", "english text")
    assert (template.render(CONTEXT, "fr-CA").subject, template.render(CONTEXT, "fr-CA").text) == (
        "Salut",
        "english text",
    )
    assert template.render(CONTEXT, "it").subject == "Hello"


@pytest.mark.parametrize(
    ("source", "values", "wanted"),
    [
        ("{{ 1234.5 | money: 'EUR' }}", {}, "1.234,50\xa0€"),
        ("{{ 1234.5 | money }}", {"_locale": "en", "_currency": "USD"}, "$1,234.50"),
        ("{{ '12.5' | number: 2 }} {{ 1234567 | number }}", {}, "12,50 1.234.567"),
        ("{{ 0.256 | percent: 1 }}", {}, "25,6%"),
        ("{{ '2026-11-22T23:30:00Z' | date: 'long' }}", {}, "23. November 2026"),
        ("{{ '2026-11-22' | date: '%d.%m.%Y' }}", {}, "22.11.2026"),
        ("{{ 1790000000000 | datetime: 'short' }}", {}, "21.09.26, 16:13"),
        ("{{ 1790000000 | time }}", {"_zone": "nowhere/at-all", "_locale": "xx"}, "2:13\u202fPM"),
        ("{{ 'now' | date: 'EEEE' }}", {}, "Montag"),
        ("{{ profile.name | default: 'you' }}", {}, "you"),
        ("{% if profile.name %}a{% elsif profile.x == 'y' %}c{% else %}b{% endif %}", {}, "b"),
        ("{{ '<b>' }}{{ 'x' | append: 'y' }}{{ 'a-b' | replace: '-', '+' }}", {}, "<b>xya+b"),
        ("no liquid at all { } %", {}, "no liquid at all { } %"),
    ],
)
def test_liquid_speaks_the_locale(source: str, values: dict[str, Any], wanted: str) -> None:
    assert Text(source).render({**CONTEXT, **values}) == wanted


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ profile.name }}", "profile.name is undefined"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{% for i in nothing %}x{% endfor %}", "'nothing' is undefined"),
        ("{{ 'abc' | money }}", "'abc' is not a number"),
        ("{{ 5 | money: 'XYZQ' }}", "'XYZQ' is not a currency"),
        ("{{ 'soon' | date }}", "'soon' is not a date"),
        ("{{ true | number }}", "True is not a number"),
        ("{% for i in (1..999) %}{% for j in (1..999) %}x{% endfor %}{% endfor %}", "loop"),
        ("{% assign s = 'aaaaaaaaaa' %}" + "{% assign s = s | replace: 'a', 'aaaaaaaaaa' %}" * 9, "too long"),
        ("{{ profile.__class__ }}", "undefined"),
        ("{{ 1 | divided_by: 0 }}", "divided_by"),
    ],
)
def test_liquid_is_strict_and_bounded(source: str, why: str) -> None:
    text = Text(source)
    with pytest.raises(LiquidProblem, match=re.escape(why)):
        text.render(CONTEXT)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("{{ (1..1000000) | join: '' }}", "a range needs two numbers"),
        ("{% for i in (1..profile.n) %}{% endfor %}", "a range needs two numbers"),
        ("{% include 'x' %}", "unexpected tag 'include'"),
        ("{% render 'x' %}", "unexpected tag 'render'"),
        ("a\nb{{ x", "line 2: expected '}}'"),
        ("{% nonsense %}", "unexpected tag 'nonsense'"),
    ],
)
def test_what_liquid_will_not_take_is_said_before_publishing(source: str, why: str) -> None:
    with pytest.raises(LiquidProblem, match=re.escape(why)):
        Text(source)


def test_variables_are_known_with_their_paths_in_every_language_and_unknown_ones_are_named() -> None:
    template = made(
        subject="{{ profile.first_name }} {{ entry.total }}",
        mjml=MJML.replace("profile.vip", "proflie.vip"),
        translations={
            "de": {"subject": "{{ profile.vorname }} {{ first_name }} {{ recent.viewd[0].name }} {{ event['x y'].z }}"}
        },
    )
    assert variables(template) == {
        "profile.first_name", "entry.total", "cart", "proflie.vip", "profile.vorname", "first_name", "recent.viewd", "event.x y.z",
    }  # fmt: skip
    problems = check_variables(template, {"first_name", "vip"}, {"total"}, "t.yaml")
    lines = {f"{problem.level} {problem}" for problem in problems if ".made_text" not in problem.where}
    assert any(
        line.startswith("error t.yaml.html: 'proflie.vip' is unknown; did you mean 'profile'?") for line in lines
    )
    assert (
        "error t.yaml.translations.de.subject: 'first_name' is unknown; an attribute is written 'profile.first_name'"
        in lines
    )
    assert "error t.yaml.translations.de.subject: 'recent.viewd' is unknown; did you mean 'viewed'?" in lines
    assert "warning t.yaml.translations.de.subject: 'profile.vorname': no attribute 'vorname' has been seen" in lines
    assert check_variables(made(subject="{{ " + " }}{{ ".join(ROOTS) + " }}", text="x")) == []
