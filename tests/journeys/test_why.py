"""A person's path through each of the ten workflows can be followed with `wend why`, and on the plain page (journeys.md rule 11)."""

from __future__ import annotations

import pytest
from tests.journeys.cases import PERSON, Case, cases
from tests.journeys.test_golden import on_the_live_engine

from wend.api.pages.drawing import draw
from wend.core.journey.document import parse
from wend.engine.plans import PlanBook
from wend.reports import journeys
from wend.reports.sentences import sentences
from wend.reports.why import why
from wend.store.postgres import Pool

WORKFLOWS = (
    "app-download",
    "cart-recovery",
    "window-shopper",
    "engagement-score",
    "reactivation",
    "trial-to-paid",
    "payment-reminder",
    "progress-report",
    "recommendation",
    "churn-prevention",
)


def longest(journey: str) -> Case:
    """The case of the workflow in which most happens."""
    return max((case for case in cases() if case.journey == journey), key=lambda case: len(case.expect))


@pytest.mark.parametrize("journey", WORKFLOWS)
async def test_rule_11_the_way_through_a_workflow_is_told_whole(journey: str, pool: Pool) -> None:
    case = longest(journey)
    await on_the_live_engine(case, pool)
    async with pool.connection() as conn:
        answer = await why(conn, PERSON, journey, PlanBook())
        counts = await journeys.counts(conn, journey)
    told = "\n".join(sentences(answer))
    for line in case.expect:
        _, _, kind, *rest = line.split(" ")
        if kind not in ("refused", "dropped", "held", "goal", "ended", "asked"):
            assert rest[0] in told, f"the message {rest[0]} is not told:\n{told}"
        elif kind == "ended":
            assert " ".join(rest) in told, told
    assert "started" in told
    document = parse(case.document, [])
    assert document is not None
    drawing = str(draw(document, counts))
    assert all(f">{id.replace('_', ' ')}" in drawing.lower() or id in drawing for id in document.nodes)
    assert counts.started == sum(run.run != "" for run in answer.runs)
