"""The numbers that a server tells about itself, in the format of Prometheus.

Everything that counts is here, so that no other module knows how. Recording is cheap and safe from
any thread; what can be asked for is asked for when the numbers are fetched (`monitor.py`).
"""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, that nobody asks for
REGISTRY = CollectorRegistry()
GCCollector(REGISTRY)
PlatformCollector(REGISTRY)
ProcessCollector(registry=REGISTRY)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
_SIGNATURES = tuple(float(2**exponent) for exponent in range(13))

_CALLS = Counter(
    "mitate_calls", "Calls that ended, by gRPC status.", ("method", "code"), registry=REGISTRY
)
_ERRORS = Counter(
    "mitate_call_errors", "Calls that failed, by reason.", ("method", "reason"), registry=REGISTRY
)
_CALL_SECONDS = Histogram(
    "mitate_call_seconds",
    "Time from the arrival of a call to its end.",
    ("method",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
_STAGE_SECONDS = Histogram(
    "mitate_stage_seconds",
    "Time that the stages of calls and of long work took.",
    ("stage",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
_BATCH_QUERIES = Histogram(
    "mitate_batch_queries",
    "Queries searched in one call of the index; a picture is several.",
    buckets=_SIGNATURES,
    registry=REGISTRY,
)
_BATCH_SECONDS = Histogram(
    "mitate_batch_seconds", "Time of one call of the index.", buckets=_SECONDS, registry=REGISTRY
)
_FALLBACKS = Counter(
    "mitate_decoder_fallbacks",
    "Files that another decoder than the one in force had to read.",
    ("wanted", "used"),
    registry=REGISTRY,
)
_MEDIA_FAILURES = Counter(
    "mitate_media_failures",
    "Files that could not be read, by reason.",
    ("reason",),
    registry=REGISTRY,
)
_LOOP_LAG = Gauge(
    "mitate_event_loop_lag_seconds",
    "How late the event loop woke up, the most of the last ten seconds.",
    registry=REGISTRY,
)


@cache
def _counted(method: str, code: str) -> Counter:
    return _CALLS.labels(method, code)


@cache
def _timed(method: str) -> Histogram:
    return _CALL_SECONDS.labels(method)


@cache
def _staged(stage: str) -> Histogram:
    return _STAGE_SECONDS.labels(stage)


def call_ended(method: str, code: str, reason: str, seconds: float) -> None:
    """Count a call; `method` is one of the contract, so that labels stay few."""
    _counted(method, code).inc()
    _timed(method).observe(seconds)
    if reason:
        _ERRORS.labels(method, reason).inc()


def stage_ended(stage: str, seconds: float) -> None:
    """Count the time of a stage."""
    _staged(stage).observe(seconds)


def batch_ended(n_queries: int, seconds: float) -> None:
    """Count one call of the index."""
    _BATCH_QUERIES.observe(n_queries)
    _BATCH_SECONDS.observe(seconds)


def media_failed(reason: str) -> None:
    """Count a file that no decoder could read, or whose decoding ended otherwise."""
    _MEDIA_FAILURES.labels(reason).inc()


def decoder_fell_back(wanted: str, used: str) -> None:
    """Count a file that another decoder had to read."""
    _FALLBACKS.labels(wanted, used).inc()


def loop_lagged(seconds: float) -> None:
    """Tell how late the event loop is."""
    _LOOP_LAG.set(seconds)
