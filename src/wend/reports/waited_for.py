"""What a trigger waits for, in words, and how the person stands to it today: for people whom it never reached."""

from __future__ import annotations

from wend.core.attributes import get
from wend.core.condition.member import key_of
from wend.core.journey.triggers import Trigger
from wend.core.journey.triggers.business import OnBusiness
from wend.core.journey.triggers.dates import OnDate
from wend.core.journey.triggers.deeds import OnAttribute, OnEvent, OnMessage, OnScore, OnStage, OnTag
from wend.core.journey.triggers.members import OnSegment
from wend.core.journey.triggers.places import OnFence
from wend.core.journey.triggers.schedule import OnInSegment, OnRule, Scheduled
from wend.core.journey.triggers.started import OnStart
from wend.core.problems import shown
from wend.core.profile import Profile

_BY = {"api": "a call (api)", "profiles": "a list of people", "journey": "another journey"}


def described(trigger: Trigger) -> str:
    """What it waits for."""
    match trigger:
        case OnEvent():
            return "event " + " or ".join(sorted(trigger.pattern.names))
        case OnBusiness():
            return "business event " + " or ".join(sorted(trigger.pattern.names))
        case OnAttribute():
            return f"change of attribute {trigger.path}"
        case OnScore():
            return f"score above {trigger.above:g}" if trigger.above is not None else f"score below {trigger.below:g}"
        case OnTag():
            return f"tag {trigger.tag}"
        case OnStage():
            return f"stage {trigger.new}" if trigger.new else "change of stage"
        case OnMessage():
            return f"message {trigger.state}"
        case OnSegment():
            return f"{'entering' if trigger.entered else 'leaving'} segment {trigger.segment}"
        case OnFence():
            return f"{'entering' if trigger.entered else 'leaving'} geofence {' or '.join(trigger.fences)}"
        case OnInSegment():
            return f"schedule for everybody in segment {trigger.segment}"
        case OnRule():
            return "schedule"
        case OnDate():
            return f"date in attribute {trigger.path}"
        case OnStart():
            return f"start by {_BY.get(trigger.trigger, trigger.trigger)}"
        case _:
            return trigger.KIND


def standing(trigger: Trigger, profile: Profile) -> str:
    """How the person stands to it today; '': there is nothing to say."""
    match trigger:
        case OnAttribute() | OnDate():
            value = get(profile.attributes, trigger.path)
            return (
                f"the attribute is {shown(value)} today" if value is not None else "they have no such attribute today"
            )
        case OnScore():
            return f"their score is {profile.score:g} today"
        case OnTag():
            return "they carry it today" if trigger.tag in profile.tags else "they do not carry it today"
        case OnStage():
            return f"they are at stage {profile.stage} today" if profile.stage else "they have reached no stage yet"
        case OnSegment() | OnInSegment():
            inside = key_of(trigger.segment) in profile.segments
            return "they are in it today" if inside else "they are not in it today"
        case OnFence():
            inside = [one for one in trigger.fences if one in profile.fences]
            return f"they are inside {' and '.join(inside)} today" if inside else "they are outside today"
        case _:
            return ""


def told_in_chunks(trigger: Trigger) -> bool:
    """Whether it goes to everybody at once, so that nothing of it stands in the person's own log."""
    return isinstance(trigger, Scheduled | OnBusiness)
