"""What ``/metrics`` says: requests, durations, deliveries and worlds, in the format of Prometheus.

The numbers are counted anyway, as plain integers; their text is made when it is asked for, by
prometheus_client, which is an extra.
"""

from collections.abc import Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from flask import Request, Response

from crmcom_kit.mock_server.admin.access import refusal
from crmcom_kit.mock_server.admin.refusals import json_response
from crmcom_kit.mock_server.world.registry import WorldRegistry
from crmcom_kit.mock_server.world.request_counts import BOUNDS
from crmcom_kit.usage_errors import not_installed

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

METRICS = "/metrics"
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_NEEDED = not_installed("prometheus_client", "metrics")


def metrics_response(request: Request, registry: WorldRegistry) -> Response:
    """Return the response to a request of ``/metrics``, which has the control API's callers."""
    refused = refusal(request, registry, METRICS)
    if refused is not None:
        return json_response({"error": refused[0]}, refused[1])
    if request.method not in ("GET", "HEAD"):
        error = f"{METRICS} does not support {request.method}; allowed is GET, HEAD"
        response = json_response({"error": error}, 405)
        response.headers["Allow"] = "GET, HEAD"
        return response
    try:
        from prometheus_client.exposition import generate_latest
        from prometheus_client.registry import CollectorRegistry
    except ModuleNotFoundError:
        return json_response({"error": _NEEDED}, 501)
    collectors = CollectorRegistry(auto_describe=False)
    collectors.register(_Collector(registry))
    return Response(generate_latest(collectors), content_type=_CONTENT_TYPE)


class _Collector:
    """Hands the counts of a server to prometheus_client."""

    def __init__(self, registry: WorldRegistry) -> None:
        self._registry = registry

    def describe(self) -> tuple[()]:
        """Say nothing: else they would be collected once more."""
        return ()

    def collect(self) -> "Iterator[Metric]":
        """Yield each metric as it is now."""
        from prometheus_client.metrics_core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        requests = CounterMetricFamily(
            "crmcom_mock_requests", "Requests by method and status.", labels=["method", "status"]
        )
        durations = HistogramMetricFamily(
            "crmcom_mock_request_seconds", "Duration of requests in seconds.", labels=["method"]
        )
        bounds = [*map(str, BOUNDS), "+Inf"]
        for method, counts in self._registry.requests.methods().items():
            for status, number in sorted(counts.statuses.items()):
                requests.add_metric([method, str(status)], number)
            buckets = list(zip(bounds, accumulate(counts.durations), strict=True))
            durations.add_metric([method], buckets, counts.seconds)
        deliveries = CounterMetricFamily(
            "crmcom_mock_deliveries", "Delivery attempts by outcome.", labels=["outcome"]
        )
        for outcome, number in sorted(self._registry.default.delivery_queue.outcomes.items()):
            deliveries.add_metric([outcome], number)
        worlds = GaugeMetricFamily("crmcom_mock_worlds", "Worlds, including the default one.")
        worlds.add_metric([], len(self._registry.worlds()))
        yield from (requests, durations, deliveries, worlds)
