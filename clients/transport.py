"""What both clients share about a connection: options, stubs, and errors read from statuses."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from google.longrunning import operations_pb2_grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2_grpc
from grpc_status import rpc_status

from mitate.clients.address import balanced_target
from mitate.kernels.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    InternalError,
    InvalidArgument,
    MitateError,
    NotFound,
    NotReady,
    OperationCancelled,
    Overloaded,
    PermissionRefused,
    Unauthenticated,
    error_class,
)
from mitate.v1 import (
    catalog_pb2_grpc,
    compare_pb2_grpc,
    media_pb2_grpc,
    scan_pb2_grpc,
    search_pb2_grpc,
)

TIMEOUT_S = 60.0  # of one exchange
WORK_TIMEOUT_S = 6 * 3600.0  # of work on a whole file
MAX_MESSAGE_BYTES = 64 << 20
MAX_TRIES, MAX_PAUSE_MS = 4, 5_000  # of a call that a busy server refuses

# Methods that only read, so that asking twice changes nothing.
RETRIED = (
    "mitate.v1.SearchService/SearchImage",
    "mitate.v1.SearchService/BatchSearchSignatures",
    "mitate.v1.SearchService/ComputeSignature",
    "mitate.v1.CatalogService/GetTitle",
    "mitate.v1.CatalogService/ListTitles",
    "mitate.v1.CatalogService/GetEpisode",
    "mitate.v1.CatalogService/ListEpisodes",
    "mitate.v1.CatalogService/GetStats",
    "mitate.v1.MediaService/GetUpload",
    "google.longrunning.Operations/WaitOperation",
)
_STUBS = {
    "SearchService": search_pb2_grpc.SearchServiceStub,
    "ScanService": scan_pb2_grpc.ScanServiceStub,
    "CompareService": compare_pb2_grpc.CompareServiceStub,
    "CatalogService": catalog_pb2_grpc.CatalogServiceStub,
    "MediaService": media_pb2_grpc.MediaServiceStub,
    "Operations": operations_pb2_grpc.OperationsStub,
    "Health": health_pb2_grpc.HealthStub,
}
_BY_STATUS: Mapping[grpc.StatusCode, type[MitateError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.PERMISSION_DENIED: PermissionRefused,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.CANCELLED: OperationCancelled,
    grpc.StatusCode.INTERNAL: InternalError,
}


def channel_options(address: str, *, balanced: bool = False) -> list[tuple[str, Any]]:
    """Return the channel options: retries of reading methods, keepalive, message size.

    A balanced channel gives its calls to all servers in turn, and knows them by the name of the
    host in `address`.
    """
    retry = {
        "maxAttempts": 4,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    names = [dict(zip(("service", "method"), name.split("/"), strict=True)) for name in RETRIED]
    config: dict[str, Any] = {"methodConfig": [{"name": names, "retryPolicy": retry}]}
    host = address.rpartition(":")[0]
    shared: list[tuple[str, Any]] = []
    if balanced:
        config["loadBalancingConfig"] = [{"round_robin": {}}]
        shared = [("grpc.default_authority", host)]
    return [
        *shared,
        ("grpc.service_config", json.dumps(config)),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.enable_http_proxy", int(host not in ("localhost", "127.0.0.1", "[::1]"))),
    ]


def targets(
    addresses: tuple[str, ...], options: list[tuple[str, Any]]
) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Return target and options of each channel: the first server's, and one for all if several."""
    home = addresses[0]
    found = [(home, channel_options(home) + options)]
    if len(addresses) > 1:
        found.append((balanced_target(addresses), channel_options(home, balanced=True) + options))
    return found


def stubs(channels: Sequence[grpc.Channel | grpc.aio.Channel]) -> Mapping[str, Any]:
    """Return the stub of every service by its name; searches go over the last channel."""
    home, balanced = channels[0], channels[-1]
    return {
        name: stub(balanced if name == "SearchService" else home) for name, stub in _STUBS.items()
    }


def pause_s(error: Overloaded, method: str, n_tries: int) -> float | None:
    """Return how long to wait before trying a refused call again, None if that is no use."""
    after_ms = error.retry_after_ms
    repeatable = any(name.endswith(f".{method}") for name in RETRIED)
    if after_ms is None or after_ms > MAX_PAUSE_MS or not repeatable or n_tries >= MAX_TRIES:
        return None
    return after_ms / 1000 * random.uniform(1, 1.5)


def status_error(status: status_pb2.Status) -> MitateError:
    """Rebuild the error that a google.rpc.Status stands for."""
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in status.details:
        detail.Unpack(info) or detail.Unpack(retry)
    if info.reason:
        error = error_class(info.reason)(status.message)
        if isinstance(error, Overloaded) and retry.HasField("retry_delay"):
            error.retry_after_ms = retry.retry_delay.ToMilliseconds()
        return error
    for code, cls in _BY_STATUS.items():
        if code.value[0] == status.code:
            return cls(status.message)
    return MitateError(status.message or f"the server answered status {status.code}")


def call_error(error: grpc.RpcError, address: str, method: str, timeout_s: float) -> MitateError:
    """Rebuild the error of a call that failed; failures of the connection become NotReady."""
    status = rpc_status.from_call(error)
    if status is not None:
        return status_error(status)
    code, details = error.code(), error.details() or ""
    name = method.rpartition("/")[2]
    if code is grpc.StatusCode.UNAVAILABLE:
        return NotReady(f"cannot reach {address}: {_plain(details)}")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded(f"{name} at {address} took longer than {timeout_s:g} s")
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return FailedPrecondition(f"{address} does not know {name}; is it a mitate server?")
    text = details or f"{name} at {address} ended with {code.name}"
    return _BY_STATUS.get(code, MitateError)(text)


def _plain(details: str) -> str:
    """Return the part of a connection error that means something to a person."""
    known = {
        "Connection refused": "connection refused; is `mitate serve` running there?",
        "DNS resolution failed": "the host name is not known",
        "Domain name not found": "the host name is not known",
        "No route to host": "no route to the host",
        "Socket closed": "the connection was closed; if the server uses TLS, see --ca",
        "Connection reset": "the connection was closed",
        "GOAWAY": "the server is stopping",
        "Cancelling all calls": "the server was stopped before it answered",
        "CERTIFICATE_VERIFY_FAILED": "its certificate is not signed by an authority that is "
        "trusted here; see --ca",
        "certificate signature failure": "its certificate is not signed by an authority that is "
        "trusted here; see --ca",
        "Hostname Verification Check failed": "its certificate is for another name",
        "WRONG_VERSION_NUMBER": "it does not use TLS",
    }
    for sign, text in known.items():
        if sign.lower() in details.lower():
            return text
    return details or "no answer"
