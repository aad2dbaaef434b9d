"""How a command says that it cannot do what was asked."""

from __future__ import annotations


class UserError(Exception):
    """Something that the caller can mend: printed as `error: where: what; what to do`, exit code 1.

    `where` names the file, option, node or address; `todo` may be empty when `what` already says it.
    """

    def __init__(self, where: str, what: str, todo: str = "") -> None:
        self.where, self.what, self.todo = where, what, todo
        super().__init__(str(self))

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"; {self.todo}" if self.todo else "")


class Several(Exception):
    """Many mistakes found at once, for instance in a journey document; each line already names its place."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines
