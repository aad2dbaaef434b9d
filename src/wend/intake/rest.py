"""REST in the style of WebEngage: `/v1/accounts/{id}/{users,bulk-users,events,bulk-events}`, on the same functions.

Rules: `Authorization: Bearer KEY`. Any key may post; consent (`emailOptIn`, `smsOptIn`, `whatsappOptIn`) only an API key
with scope write, since a write key may stand in a web page (channels.md). `{id}` is not looked at: a key belongs to one
workspace. Answers 201 like the original; a bulk call takes the good ones and lists the others, like a batch.
"""

from __future__ import annotations

from typing import Any, Final, cast

from wend.content.catalogue.replenishment import EVENT
from wend.core.inputs import Consent, Event, Identify, Input
from wend.intake import answers
from wend.intake.answers import Answer
from wend.intake.body import BadBody, read_object, unpack
from wend.intake.dead_letters import DeadLetter, letter
from wend.intake.door import Intake
from wend.intake.identifiers import identifier
from wend.intake.instants import instant
from wend.intake.items import Entry, Message, check_numbers, check_traits, check_value, entry, read_name
from wend.intake.refused import Refused
from wend.intake.request import Request
from wend.store.codec import encode_json
from wend.store.keys import Key

CONSENT_SCOPES: Final = frozenset({"write", "admin"})
_CONSENT: Final = {"emailOptIn": "email", "smsOptIn": "sms", "whatsappOptIn": "whatsapp"}
_BULK: Final = {"users": None, "events": None, "bulk-users": "users", "bulk-events": "events"}
_NOT_TRAITS: Final = frozenset({"userId", "anonymousId", "attributes", *_CONSENT})


class Rest:
    """Answers requests below `/v1/accounts/`."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def answer(self, request: Request) -> Answer:
        """The answer to one request. Raises BadBody, and what Intake raises."""
        what = request.path.rpartition("/")[2]
        if what not in _BULK or request.path.count("/") != 4:
            return answers.error(
                404, "not_found", f"There is nothing at {request.path[:100]!r}; known are {', '.join(_BULK)}."
            )
        if request.method != "POST":
            return answers.error(405, "wrong_method", "Use POST here.")
        data = await request.body(self._intake.limits)
        key = await self._intake.key(request.bearer() or request.basic_user())
        if key is None:
            return answers.error(401, "unknown_key", "Send `Authorization: Bearer` with a key that is in force.")
        limits = self._intake.limits
        try:
            body, _ = read_object(unpack(data, limits.body_bytes), limits.depth + 2)
            bulk = _BULK[what]
            items: Any = [body] if bulk is None else body.get(bulk)
            if type(items) is not list:
                raise BadBody(400, "invalid_body", f"{bulk!r} must be a list.")
            if len(cast("list[Any]", items)) > limits.batch_items:
                raise BadBody(400, "too_many_items", f"At most {limits.batch_items} items are allowed.")
        except BadBody as error:
            await self._intake.take([], [letter(request.path, error.code, error.message, data)])
            raise
        return await self._take(request, key, what, cast("list[Any]", items), single=bulk is None)

    async def _take(self, request: Request, key: Key, what: str, items: list[Any], *, single: bool) -> Answer:
        self._intake.groups.check()
        read = self._user if what.endswith("users") else self._event
        messages: list[Message] = []
        rejected: list[dict[str, Any]] = []
        letters: list[DeadLetter] = []
        for index, item in enumerate(items):
            try:
                messages.append(read(item, key))
            except Refused as refused:
                rejected.append({"index": index, "code": refused.code, "message": refused.message})
                letters.append(letter(request.path, refused.code, refused.message, encode_json(item)))
        late = await self._intake.take(messages, letters)
        if late:
            raise BadBody(400, "refused_by_store", f"The database refused {len(late)} of the items.")
        if single and rejected:
            return answers.error(400, rejected[0]["code"], rejected[0]["message"])
        content: dict[str, Any] = {"response": {"status": "queued"}}
        return answers.json({**content, "rejected": rejected} if rejected else content, 201)

    def _checked(self, item: Any) -> dict[str, Any]:
        limits = self._intake.limits
        if type(item) is not dict:
            raise Refused("invalid_item", "The item is not a JSON object.")
        check_value(item, limits.depth)
        check_numbers(item)
        if len(encode_json(item)) > limits.item_bytes:
            raise Refused("item_too_large", f"The item has more than {limits.item_bytes} bytes.")
        return cast("dict[str, Any]", item)

    def _who(self, item: dict[str, Any]) -> tuple[str | None, str | None]:
        longest = self._intake.limits.id_chars
        user = identifier(item.get("userId"), "userId", longest)
        anonymous = identifier(item.get("anonymousId"), "anonymousId", longest)
        if user is None and anonymous is None:
            raise Refused("no_user_anon_id", "The item has neither userId nor anonymousId.")
        return user, anonymous

    def _user(self, raw: Any, key: Key) -> Message:
        item = self._checked(raw)
        user, anonymous = self._who(item)
        now = self._intake.clock.now_ms()
        more = item.get("attributes")
        if more is not None and type(more) is not dict:
            raise Refused("invalid_attributes", "attributes must be an object.")
        traits = {name: value for name, value in item.items() if name not in _NOT_TRAITS} | cast(
            "dict[str, Any]", more or {}
        )
        lookups = check_traits(traits)
        made: list[Input] = [Identify(traits, now, user_id=user, anonymous_id=anonymous)]
        for field, channel in _CONSENT.items():
            value = item.get(field)
            if value is None:
                continue
            if type(value) is not bool:
                raise Refused("invalid_consent", f"{field} must be true or false.")
            if key.kind != "api" or not key.scopes & CONSENT_SCOPES:
                raise Refused("consent_not_allowed", f"{field}: only an API key with scope write can set consent.")
            made.append(Consent("subscribed" if value else "unsubscribed", now, channel, source=f"api key {key.id}"))
        entries: tuple[Entry, ...] = tuple(entry(one, "") for one in made)
        return Message(user, anonymous, now, entries, lookups=lookups, introduces=True)

    def _event(self, raw: Any, key: Key) -> Message:
        del key
        item = self._checked(raw)
        user, anonymous = self._who(item)
        now = self._intake.clock.now_ms()
        name = read_name(item.get("eventName"), "eventName", self._intake.limits)
        data = item.get("eventData")
        if data is not None and type(data) is not dict:
            raise Refused("invalid_properties", "eventData must be an object.")
        properties = cast("dict[str, Any]", data or {})
        if name == EVENT:
            properties = self._intake.replenishment.told(properties)
        happened = instant(item.get("eventTime"), "eventTime")
        at = now if happened is None else min(happened, now)
        context: dict[str, Any] = {}
        self._intake.places.put("track", name, properties, context)
        return Message(user, anonymous, at, (entry(Event(name, at, properties, context), ""),))
