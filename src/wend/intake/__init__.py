"""The one door (intake.md): everything that becomes known enters as an input of a person's log.

`Intake` stands behind all ways in; `tracking.tracking_app` is its HTTP face (Segment spec, REST), `files` the imports.
Accepted means durable: the answer is sent after the commit, and nothing accepted is ever lost.
"""

from wend.intake.door import Intake
from wend.intake.limits import Limits
from wend.intake.tracking import owns, tracking_app

__all__ = ["Intake", "Limits", "owns", "tracking_app"]
