"""Tags of a person: a small set of words, kept in the order they were given."""

from __future__ import annotations

from wend.core.profile import Profile

MAX_TAGS = 100
MAX_LENGTH = 100


def add_tag(profile: Profile, tag: str) -> bool:
    """Give the tag; whether anything changed. Beyond 100 tags, or for an empty or overlong one, raises ValueError."""
    if not 0 < len(tag) <= MAX_LENGTH:
        raise ValueError(f"a tag has 1 to {MAX_LENGTH} characters, this one {len(tag)}")
    if tag in profile.tags:
        return False
    if len(profile.tags) >= MAX_TAGS:
        raise ValueError(f"the person has {MAX_TAGS} tags already, which is the most allowed; '{tag}' was not added")
    profile.tags = [*profile.tags, tag]
    return True


def remove_tag(profile: Profile, tag: str) -> bool:
    """Take the tag away; whether anything changed."""
    if tag not in profile.tags:
        return False
    profile.tags = [other for other in profile.tags if other != tag]
    return True
