"""Pages of docs/reference that are made from the code. `python -m tests.docs.reference` writes them; a test holds them equal."""

from __future__ import annotations

from pathlib import Path

from tests.docs import surface

from wend.content.catalogue.filters import FILTERS as CATALOGUE
from wend.content.documents import load
from wend.content.filters import FILTERS
from wend.content.templates import FIELDS as CHANNEL_TEXTS
from wend.content.variables import ROOTS
from wend.core.condition.base import Condition
from wend.core.condition.syntax import FORMS, parse
from wend.core.journey.nodes import NODES
from wend.core.journey.triggers import KINDS
from wend.core.problems import Problem

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"

BAR = "\\|"
"""A bar inside a cell of a table."""

NODE_EXAMPLES = {
    "send": "mail: {send: {channel: email, template: cart-mail, topic: offers}, next: done, failed: sms}",
    "survey": "nps: {survey: {survey: nps, channel: email, template: nps, answers: [yes, no]}, yes: done, no: call, timed_out: done}",
    "set_attribute": "renew: {set_attribute: {attribute: due, value: {attribute: due, plus: 30d}}, next: done}",
    "adjust_score": "warmer: {adjust_score: 10, next: done}",
    "add_tag": "tag: {add_tag: vip, next: done}",
    "remove_tag": "untag: {remove_tag: vip, next: done}",
    "move_stage": "warm: {move_stage: {to: mql, only_forward: true}, next: done}",
    "assign_owner": "sales: {assign_owner: {team: [anna@example.com, bert@example.com]}, next: done}",
    "list_add": "on: {list_add: trial-users, next: done}",
    "list_remove": "off: {list_remove: trial-users, next: done}",
    "set_subscription": "leave: {set_subscription: {topic: tips, state: unsubscribed}, next: done}",
    "suppress": "never: {suppress: {channel: email, reason: asleep}, next: done}",
    "emit": "report: {emit: {event: Report Sent, properties: {course_id: {entry: course_id}}}, next: done}",
    "call_api": "related: {call_api: {service: shop, path: '/related/{{ profile.user_id }}', save_as: related}, ok: mail, failed: mail}",
    "issue_coupon": "coupon: {issue_coupon: {pool: spring, expires: 7d}, next: mail, exhausted: done}",
    "alert": "tell: {alert: {to: owner, channel: [in_product, email], text: '{{ profile.first_name }} is hot'}, next: done}",
    "sync_audience": "lookalike: {sync_audience: {audience: buyers, action: add}, next: done}",
    "in_segment": "vip: {in_segment: vip, yes: mail, no: done}",
    "start_journey": "next: {start_journey: {journey: onboarding, data: {order: {entry: order_id}}}, next: done}",
    "has_done": "paid: {has_done: {event: Instalment Paid, since: entry}, yes: done, no: mail}",
    "check": "has_items: {check: {cart: {items: {gt: 0}}}, yes: mail, no: done}",
    "reachable": "can_push: {reachable: mobile_push, yes: push, no: mail}",
    "message_state": "read: {message_state: {node: mail, state: opened}, yes: done, no: sms}",
    "split": "draw: {split: {weights: {a: 50, b: 50}}, a: mail, b: sms}",
    "parallel": "both: {parallel: [mail, sms], mail: send_mail, sms: send_sms}",
    "join": "met: {join: {}, next: done}",
    "wait": "pause: {wait: 2h, next: mail}",
    "wait_for_slot": 'office: {wait_for_slot: {days: [mon, tue], from: "09:00", to: "17:00"}, next: mail}',
    "wait_for_event": "pause: {wait_for_event: {event: Order Completed, timeout: 2h}, happened: done, timed_out: mail}",
    "wait_for_condition": "rich: {wait_for_condition: {score: {gte: 50}, timeout: 7d}, happened: mail, timed_out: done}",
    "wait_for_date": 'due: {wait_for_date: {attribute: next_due_date, before: 10d, at: "09:00"}, next: mail, passed: done}',
    "end": "done: {end: asked three times}",
}

CONDITION_EXAMPLES = {
    "all": "{all: [{tag: vip}, {known: true}]}",
    "any": "{any: [{tag: vip}, {score: {gte: 50}}]}",
    "not": "{not: {tag: vip}}",
    "event": "{event: Order Completed, count: {gte: 3}, within: 30d, where: {property: total, gt: 50}}",
    "attribute": "{attribute: address.city, is: Berlin}",
    "property": "{property: price, gt: 20}",
    "context": "{context: page.url, contains: /pricing}",
    "compare": "{compare: [{event: Signed In, within: 15d}, lt, {event: Signed In, from: 30d, to: 15d, times: 0.5}]}",
    "inactive": "{inactive: 30d}",
    "cart": "{cart: {items: {gt: 0}}}",
    "recent": "{recent: viewed, where: {property: category, is: Lamps}, count: {gte: 2}, within: 7d}",
    "known": "{known: true}",
    "tag": "{tag: vip}",
    "orders": "{orders: {gte: 3}}",
    "revenue": "{revenue: {gt: 500}}",
    "score": "{score: {gte: 50}}",
    "sessions": "{sessions: {gt: 1}}",
    "first_seen": "{first_seen: {after: {ago: 30d}}}",
    "last_seen": "{last_seen: {before: {ago: 30d}}}",
    "last_order_at": "{last_order_at: {before: {ago: 90d}}}",
    "run_age": "{run_age: {lt: 180d}}",
    "rounds": "{rounds: {lt: 12}}",
    "reachable": "{reachable: email, for: marketing}",
    "consent": "{consent: sms}",
    "topic": "{topic: offers}",
    "sample": "{sample: 10%, salt: autumn}",
    "message": "{message: {template: cart-mail, state: opened, within: 14d}}",
    "near": "{near: {lat: 52.52, lon: 13.405, within: 500m}}",
    "inside": "{inside: shop-berlin}",
    "group": "{group: {attribute: plan, is: enterprise}, id: acme}",
    "segment": "{segment: vip}",
    "stage": "{stage: {at_least: mql}}",
    "rfm": "{rfm: [loyal, champions]}",
    "abc": "{abc: a}",
}


EVENT_EXAMPLES = {
    "between two times ago": "{event: Signed In, from: 30d, to: 15d, count: {gte: 2}}",
    "between two dates (or since the run began: `since: entry`)": "{event: Order Completed, since: 2026-11-01, until: 2026-12-01}",
    "a sum, `avg`, `min` or `max`": "{event: Order Completed, sum: total, gt: 500, within: 90d}",
    "different values": "{event: Product Viewed, distinct: product_id, gte: 5, within: 1d}",
    "one value often": "{event: Product Viewed, per: product_id, count: {gte: 3}, within: 7d}",
    "the first or the last time": "{event: Signed In, last: {before: {ago: 30d}}}",
    "A, then B": "{event: Product Added, within: 30d, then: {event: Order Completed, within: 2h}}",
    "A without B": "{event: Product Added, within: 30d, then_not: {event: Order Completed, within: 2h}}",
    "A, then B, but no C": "{event: Signed Up, then: {event: Demo Booked, then_not: {event: Demo Held, within: 7d}}}",
}
"""What → example. Windows look back 5 years at most; `then_not` comes true when its `within` is over."""


def nodes_page() -> str:
    """docs/reference/nodes.md."""
    lines = [
        "# Node kinds",
        "",
        'Made from the code by `make docs`. Every node may also have `title`, `note` and `timing` (`{delay: 2h}`, `{at: "09:00"}` or',
        '`{slot: {days: [mon, fri], from: "09:00", to: "17:00"}}`): it then acts that much later, in the person\'s zone.',
        "A branch in brackets may stay unconnected.",
        "",
    ]
    for kind in NODES.values():
        doc = (__import__(kind.__module__, fromlist=["x"]).__doc__ or "").split(":", 1)[1].strip()
        lines += [f"## {kind.KIND}", "", " ".join(doc.split()), "", "```yaml", NODE_EXAMPLES[kind.KIND], "```", ""]
        if kind.FIELDS:
            lines += ["| setting | meaning | default |", "|---|---|---|"]
            for name, one in kind.FIELDS.items():
                default = "required" if one.required else "" if one.default in (None, "", {}) else f"`{one.default}`"
                lines.append(f"| `{name}`{' (short form)' if name == kind.SHORT else ''} | {one.doc} | {default} |")
            lines.append("")
        branches = [f"({name})" if name in kind.FALLBACK else name for name in kind.BRANCHES]
        lines += [f"Group: {kind.GROUP}. Branches: {', '.join(branches) or 'none'}.", ""]
    return "\n".join(lines)


def conditions_page() -> str:
    """docs/reference/conditions.md."""
    lines = [
        "# Conditions",
        "",
        "Made from the code by `make docs`. One language for segments, triggers' `where`,",
        "`check`, `wait_for_condition`, exit rules, counts, stages of the funnel (`when`) and `linked`.",
        "A comparison with a missing attribute is false, its negation by `not` is true. Dates and days are the person's own",
        "(attribute `timezone`). Operators: is, is_not, in, not_in, gt, gte, lt, lte, between, contains, starts_with, ends_with, matches, exists,",
        "missing; `ignore_case: true`; for dates before, after, within, anniversary.",
        "",
        "| form | example |",
        "|---|---|",
        *(f"| `{name}` | `{CONDITION_EXAMPLES[name]}` |" for name in FORMS),
        "",
        "What else can be asked of events:",
        "",
        *(f"- {what}: `{example}`" for what, example in EVENT_EXAMPLES.items()),
        "",
    ]
    return "\n".join(lines)


def triggers_page() -> str:
    """docs/reference/triggers.md."""
    examples = {
        "event": "{event: Product Added, where: {property: price, gt: 20}}",
        "attribute_changed": "{attribute_changed: plan, from: trial, to: paid}",
        "score_crossed": "{score_crossed: {below: -100}}",
        "tag_added": "{tag_added: vip}",
        "message_delivered": "{message_delivered: {channel: email}}",
        "message_opened": "{message_opened: {template: cart-mail}}",
        "message_clicked": "{message_clicked: {journey: cart-recovery}}",
        "stage_changed": "{stage_changed: {to: sql}}",
        "segment_entered": "{segment_entered: vip, include_members: true}",
        "segment_exited": "{segment_exited: vip}",
        "in_segment": '{in_segment: vip, schedule: {rrule: "FREQ=WEEKLY;BYDAY=MO", at: "09:00", zone: Europe/Berlin}}',
        "date": '{date: {attribute: birthday, anniversary: true, offset: -7d, at: "09:00"}}',
        "geofence_entered": "{geofence_entered: store-berlin}",
        "geofence_exited": "{geofence_exited: [store-berlin, store-oslo]}",
        "business_event": "{business_event: Price Dropped, linked: {attribute: wishlist, contains: $about}}",
        "api": "api",
        "profiles": "profiles",
        "journey": "journey",
    }
    lines = [
        "# Triggers",
        "",
        "Made from the code by `make docs`. `entry.on` is one trigger or a list. `entry.where` is a condition on the trigger and",
        "the person, `entry.key`",
        "allows one run for each value of a property, `entry.reentry` is always, once, restart or `{after: 7d}`, `entry.concurrency` one or many.",
        "",
        "| trigger | example |",
        "|---|---|",
        *(f"| `{name}` | `{examples[name]}` |" for name in KINDS),
        "",
    ]
    return "\n".join(lines)


def templates_page() -> str:
    """docs/reference/templates.md."""
    lines = [
        "# Message templates",
        "",
        "Made from the code by `make docs`. A template is a YAML document with `id`, `channel` and the texts of that channel; `topic`, `name` and",
        "`translations` (locale → the same texts) may stand in all. Every text is Liquid. E-mail has `mjml` or `html`, `text` is made from it when",
        "it is missing; MJML is compiled and CSS inlined once for each version. What nothing will fill in is reported before a journey is published.",
        "",
        "## Texts of each channel",
        "",
        "| channel | texts |",
        "|---|---|",
        *(f"| `{channel}` | {', '.join(f'`{one}`' for one in texts)} |" for channel, texts in CHANNEL_TEXTS.items()),
        "",
        "## Names that a text may use",
        "",
        "| name | what it holds |",
        "|---|---|",
        *(f"| `{name}` | {what} |" for name, what in ROOTS.items()),
        "",
        "## Filters of our own, by the person's locale and zone",
        "",
        "| filter | what it does |",
        "|---|---|",
        *(
            f"| `{name}` | {' '.join((one.__doc__ or '').split()).replace('|', BAR)} |"
            for name, one in (FILTERS | CATALOGUE).items()
            if name not in ("join", "replace")
        ),
        "",
    ]
    return "\n".join(lines)


PAGES = {
    "nodes.md": nodes_page,
    "conditions.md": conditions_page,
    "triggers.md": triggers_page,
    "templates.md": templates_page,
    **surface.PAGES,
}


def example(form: str) -> tuple[Condition | None, list[Problem]]:
    """The condition of a form's example, parsed."""
    problems: list[Problem] = []
    raw = load(CONDITION_EXAMPLES[form])
    return parse(raw, form, problems, inside=frozenset({"event", "journey"})), problems


if __name__ == "__main__":
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
