"""Regular expressions that cannot be slow (engine.md 28): for `matches`.

Refused: repeats of what has quantifiers or alternatives, look-around, back-references, more than two repeats of unknown
length (three when '^' fixes the beginning), more than three optional parts. The rest is at worst cubic in values that are cut
to `VALUE_LIMIT` characters.
"""

from __future__ import annotations

import re

PATTERN_LIMIT = 200
VALUE_LIMIT = 150
_REPEATS = 2
_OPTIONAL = 3
_COUNTED = re.compile(r"\{([0-9]{0,3})(,?)([0-9]{0,3})\}")


def compile_pattern(pattern: str, *, ignore_case: bool) -> re.Pattern[str]:
    """The pattern, ready to be searched. Raises ValueError when it is wrong or might be slow."""
    if len(pattern) > PATTERN_LIMIT:
        raise ValueError(f"the pattern has {len(pattern)} characters; {PATTERN_LIMIT} are allowed")
    _Scan(pattern).run()
    try:
        return re.compile(pattern, re.IGNORECASE if ignore_case else 0)
    except (re.error, OverflowError) as wrong:
        raise ValueError(f"not a regular expression: {wrong}") from None


class _Scan:
    """One pass over the pattern. `groups` holds, for each open group, whether it contains a quantifier or alternatives."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0
        self.groups: list[bool] = [False]
        self.repeats = 0
        self.optional = 0
        self.anchored = pattern.startswith("^")

    def run(self) -> None:
        last_is_risky = False
        while self.at < len(self.pattern):
            char = self.pattern[self.at]
            quantifier = self._quantifier()
            if quantifier is not None:
                self._count(quantifier, last_is_risky)
                last_is_risky = False
                continue
            self.at += 1
            last_is_risky = False
            if char == "\\":
                self._escape()
            elif char == "[":
                self._class()
            elif char == "(":
                self._open()
            elif char == ")" and len(self.groups) > 1:
                last_is_risky = self.groups.pop()
                self.groups[-1] |= last_is_risky
            elif char == "|":
                self.groups[-1] = True
                # '^' belongs to the first alternative only.
                self.anchored &= len(self.groups) > 1
        if self.repeats > _REPEATS + self.anchored:
            raise ValueError(f"more than {_REPEATS} repeats of unknown length (3 after a '^') can take for ever")
        if self.optional > _OPTIONAL:
            raise ValueError(f"more than {_OPTIONAL} optional parts can take for ever")

    def _quantifier(self) -> tuple[int, int | None] | None:
        """(least, most) of the quantifier here, passed over with its '?' or '+'; None when there is none."""
        char = self.pattern[self.at]
        if char in "*+?":
            found = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
            self.at += 1
        else:
            counted = _COUNTED.match(self.pattern, self.at)
            if counted is None or not (counted[1] or counted[3]):
                return None
            least = int(counted[1] or 0)
            found = (least, (int(counted[3]) if counted[3] else None) if counted[2] else least)
            self.at = counted.end()
        if self.pattern[self.at : self.at + 1] in ("?", "+"):
            self.at += 1
        return found

    def _count(self, quantifier: tuple[int, int | None], risky: bool) -> None:
        least, most = quantifier
        if risky and most != 1:
            raise ValueError(
                "a repeated group that itself repeats or has alternatives can take for ever; rewrite it without"
            )
        self.groups[-1] = True
        if most is None or most > max(least, 1):
            self.repeats += 1
        elif most > least:
            self.optional += 1

    def _escape(self) -> None:
        if self.pattern[self.at : self.at + 1].isdigit():
            raise ValueError("references to groups (\\1) are not allowed")
        self.at += 1

    def _class(self) -> None:
        start = self.at
        if self.pattern[self.at : self.at + 1] == "^":
            self.at += 1
        first = self.at
        while self.at < len(self.pattern) and (self.pattern[self.at] != "]" or self.at == first):
            self.at += 2 if self.pattern[self.at] == "\\" else 1
        inside = self.pattern[start : self.at]
        self.at += 1
        # Python warns that these may one day mean sets.
        if re.search(r"(?<!\\)\[|--|&&|~~|\|\|", inside):
            raise ValueError("inside [ ] write '[' as '\\[', and no '--', '&&', '~~' or '||'")

    def _open(self) -> None:
        if self.pattern[self.at : self.at + 1] == "?":
            if self.pattern[self.at : self.at + 2] != "?:":
                raise ValueError("of the groups beginning with '(?' only '(?:' is allowed")
            self.at += 2
        self.groups.append(False)
