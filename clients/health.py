"""Asks a server on this machine whether it is ready: `python -m mitate.clients.health`.

Exit code 0: ready; 1: not, with the reason on stderr. MITATE_LISTEN tells the port, and
MITATE_TLS_CERTIFICATE the certificate that the server shows; that one must name localhost.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT_S = 10.0
DEFAULT_PORT = "50061"


def main() -> int:
    """Ask, and return the exit code."""
    port = os.environ.get("MITATE_LISTEN", "").rpartition(":")[2] or DEFAULT_PORT
    with _channel(f"localhost:{port}") as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=TIMEOUT_S
            )
        except grpc.RpcError as error:
            sys.stderr.write(f"mitate: {error.code().name}: {error.details()}\n")
            return 1
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        name = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        sys.stderr.write(f"mitate: the server is {name}\n")
        return 1
    return 0


def _channel(address: str) -> grpc.Channel:
    certificate = os.environ.get("MITATE_TLS_CERTIFICATE")
    if not certificate:
        return grpc.insecure_channel(address)
    trusted = grpc.ssl_channel_credentials(Path(certificate).read_bytes())
    return grpc.secure_channel(address, trusted)


if __name__ == "__main__":
    sys.exit(main())
