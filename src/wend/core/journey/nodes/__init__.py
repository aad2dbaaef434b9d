"""One file per node kind. Adding a kind: one file here, one line in the list below."""

from wend.core.journey.contract import Node
from wend.core.journey.nodes.add_tag import AddTag
from wend.core.journey.nodes.adjust_score import AdjustScore
from wend.core.journey.nodes.alert import Alert
from wend.core.journey.nodes.assign_owner import AssignOwner
from wend.core.journey.nodes.call_api import CallApi
from wend.core.journey.nodes.check import Check
from wend.core.journey.nodes.emit import Emit
from wend.core.journey.nodes.end import EndNode
from wend.core.journey.nodes.has_done import HasDone
from wend.core.journey.nodes.in_segment import InSegment
from wend.core.journey.nodes.issue_coupon import IssueCoupon
from wend.core.journey.nodes.join import Join
from wend.core.journey.nodes.list_add import ListAdd
from wend.core.journey.nodes.list_remove import ListRemove
from wend.core.journey.nodes.message_state import MessageState
from wend.core.journey.nodes.move_stage import MoveStage
from wend.core.journey.nodes.parallel import Parallel
from wend.core.journey.nodes.reachable import Reachable
from wend.core.journey.nodes.remove_tag import RemoveTag
from wend.core.journey.nodes.send import Send
from wend.core.journey.nodes.set_attribute import SetAttribute
from wend.core.journey.nodes.set_subscription import SetSubscription
from wend.core.journey.nodes.split import Split
from wend.core.journey.nodes.start_journey import StartJourney
from wend.core.journey.nodes.suppress import Suppress
from wend.core.journey.nodes.survey import Survey
from wend.core.journey.nodes.sync_audience import SyncAudience
from wend.core.journey.nodes.wait import Wait
from wend.core.journey.nodes.wait_for_condition import WaitForCondition
from wend.core.journey.nodes.wait_for_date import WaitForDate
from wend.core.journey.nodes.wait_for_event import WaitForEvent
from wend.core.journey.nodes.wait_for_slot import WaitForSlot

_ALL: tuple[type[Node], ...] = (
    Send,
    Survey,
    SetAttribute,
    AdjustScore,
    AddTag,
    RemoveTag,
    MoveStage,
    AssignOwner,
    ListAdd,
    ListRemove,
    SetSubscription,
    Suppress,
    Alert,
    CallApi,
    IssueCoupon,
    SyncAudience,
    Emit,
    StartJourney,
    InSegment,
    HasDone,
    Check,
    Reachable,
    MessageState,
    Split,
    Parallel,
    Join,
    Wait,
    WaitForSlot,
    WaitForEvent,
    WaitForCondition,
    WaitForDate,
    EndNode,
)

NODES: dict[str, type[Node]] = {node.KIND: node for node in _ALL}
"""kind → class."""
