"""The audit log: who changed what, and who was refused.

One JSON object per line: time, request_id, caller, peer, method, code, reason, target (what the
request names; no bytes, long texts cut) and result (ids of the answer). Long work has a second line
when it ends, with `operation` in place of the request.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from mitate.kernels.errors import SettingsError
from mitate.server.calls import Call
from mitate.server.scopes import NEEDED, Scope
from mitate.v1 import catalog_pb2

AUDITED = frozenset(method for method, scope in NEEDED.items() if scope >= Scope.INDEX)
AUDITED_KINDS = frozenset({"ingest"})  # of long work
REFUSED = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED"})
REFUSALS_PER_S = 10  # of all callers together; more are left to the metrics
_TEXT = 200  # characters kept of a text
_MANY = 16  # items kept of a list
_DEPTH = 3

_CODES: dict[int, str] = {code.value[0]: code.name for code in grpc.StatusCode}

log = logging.getLogger("mitate.audit")


class Audit:
    """Writes the audit log; from the event loop only.

    Raises:
        SettingsError: the file cannot be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._refusals_left = float(REFUSALS_PER_S)
        self._refilled = time.monotonic()
        if path is not None:
            _write_to(path)

    def wants(self, call: Call) -> bool:
        """Return whether a call is a change, or was refused and is to be told."""
        if call.method in AUDITED:
            return True
        return call.code in REFUSED and self._may_tell_refusal()

    def write(self, call: Call) -> None:
        """Append a finished call."""
        _tell(
            request_id=call.request_id,
            caller=call.caller.name,
            peer=call.peer,
            method=call.method.lstrip("/"),
            code=call.code,
            reason=call.reason,
            target=call.target,
            result=call.result,
        )

    def _may_tell_refusal(self) -> bool:
        now = time.monotonic()
        refill = (now - self._refilled) * REFUSALS_PER_S
        self._refilled = now
        self._refusals_left = min(REFUSALS_PER_S, self._refusals_left + refill)
        if self._refusals_left < 1:
            return False
        self._refusals_left -= 1
        return True


def tell_end(kind: str, caller: str, ended: operations_pb2.Operation) -> None:
    """Append how long work has ended that changes something; the line of its start names it."""
    if kind not in AUDITED_KINDS:
        return
    info, result = error_details_pb2.ErrorInfo(), catalog_pb2.IngestResult()
    for detail in ended.error.details:
        detail.Unpack(info)
    ended.response.Unpack(result)
    _tell(
        operation=ended.name,
        caller=caller,
        code=_CODES[ended.error.code],
        reason=info.reason,
        result=ids_of(result),
    )


def _tell(**fields: Any) -> None:
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())} | fields
    log.info("audit %s", json.dumps(line, ensure_ascii=False))


def described(message: Message, depth: int = 1) -> Mapping[str, Any]:
    """Return what a message says, without bytes and with long texts and lists cut."""
    found: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_BYTES:
            continue
        if isinstance(value, Mapping):
            found[field.name] = {str(k)[:_TEXT]: str(v)[:_TEXT] for k, v in value.items()}
        elif isinstance(value, Message):
            if depth < _DEPTH:
                found[field.name] = described(value, depth + 1)
        elif isinstance(value, str):
            found[field.name] = value[:_TEXT]
        elif isinstance(value, int | float | bool):
            found[field.name] = value
        elif field.type != FieldDescriptor.TYPE_MESSAGE:
            found[field.name] = [str(item)[:_TEXT] for item in value[:_MANY]]
    return found


def ids_of(answer: Message) -> Mapping[str, Any]:
    """Return the ids and the name that an answer begins with, at the top and one level below."""
    found: dict[str, Any] = {}
    for field, value in answer.ListFields():
        if isinstance(value, Message) and not isinstance(value, Mapping):
            inner = {f.name: v for f, v in value.ListFields() if f.name.endswith("_id")}
            found |= {name: v for name, v in inner.items() if name not in found}
        elif field.name.endswith("_id") or (field.name == "name" and "/" in str(value)):
            found[field.name] = value
    return found


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return record.getMessage().removeprefix("audit ")


def _write_to(path: Path) -> None:
    try:
        path.touch(mode=0o600)
        handler = WatchedFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"cannot write the audit_log {path}: {error.strerror}") from error
    handler.setFormatter(_Line())
    for former in log.handlers[:]:
        log.removeHandler(former)
        former.close()
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
