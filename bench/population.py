"""The people and inputs of the engine's benchmark: made by the core itself, then copied under other numbers.

A few thousand people live through 60 days of shop (`react`, each input at its time, messages accepted and opened), so that
their states hold what states hold: facts, windows, carts, runs at rest, past runs, messages. Copies differ in the profile
id, which has the same length everywhere and is replaced in the packed bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import wend
from wend.content.documents import read
from wend.content.templates import parse_template
from wend.content.variables import variables
from wend.core.effects import Send
from wend.core.inputs import Consent, Event, Feedback, Identify, Input
from wend.core.plan import Plan, PlanChange
from wend.core.profile import Profile, in_full
from wend.core.react import react, wakes_at
from wend.store.codec import decode_state, encode_attributes, encode_input, encode_state

DAY = 86_400_000
HOUR = 3_600_000
LIFE = 60 * DAY
GALLERY = Path(wend.__file__).parent / "templates"
OWN = Path(__file__).parent / "journeys"
GALLERY_JOURNEYS = (
    "app-download",
    "cart-recovery",
    "payment-reminder",
    "trial-welcome",
    "unopened-reminder",
    "win-back",
)
SEGMENTS = Path(__file__).parent / "segments.yaml"
SPREAD = 2_000
SMALLEST_ID = 1 << 60
"""Ids from here on have 16 hexadecimal digits and 19 decimal ones."""


@dataclass(frozen=True, slots=True)
class Template:
    """A person to be copied: packed state, attributes, timer, and where the runs rest (a row of `place` each)."""

    id: int
    state: bytes
    attributes: bytes
    wakes_at: int | None
    places: tuple[tuple[str, str, int, str, int, int, int | None], ...]


def message_documents() -> list[dict[str, Any]]:
    """The gallery's message templates."""
    return [read(path) for path in sorted((GALLERY / "messages").glob("*.yaml"))]


def journeys() -> list[tuple[dict[str, Any], dict[str, list[str]]]]:
    """The ten live journeys, each with what its templates read."""
    read_by: dict[str, set[str]] = {}
    for document in message_documents():
        template, problems = parse_template(document)
        assert template is not None, problems
        read_by[document["id"]] = variables(template)
    found: list[tuple[dict[str, Any], dict[str, list[str]]]] = []
    for path in [*(GALLERY / "journeys" / f"{id}.yaml" for id in GALLERY_JOURNEYS), *sorted(OWN.glob("*.yaml"))]:
        document = read(path)
        sends = [node["send"]["template"] for node in document["nodes"].values() if "send" in node]
        paths = {path for template in sends for path in read_by[template]}
        reads = {
            "entry": [path.split(".")[1] for path in paths if path.startswith("entry.")],
            "event": [path.split(".")[1] for path in paths if path.startswith("event.")],
            "facts": [path for path in paths if path.startswith("recent.")],
        }
        found.append((document, reads))
    return found


def plan_changes(at: int) -> list[PlanChange]:
    """The twenty segments in force and the ten journeys published, at `at`, before anybody is known."""
    changes: list[PlanChange] = []
    for segment in read(SEGMENTS):
        changes.append(PlanChange(len(changes) + 1, at, "segment", segment["id"], 1, segment))
        changes.append(PlanChange(len(changes) + 1, at, "segment_live", segment["id"], 1))
    for document, reads in journeys():
        changes.append(PlanChange(len(changes) + 1, at, "publish", document["id"], 1, document, reads))
    return changes


def plan_of(changes: Sequence[PlanChange]) -> Plan:
    """The plan after `changes`."""
    plan = Plan.empty()
    for change in changes:
        plan = plan.apply(change)
    return plan


# --- what happens in the shop ---

_PATHS = ("/", "/new", "/sale", "/guide/size", "/guide/care", "/account", "/category/shoes", "/category/bags")
_CITIES = ("Berlin", "Amsterdam", "Lyon", "Porto", "Graz")
# Kind → share of all inputs, in percent.
MIX = {"page": 44, "viewed": 21, "added": 10, "ordered": 4, "identify": 6, "feedback": 10, "other": 5}


def happening(chance: Random, kind: str, at: int, number: int) -> Input:
    """An input of `kind` (of MIX, without feedback) at `at`; `number` makes its message id unique."""
    message_id = f"bench-{number:016x}"
    product = chance.randrange(5000)
    goods: dict[str, Any] = {
        "product_id": f"P{product:05}", "name": f"Article number {product}", "category": "shoes", "price": 10 + product % 190,
    }  # fmt: skip
    match kind:
        case "page":
            path = chance.choice(_PATHS)
            page = {"path": path, "title": "Shop", "url": f"https://shop.example{path}", "referrer": ""}
            return Event("Page Viewed", at, page, {"page": {"path": path}}, message_id)
        case "viewed":
            return Event("Product Viewed", at, goods, {}, message_id)
        case "added":
            cart = {**goods, "quantity": chance.randrange(1, 3), "cart_id": f"cart-{chance.randrange(3)}"}
            return Event("Product Added", at, cart, {}, message_id)
        case "ordered":
            order = {
                "order_id": f"O{number}",
                "total": goods["price"],
                "currency": "EUR",
                "products": [{**goods, "quantity": 1}],
            }
            return Event("Order Completed", at, order, {"page": {"path": "/checkout"}}, message_id)
        case "identify":
            traits = {"plan": chance.choice(("free", "plus", "pro")), "city": chance.choice(_CITIES)}
            return Identify(traits, at, message_id=message_id)
        case _:
            name = chance.choice(("Products Searched", "Project Created", "Coupon Applied", "Offer Announced"))
            return Event(
                name, at, {"query": "red shoes", "offer_id": f"offer-{at // DAY}", "title": "Sale"}, {}, message_id
            )


def person(plan: Plan, chance: Random, id: int, now: int, inputs: int, last: tuple[str, int] | None = None) -> Profile:
    """A person of 60 days until about `now`, who did `inputs` things; `last`: (kind, ago in ms) of the very last one."""
    profile = Profile(id, plan=plan.number)
    born = now - LIFE
    hello = Identify(
        {"email": f"p{id}@shop.example", "first_name": "Marieke", "last_name": "van den Berg", "phone": f"+491{id % 10**9:09}",
         "country": "DE", "city": "Berlin", "plan": "free", "locale": "de-DE", "timezone": "Europe/Berlin",
         "signed_up": "2026-06-01", "source": "newsletter", "loyalty": "silver", "address": {"street": "Torstraße 1", "zip": "10119"}},
        born, user_id=f"u{id}",
    )  # fmt: skip
    list_: list[tuple[int, Input]] = [
        (born, hello),
        (born, Consent("subscribed", born, "email")),
        (born, Consent("subscribed", born, "sms")),
    ]
    kinds = [kind for kind in MIX if kind != "feedback"]
    weights = [MIX[kind] for kind in kinds]
    for number in range(inputs):
        at = now - int(chance.random() ** 2 * (LIFE - HOUR)) - HOUR // 10
        list_.append((at, happening(chance, chance.choices(kinds, weights)[0], at, number)))
    if last is not None:
        list_.append((now - last[1], happening(chance, last[0], now - last[1], inputs)))
    for at, input in sorted(list_, key=lambda one: one[0]):
        _catch_up(plan, profile, at, chance)
        _answer(plan, profile, react(plan, profile, input, at).effects, at, chance)
    if last is None:
        _catch_up(plan, profile, now, chance)
    return profile


def _catch_up(plan: Plan, profile: Profile, until: int, chance: Random) -> None:
    due = wakes_at(plan, profile)
    while due is not None and due < until:
        _answer(plan, profile, react(plan, profile, None, due).effects, due, chance)
        due = wakes_at(plan, profile)


def _answer(plan: Plan, profile: Profile, effects: Sequence[Any], at: int, chance: Random) -> None:
    """Messages are accepted a moment later, and some of them opened."""
    for send in [effect for effect in effects if isinstance(effect, Send)]:
        for state in ("accepted", "opened")[: 1 + (chance.random() < 0.3)]:
            _answer(
                plan, profile, react(plan, profile, feedback_of(send, state, at + 50), at + 50).effects, at + 50, chance
            )


def feedback_of(send: Send, state: Any, at: int) -> Feedback:
    """What the sender would tell of `send`."""
    return Feedback(
        send.id, state, at, send.run, send.move, send.journey, send.node, send.channel, send.template, send.to
    )


def templates(
    plan: Plan, count: int, now: int, *, last: tuple[str, int] | None = None, seed: int = 7
) -> Iterator[Template]:
    """`count` people to be copied. With `last` everybody does that thing last, so long (and up to SPREAD more) ago."""
    chance = Random(seed)
    for _ in range(count):
        id = random_id(chance)
        ends = None if last is None else (last[0], last[1] + chance.randrange(SPREAD))
        profile = person(plan, chance, id, now, 4 + int(chance.expovariate(1 / 8)), ends)
        places = tuple(
            (run.id, run.journey, run.version, run.node, run.started, run.entered, run.until) for run in profile.runs
        )
        yield Template(
            id, encode_state(profile), encode_attributes(profile.attributes), wakes_at(plan, profile), places
        )


def random_id(chance: Random) -> int:
    """A profile id of full length."""
    return chance.randrange(SMALLEST_ID, 1 << 63)


def copy_of(template: Template, id: int) -> tuple[bytes, bytes]:
    """State and attributes of the template's twin with number `id`."""
    state = template.state.replace(b"%x" % template.id, b"%x" % id)
    return state, template.attributes.replace(b"%d" % template.id, b"%d" % id)


def inputs(chance: Random, people: Sequence[tuple[int, Template]], count: int, now: int) -> Iterator[tuple[int, Input]]:
    """(profile id, input): `count` of the usual mix, of people taken at random, all at about `now`."""
    kinds, weights = list(MIX), list(MIX.values())
    for number, kind in enumerate(chance.choices(kinds, weights, k=count)):
        id, template = people[chance.randrange(len(people))]
        input = None
        if kind == "feedback":
            input = _feedback(chance, id, template, now)
        yield (
            id,
            input or happening(chance, "page" if kind == "feedback" else kind, now - chance.randrange(5000), number),
        )


def _feedback(chance: Random, id: int, template: Template, now: int) -> Feedback | None:
    """The delivery of the last message of some run of the person's, of those that are remembered; None: there is none."""
    profile = decode_state(id, template.state)
    if not profile.messages:
        if not profile.past:
            return None
        journey, records = chance.choice(list(profile.past.items()))
        run = in_full(records[-1][4], id)
        return Feedback(
            f"{run}.1", "delivered", now, run, 1, journey, "mail", "email", "cart-mail", f"p{id}@shop.example"
        )
    effect, journey, node, channel, name, *_ = chance.choice(profile.messages)
    run, _, move = effect.replace(f"{template.id:x}", f"{id:x}").rpartition(".")
    return Feedback(
        f"{run}.{move}", "delivered", now, run, int(move), journey, node, channel, name, f"p{id}@shop.example"
    )


def encoded(input: Input) -> tuple[str, bytes, str]:
    """Kind, payload and message id of an input."""
    return input.KIND, encode_input(input), getattr(input, "message_id", "")
