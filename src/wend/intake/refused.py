"""The refusal of one item: the rest of its batch is taken."""

from __future__ import annotations


class Refused(Exception):
    """One item cannot be taken. `code` is for programs, `message` for people; both go into answer and dead letter."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
