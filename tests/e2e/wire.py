"""Calling any method of the wire contract by its name, with messages or with plain bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import grpc
from google.longrunning import operations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from mitate.v1 import catalog_pb2, compare_pb2, media_pb2, scan_pb2, search_pb2

FILES = (catalog_pb2, compare_pb2, media_pb2, scan_pb2, search_pb2, operations_pb2)
TIMEOUT_S = 60


class Refusal(NamedTuple):
    """How a call failed; without ErrorInfo, domain and reason are empty."""

    status: str
    domain: str
    reason: str
    message: str


def services() -> set[str]:
    """Full names of all services of the contract."""
    return {
        service.full_name for file in FILES for service in file.DESCRIPTOR.services_by_name.values()
    }


def methods() -> dict[str, MethodDescriptor]:
    """Every method of the contract, by "Service/Method"."""
    return {
        f"{service.name}/{method.name}": method
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }


def _bytes_of(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


class Wire:
    """A channel to a server."""

    def __init__(self, address: str, credentials: grpc.ChannelCredentials | None = None) -> None:
        self.channel = (
            grpc.insecure_channel(address)
            if credentials is None
            else grpc.secure_channel(address, credentials)
        )
        self._methods = methods()

    def messages(
        self, name: str, *requests: Message | bytes, given: Iterator[Message] | None = None
    ) -> Iterator[Any]:
        """Call a method; a stream takes any number of requests, everything else one."""
        method = self._methods[name]
        assert method.containing_service is not None
        kind = "_".join(
            "stream" if stream else "unary"
            for stream in (method.client_streaming, method.server_streaming)
        )
        call = getattr(self.channel, kind)(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=_bytes_of,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        sent = (given or iter(requests)) if method.client_streaming else requests[0]
        answer = call(sent, timeout=TIMEOUT_S)
        yield from answer if method.server_streaming else [answer]

    def call(self, name: str, *requests: Message | bytes) -> Any:
        """Return the only answer of a method."""
        (answer,) = self.messages(name, *requests)
        return answer

    def refusal(self, name: str, *requests: Message | bytes) -> Refusal:
        """Call a method that has to fail, and return how it did."""
        try:
            answers = list(self.messages(name, *requests))
        except grpc.RpcError as error:
            return refusal_of(error)
        raise AssertionError(f"{name} answered {answers}")


def refusal_of(error: Any) -> Refusal:
    """Take a failed call apart."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    if status is not None and status.details:
        status.details[0].Unpack(info)
    return Refusal(error.code().name, info.domain, info.reason, error.details() or "")
