"""`message_state`: what became of a message that this run sent earlier."""

from __future__ import annotations

from wend.core.journey.contract import Answer, Go, Node, Turn
from wend.core.journey.fields import TEXT, Field, choice

STATES = ("accepted", "delivered", "opened", "clicked", "failed", "replied")
_MEANT = {
    "accepted": {"accepted", "delivered", "opened", "clicked", "replied"},
    "delivered": {"delivered", "opened", "clicked", "replied"},
    "opened": {"opened", "clicked", "replied"},
    "failed": {"refused", "bounced", "dropped"},
}
"""What a later state proves: a clicked message was opened, an opened one was delivered."""


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
        sent = turn.run.sends.get(node)
        if sent is None:
            return Go("no", f"{node} has sent nothing")
        states = set(sent[2:])
        return Go(
            "yes" if states & _MEANT.get(state, {state}) else "no",
            f"{node}: {', '.join(sorted(states)) or 'no answer yet'}",
        )

    def summary(self) -> str:
        return f"Was {self.settings['node']} {self.settings['state']}?"
