"""The error tree of mitate, shared by kernels, server and clients.

    MitateError
    ├── InvalidArgument          a request that can never succeed
    │   ├── InvalidMedia         not decodable, no picture in it, over a limit
    │   └── InvalidSignature     wrong length, version, range or times
    ├── NotFound                 title, episode, source, upload, operation
    ├── AlreadyExists            the name or id is taken
    ├── FailedPrecondition       right request, wrong moment
    ├── Unauthenticated          no token or certificate, or one that is not accepted
    ├── PermissionRefused        the caller or the server may not read or change this
    ├── Overloaded               a queue or the disk is full
    │   └── QuotaExceeded        the caller has used up its share
    ├── NotReady                 the index is loading or the server is draining
    ├── DeadlineExceeded         the caller's time ran out
    ├── OperationCancelled       the caller or an operator stopped it
    ├── CorruptData              a checksum or the catalog does not agree
    ├── WorkerDied               a decoding process ended without an answer
    ├── SettingsError            a setting is wrong; only at start
    └── InternalError            a defect; the log has the traceback under the same id

`reason` is public and stable and travels in google.rpc.ErrorInfo; `status` is the name of the
gRPC status code. A client rebuilds the class from the reason.
"""

from __future__ import annotations

from typing import ClassVar


class MitateError(Exception):
    """Base of every error that mitate raises on purpose.

    The text says what was wrong, the value, and what is allowed.
    """

    reason: ClassVar[str] = "MITATE_ERROR"
    status: ClassVar[str] = "UNKNOWN"

    @property
    def message(self) -> str:
        """The text for a person."""
        return str(self.args[0]) if self.args else self.reason


class InvalidArgument(MitateError):
    """The request can never succeed as it is."""

    reason = "INVALID_ARGUMENT"
    status = "INVALID_ARGUMENT"


class InvalidMedia(InvalidArgument):
    """The file cannot be decoded, holds no picture, or is over a limit."""

    reason = "INVALID_MEDIA"


class InvalidSignature(InvalidArgument):
    """Wrong length, version, value range or times."""

    reason = "INVALID_SIGNATURE"


class NotFound(MitateError):
    """There is no such title, episode, source, upload or operation."""

    reason = "NOT_FOUND"
    status = "NOT_FOUND"


class AlreadyExists(MitateError):
    """The name or id is taken."""

    reason = "ALREADY_EXISTS"
    status = "ALREADY_EXISTS"


class FailedPrecondition(MitateError):
    """The request is right but the state does not allow it now."""

    reason = "FAILED_PRECONDITION"
    status = "FAILED_PRECONDITION"


class Unauthenticated(MitateError):
    """The caller shows no token or certificate, or one that is not accepted."""

    reason = "UNAUTHENTICATED"
    status = "UNAUTHENTICATED"


class PermissionRefused(MitateError):
    """The caller or the server may not read or change this."""

    reason = "PERMISSION_REFUSED"
    status = "PERMISSION_DENIED"


class Overloaded(MitateError):
    """A queue or a quota is full; try again later."""

    reason = "OVERLOADED"
    status = "RESOURCE_EXHAUSTED"

    def __init__(self, message: str = "", retry_after_ms: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms  # None: waiting does not help


class QuotaExceeded(Overloaded):
    """The caller has used up its share; others are served."""

    reason = "QUOTA_EXCEEDED"


class NotReady(MitateError):
    """The index is loading or the server is draining."""

    reason = "NOT_READY"
    status = "UNAVAILABLE"


class DeadlineExceeded(MitateError):
    """The caller's time ran out."""

    reason = "DEADLINE_EXCEEDED"
    status = "DEADLINE_EXCEEDED"


class OperationCancelled(MitateError):
    """The caller or an operator stopped the work."""

    reason = "CANCELLED"
    status = "CANCELLED"


class CorruptData(MitateError):
    """A checksum or the catalog does not agree with what is stored."""

    reason = "CORRUPT_DATA"
    status = "DATA_LOSS"


class WorkerDied(MitateError):
    """A decoding process ended without an answer."""

    reason = "WORKER_DIED"
    status = "INTERNAL"


class SettingsError(MitateError):
    """A setting is wrong; raised only while starting."""

    reason = "SETTINGS"
    status = "INVALID_ARGUMENT"


class InternalError(MitateError):
    """A defect of mitate; the log has the traceback under the id in the text."""

    reason = "INTERNAL"
    status = "INTERNAL"


def _tree(cls: type[MitateError]) -> dict[str, type[MitateError]]:
    found = {cls.reason: cls}
    for child in cls.__subclasses__():
        found |= _tree(child)
    return found


def error_class(reason: str) -> type[MitateError]:
    """Return the class that stands for `reason`, `MitateError` if it is unknown."""
    return _tree(MitateError).get(reason, MitateError)
