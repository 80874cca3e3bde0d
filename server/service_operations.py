"""google.longrunning.Operations over this server's operations."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf import empty_pb2

from mitate.kernels.errors import InvalidArgument
from mitate.server.operations import Operations

Context = grpc.aio.ServicerContext[Any, Any]
MAX_WAIT_S = 60.0
FILTERS = {"": None, "done=true": True, "done=false": False}


class OperationsService(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """Operations by name; nobody is kept waiting once `stopping` is set."""

    def __init__(self, operations: Operations, stopping: asyncio.Event) -> None:
        self._operations, self._stopping = operations, stopping

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Return an operation as it stands."""
        operation = await asyncio.to_thread(self._operations.get, request.name)
        return operation.message()

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        """Wait until an operation is done, at most the timeout, then return it as it stands."""
        operation = await asyncio.to_thread(self._operations.get, request.name)
        timeout_s = request.timeout.seconds + request.timeout.nanos / 1e9
        timeout_s = min(timeout_s, MAX_WAIT_S) if timeout_s > 0 else MAX_WAIT_S
        await operation.news(timeout_s, stop=self._stopping)
        return operation.message()

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        """List operations, oldest first; `filter` is empty, `done = true` or `done = false`."""
        wanted = "".join(request.filter.split()).lower()
        if wanted not in FILTERS:
            raise InvalidArgument(
                f"filter is {request.filter[:80]!r}; 'done = true' and 'done = false' are allowed"
            )
        page = await asyncio.to_thread(
            self._operations.page, request.page_size, request.page_token, FILTERS[wanted]
        )
        return operations_pb2.ListOperationsResponse(
            operations=[operation.message() for operation in page.items],
            next_page_token=page.next_page_token,
        )

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Ask an operation to stop."""
        await asyncio.to_thread(self._operations.cancel, request.name)
        return empty_pb2.Empty()

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> empty_pb2.Empty:
        """Forget a finished operation."""
        await asyncio.to_thread(self._operations.delete, request.name)
        return empty_pb2.Empty()
