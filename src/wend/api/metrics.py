"""`/metrics`: numbers of this process (prometheus_client's own registry) and of the whole workspace (asked of the database)."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from wend.api.surface import Surface
from wend.reports import health


class _Read(Collector):
    """Metrics that were read just now."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """The metrics, as the registry wants them."""
        yield from self._metrics


async def scrape(surface: Surface) -> tuple[bytes, str]:
    """The text of `/metrics`, and its media type. Raises psycopg.Error when the database is away."""
    async with surface.pool.connection() as conn:
        now = surface.clock.now_ms()
        state = await health.partitions(conn, now)
        trouble = await health.trouble(conn)
        outbox = await health.outbox(conn)
        sizes = await health.sizes(conn)
        inputs = await health.inputs(conn)
    read: list[Metric] = [
        CounterMetricFamily("wend_inputs", "Inputs that entered the log since the workspace was made.", inputs),
        GaugeMetricFamily("wend_inputs_waiting", "Inputs in the log that are not applied yet.", state.waiting),
        GaugeMetricFamily(
            "wend_lag_seconds", "By how much the partition furthest behind is behind.", state.worst_lag / 1000
        ),
        GaugeMetricFamily("wend_partitions", "Partitions of the workspace.", state.total),
        GaugeMetricFamily("wend_partitions_claimed", "Partitions that a worker works on.", state.claimed),
        GaugeMetricFamily(
            "wend_partitions_stopped", "Partitions that stopped because too much failed.", len(state.stopped)
        ),
        GaugeMetricFamily("wend_dead_letters", "Refused inputs that are kept.", trouble["dead_letters"]),
        GaugeMetricFamily("wend_parked", "Inputs of people that stand still after an error.", trouble["parked"]),
        GaugeMetricFamily(
            "wend_uncertain", "Messages handed over without an answer; never resent.", trouble["uncertain"]
        ),
        GaugeMetricFamily(
            "wend_identity_conflicts", "Identifiers refused to merge two users.", trouble["identity_conflicts"]
        ),
        GaugeMetricFamily(
            "wend_state_bytes_mean", "Mean size of a person's state and attributes, sampled.", sizes["mean"]
        ),
        GaugeMetricFamily("wend_state_bytes_max", "Largest state and attributes in the sample.", sizes["largest"]),
        GaugeMetricFamily(
            "wend_clock_skew_seconds", "This host's clock ahead of the database's.", surface.clock.skew / 1000
        ),
    ]
    by_status = GaugeMetricFamily("wend_outbox", "Messages by status.", labels=["status"])
    for status, n in outbox.items():
        by_status.add_metric([status], n)
    registry = CollectorRegistry()
    registry.register(_Read([*read, by_status, *_processes(surface), *_intake(surface)]))
    return generate_latest(REGISTRY) + generate_latest(registry), CONTENT_TYPE_LATEST


def _processes(surface: Surface) -> list[Metric]:
    """What the child processes of this server told of themselves."""
    restarts = CounterMetricFamily(
        "wend_restarts", "Child processes started again after they died.", labels=["process"]
    )
    told = GaugeMetricFamily(
        "wend_process", "Counters of the child processes since their start.", labels=["process", "what"]
    )
    for name, one in surface.processes().items():
        restarts.add_metric([name], one.restarts)
        for what, n in one.numbers.items():
            told.add_metric([name, what], n)
    return [restarts, told]


def _intake(surface: Surface) -> list[Metric]:
    """The tracking API of this process."""
    if surface.intake is None:
        return []
    numbers = surface.intake()
    return [
        GaugeMetricFamily(
            "wend_intake_waiting", "Messages taken but not yet written by this process.", numbers.waiting
        ),
        CounterMetricFamily("wend_intake_committed", "Messages written by this process.", numbers.committed),
        CounterMetricFamily("wend_intake_groups", "Transactions of the intake of this process.", numbers.groups),
    ]
