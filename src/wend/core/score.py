"""The engagement score of a person: one number, moved by journeys."""

from __future__ import annotations

from wend.core.profile import Profile

LIMIT = 1_000_000_000.0


def adjust_score(profile: Profile, by: float) -> tuple[float, float]:
    """Add `by` (may be negative) and return (old, new); the score stays within ± 10^9. NaN raises ValueError."""
    if by != by:
        raise ValueError("a score cannot be adjusted by something that is not a number")
    old = profile.score
    # Six decimals are kept, so that 0.1 + 0.2 − 0.3 is 0 again and a threshold is met when it looks met.
    profile.score = round(min(max(old + by, -LIMIT), LIMIT), 6)
    return old, profile.score
