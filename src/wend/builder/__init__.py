"""Journeys drawn in Python: `from wend import Journey, event`. They make the same document as YAML, the canvas and the API.

journey = Journey("trial-to-paid", name="Trial to paid", on=event("Trial Started"), reentry="once")
pause = journey.wait_for_event("pause", event="Subscription Purchased", timeout="7d")
offer = journey.send("offer", channel="email", template="upsell")
done = journey.end("done")
pause.to(happened=done, timed_out=offer)
offer.to(next=done)
journey.save("journeys/trial-to-paid.yaml")
"""

from wend.builder.drawing import Journey, Placed, event
from wend.builder.source import to_python

__all__ = ("Journey", "Placed", "event", "to_python")
