"""May this person be written to on this channel, and where: consent, suppression, addresses.

Rules: marketing needs a recorded yes for the channel and no recorded no for the channel or topic; a no is never overwritten
by an older yes. Suppression stops everything, transactional messages too. Another contact of the person (`to: parent_phone`)
has its own consent, recorded as `sms:parent_phone`, and its own suppression. Everything kept here is bounded.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from wend.core.attributes import get
from wend.core.inputs import Consent, Feedback, Suppress
from wend.core.profile import Profile

CHANNELS = (
    "email",
    "sms",
    "whatsapp",
    "mobile_push",
    "web_push",
    "in_app",
    "overlay",
    "survey",
    "webhook",
    "alert",
)
"""The closed list of channels."""

IMPLICIT = frozenset({"in_app", "overlay", "webhook", "alert"})
"""Channels that need no recorded yes (but hear a recorded no)."""

PUSH = frozenset({"mobile_push", "web_push"})
YES = frozenset({"opted_in", "subscribed"})

For = Literal["marketing", "transactional", "address"]

SOFT_LIMIT = 5
"""That many soft bounces in a row suppress an address."""
MAX_ENTRIES = 50
"""Consents, topics and suppressions kept for one person, each."""

_SOFT = "soft:"
_ATTRIBUTE = {"email": "email", "sms": "phone", "whatsapp": "phone"}
_EMAIL = re.compile(
    r"(?!\.)(?!.*\.\.)(?!.*\.@)[^\s@\"(),:;<>\[\]\\\x00-\x1f\x7f\ud800-\udfff]{1,64}"
    r"@(?:(?!-)[\w-]{1,63}(?<!-)\.)+(?!-)(?![0-9]+$)[\w-]{2,63}(?<!-)"
)
_PHONE = re.compile(r"\+?[0-9]{7,15}")
_SEPARATORS = re.compile(r"[\s().\-/]")
# A state after which soft bounces are counted from zero again: something did arrive.
_ARRIVED = frozenset({"delivered", "opened", "clicked", "replied"})


def address_of(profile: Profile, channel: str, to: str | None = None) -> str | None:
    """Where `channel` finds the person: e-mail address, phone number (+digits), newest device token, else the profile id.

    `to` names the attribute of another contact. None: there is none, or it is no valid address (`reachable` says which).
    """
    return _address(profile, channel, to)[0]


def _address(profile: Profile, channel: str, to: str | None) -> tuple[str | None, str]:
    """(address or None, why not)."""
    if channel in PUSH:
        tokens = profile.devices.get(channel)
        if not tokens:
            return None, f"no device for {channel}"
        return max(tokens, key=lambda token: (tokens[token], token)), ""
    name = _ATTRIBUTE.get(channel)
    if name is None:
        return str(profile.id), ""
    raw = get(profile.attributes, to or name)
    if raw is None or raw == "":
        return None, f"no attribute '{to or name}'"
    address = _email(raw) if channel == "email" else _phone(raw)
    if address is None:
        return (
            None,
            f"attribute '{to or name}' is not a valid {'e-mail address' if channel == 'email' else 'phone number'}",
        )
    return address, ""


def _email(raw: Any) -> str | None:
    if not isinstance(raw, str):
        return None
    address = raw.strip()
    return address if len(address) <= 254 and _EMAIL.fullmatch(address) else None


def _phone(raw: Any) -> str | None:
    # Spreadsheets turn phone numbers into numbers.
    text = str(raw) if isinstance(raw, int) and abs(raw) < 10**16 else raw
    if not isinstance(text, str) or len(text) > 40:
        return None
    digits = _SEPARATORS.sub("", text)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if _PHONE.fullmatch(digits) else None


def suppression_of(profile: Profile, channel: str, address: str | None) -> str | None:
    """The reason why nothing may be sent to `address` on `channel`; None when it may."""
    suppressed = profile.suppressed
    if not suppressed:
        return None
    reason = suppressed.get("*") or suppressed.get(channel)
    if reason is None and address is not None:
        reason = suppressed.get(_key(channel, address)) or suppressed.get(_key("*", address))
    return reason


def consent_problem(profile: Profile, channel: str, topic: str = "", to: str | None = None) -> str:
    """Why a marketing message may not go out; '' when consent is recorded (or not needed)."""
    if topic:
        kept = profile.topics.get(topic)
        if kept is not None and kept[0] == "unsubscribed":
            return f"unsubscribed from topic {topic}"
    name = f"{channel}:{to}" if to and channel in _ATTRIBUTE else channel
    kept = profile.consent.get(name)
    if kept is None:
        return "" if channel in IMPLICIT else f"no consent for {name}"
    return "" if kept[0] in YES else f"unsubscribed from {name}"


def reachable(
    profile: Profile, channel: str, for_: For | str = "marketing", topic: str = "", to: str | None = None
) -> tuple[bool, str]:
    """Whether the person can be reached on `channel`, and why (not).

    `for_`: 'address' asks only for a valid address or token; 'transactional' also that it is not suppressed;
    'marketing' also for consent (with `topic`: to that topic).
    """
    address, why = _address(profile, channel, to)
    if address is None:
        return False, why
    if for_ == "address":
        return True, f"{channel} address exists"
    reason = suppression_of(profile, channel, address)
    if reason is not None:
        return False, f"suppressed: {reason}"
    if for_ == "marketing":
        why = consent_problem(profile, channel, topic, to)
        if why:
            return False, why
    return True, f"reachable by {channel}"


def apply_consent(profile: Profile, consent: Consent) -> set[str]:
    """Record a yes or no; names of the facts that changed ('consent', 'topics').

    With channel and topic, a no means only the topic (leaving offers does not leave the newsletter), a yes means both.
    """
    changed: set[str] = set()
    if consent.topic and _record(profile.topics, consent.topic, consent.state, consent.at):
        changed.add("topics")
    whole_channel = consent.channel and not (consent.topic and consent.state == "unsubscribed")
    if whole_channel and _record(profile.consent, consent.channel, consent.state, consent.at):
        changed.add("consent")
    return changed


def _record(kept: dict[str, list[Any]], name: str, state: str, at: int) -> bool:
    old = kept.get(name)
    if old is not None and (at < old[1] or old[0] == state):
        return False
    if old is None and len(kept) >= MAX_ENTRIES:
        # A yes is the one to forget: without it nothing is sent. A no is only forgotten when there are nothing but noes.
        spare = next((other for other in kept if kept[other][0] in YES), next(iter(kept)))
        del kept[spare]
    kept[name] = [state, at]
    return True


def apply_suppress(profile: Profile, suppress: Suppress) -> set[str]:
    """Suppress, or lift a suppression: an address, a channel, or (neither given) everything. {'suppressed'} if it changed.

    Lifting a channel also lifts its addresses; lifting everything leaves nothing suppressed.
    """
    if not suppress.lift:
        if suppress.address:
            return _suppress(profile, _key(suppress.channel or "*", suppress.address), suppress.reason)
        return _suppress(profile, suppress.channel or "*", suppress.reason)
    before = len(profile.suppressed)
    if suppress.address:
        gone = {_key(suppress.channel or "*", suppress.address), _SOFT + _key(suppress.channel, suppress.address)}
        if not suppress.channel:
            gone |= {prefix + _key(channel, suppress.address) for channel in CHANNELS for prefix in ("", _SOFT)}
        for key in gone:
            profile.suppressed.pop(key, None)
    elif suppress.channel:
        start = (suppress.channel, f"{suppress.channel}:", f"{_SOFT}{suppress.channel}:")
        for key in [key for key in profile.suppressed if key == start[0] or key.startswith(start[1:])]:
            del profile.suppressed[key]
    else:
        profile.suppressed.clear()
    return {"suppressed"} if len(profile.suppressed) != before else set()


def apply_feedback(profile: Profile, feedback: Feedback) -> set[str]:
    """What a message's fate says about address and consent; names of the facts that changed.

    bounced: the address is suppressed (a push token is forgotten) · soft_bounced: so at the 5th in a row ·
    complained: suppressed and unsubscribed from the channel · unsubscribed: from the channel.
    Soft bounces are counted in `suppressed` under 'soft:channel:address', where no look-up finds them.
    """
    channel, state = feedback.channel, feedback.state
    address = feedback.address or address_of(profile, channel)
    changed: set[str] = set()
    if state in ("complained", "unsubscribed"):
        changed |= apply_consent(profile, Consent("unsubscribed", feedback.at, channel))
    if address is None:
        return changed
    soft = _SOFT + _key(channel, address)
    if state == "soft_bounced":
        times = int(profile.suppressed.pop(soft, "0")) + 1
        if times >= SOFT_LIMIT:
            return _dead(profile, channel, address, "soft_bounced")
        # Not a suppression yet: nothing that a condition reads has changed.
        _suppress(profile, soft, str(times))
    elif state in ("bounced", "complained"):
        profile.suppressed.pop(soft, None)
        changed |= _dead(profile, channel, address, state)
    elif state in _ARRIVED:
        profile.suppressed.pop(soft, None)
    return changed


def _dead(profile: Profile, channel: str, address: str, reason: str) -> set[str]:
    if channel not in PUSH:
        return _suppress(profile, _key(channel, address), reason)
    tokens = profile.devices.get(channel, {})
    if address not in tokens:
        return set()
    profile.devices[channel] = {token: seen for token, seen in tokens.items() if token != address}
    return {"devices"}


def _suppress(profile: Profile, key: str, reason: str) -> set[str]:
    kept = profile.suppressed
    if key in kept:
        return set()
    if len(kept) >= MAX_ENTRIES:
        # Counters first, then the oldest single address: whole channels and '*' stay.
        spare = next((k for k in kept if k.startswith(_SOFT)), next((k for k in kept if ":" in k), next(iter(kept))))
        del kept[spare]
    kept[key] = reason[:100]
    return {"suppressed"}


def _key(channel: str, address: str) -> str:
    """The key of one address: letter case of e-mail addresses does not matter in practice."""
    return f"{channel}:{address.strip().lower() if '@' in address else address.strip()}"
