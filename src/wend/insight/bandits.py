"""Weights of splits that optimise for their journey's goal, by Thompson sampling: an arm's weight is how likely it is the best one.

Of each arm the counters know how many took it and how many of them came to the goal (`moved:<arm>`, `goal:<arm>` at the split).
Its rate is a Beta distribution, from 1 success and 1 failure on; the weight is the part of draws in which the arm's rate is the
highest. No arm falls below `FLOOR`, so that one which was unlucky is tried again. The draws are seeded: equal counts give equal weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from wend.core.plan import Plan
from wend.store.postgres import Connection, fetch_all, sql

DRAWS = 4_000
FLOOR = 0.02
LEAST_CHANGE = 0.01
"""Weights that moved by less are left as they are: publishing is a change of the plan."""


def optimised(plan: Plan) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """The splits that learn in the journeys that are running: (journey, node, arms)."""
    for id, published in plan.journeys.items():
        if published.status != "stopped":
            for place, placed in published.live.document.nodes.items():
                if placed.node.settings.get("optimise"):
                    yield id, place, tuple(placed.node.settings["weights"])


async def learn(conn: Connection, plan: Plan) -> dict[str, dict[str, float]]:
    """The setting `bandits`: journey/node → arm → weight."""
    before: Mapping[str, Mapping[str, float]] = plan.settings.get("bandits") or {}
    found: dict[str, dict[str, float]] = {}
    for journey, node, arms in optimised(plan):
        rows = await fetch_all(conn, sql("insight_arms"), {"journey": journey, "node": node})
        counts = {str(what): int(n) for what, n in rows}
        place = f"{journey}/{node}"
        new = weights({arm: (counts.get(f"moved:{arm}", 0), counts.get(f"goal:{arm}", 0)) for arm in arms}, place)
        old = dict(before.get(place, {}))
        same = old.keys() == new.keys() and all(abs(old[arm] - new[arm]) < LEAST_CHANGE for arm in new)
        found[place] = old if same else new
    return found


def weights(arms: Mapping[str, tuple[int, int]], seed: str = "") -> dict[str, float]:
    """Arm → weight from arm → (times taken, goals). They add up to 1."""
    draw = Random(f"{seed} {sorted(arms.items())}")
    rates = {arm: (1 + min(goals, taken), 1 + max(taken - goals, 0)) for arm, (taken, goals) in arms.items()}
    wins = dict.fromkeys(arms, 0)
    for _ in range(DRAWS):
        drawn = {arm: draw.betavariate(*rate) for arm, rate in rates.items()}
        wins[max(drawn, key=lambda arm: drawn[arm])] += 1
    free = 1 - FLOOR * len(arms)
    return {arm: round(FLOOR + free * won / DRAWS, 4) for arm, won in wins.items()}
