"""google.longrunning.Operations over this server's operations."""

from __future__ import annotations

from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2

from mitate.kernels.errors import InvalidArgument
from mitate.server.operations import Operations
from mitate.server.pages import check_page_size

Context = grpc.aio.ServicerContext[Any, Any]
MAX_WAIT_S = 60.0


class OperationsService(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """Operations by name."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Return an operation as it stands."""
        return self._operations.get(request.name).message()

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Wait until an operation is done, at most the timeout, then return it as it stands."""
        operation = self._operations.get(request.name)
        timeout_s = request.timeout.seconds + request.timeout.nanos / 1e9
        await operation.news(min(timeout_s, MAX_WAIT_S) if timeout_s > 0 else MAX_WAIT_S)
        return operation.message()

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        """List operations, oldest first."""
        size = check_page_size(request.page_size)
        names = [operation.name for operation in self._operations.list()]
        if request.page_token and request.page_token not in names:
            raise InvalidArgument(f"page_token {request.page_token[:80]!r} names no operation")
        first = names.index(request.page_token) + 1 if request.page_token else 0
        page = names[first : first + size]
        return operations_pb2.ListOperationsResponse(
            operations=[self._operations.get(name).message() for name in page],
            next_page_token=page[-1] if first + size < len(names) else "",
        )

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Ask an operation to stop."""
        self._operations.get(request.name).cancelled.set()
        return empty_pb2.Empty()

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Forget a finished operation."""
        self._operations.delete(request.name)
        return empty_pb2.Empty()
