"""`message_state`: what became of a message that this run sent earlier. A later state proves the earlier ones (clicked: opened)."""

from __future__ import annotations

from wend.core.condition.message import PROOFS
from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, Field, choice

STATES = ("sent", "delivered", "opened", "clicked", "failed", "replied")


class MessageState(Node):
    KIND = "message_state"
    GROUP = "condition"
    FIELDS = {
        "node": Field(TEXT, "The send node", required=True),
        "state": Field(choice(*STATES), "The state asked for", required=True),
    }
    BRANCHES = ("yes", "no")

    def enter(self, turn: Turn) -> Answer:
        node, state = self.settings["node"], self.settings["state"]
        sent = turn.sent(node)
        if sent is None:
            return Go("no", f"{node} has sent nothing")
        states = set(sent[2:])
        return Go(
            "no" if PROOFS[state].isdisjoint(states) else "yes",
            f"{node}: {', '.join(sorted(states)) or 'no answer yet'}",
        )

    def summary(self) -> str:
        return f"Was {self.settings['node']} {self.settings['state']}?"
