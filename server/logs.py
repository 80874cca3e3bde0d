"""Log lines `event key=value` on stderr, as text or as JSON objects.

What runs for a call, also in a thread, tells the call's request id.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from mitate.server.calls import CALL

_FIELD = re.compile(r"(?:(\w+)=)?%[-+ #0]*[\d.]*([a-zA-Z%])")


class TextFormatter(logging.Formatter):
    """`2026-01-31T12:00:00Z INFO ready sources=3`, in a call with its request_id at the end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        """Return the time in UTC."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without its traceback."""
        call = CALL.get()
        line = super().formatMessage(record)
        return f"{line} request_id={call.request_id}" if call is not None else line


class JsonFormatter(logging.Formatter):
    """One object per line.

    time, level, logger, event, message; request_id, caller and trace_id in a call; every key=value
    of the message under its key; traceback for a defect.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        message = record.getMessage()
        line: dict[str, object] = {
            "time": round(record.created, 3),
            "level": record.levelname,
            "logger": record.name,
            "event": re.split(r" ?\w+=", message, maxsplit=1)[0],
            "message": message,
        }
        call = CALL.get()
        if call is not None:
            line |= {"request_id": call.request_id, "caller": call.caller.name}
            if call.trace_id:
                line["trace_id"] = call.trace_id
        line |= {key: value for key, value in _fields(record).items() if key not in line}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    """Return the values that the message gives under a key, as they were given."""
    if not isinstance(record.args, tuple):
        return {}
    return {
        key: value
        for key, value in zip(_keys(str(record.msg)), record.args, strict=False)
        if key is not None
    }


@cache
def _keys(template: str) -> tuple[str | None, ...]:
    return tuple(key or None for key, kind in _FIELD.findall(template) if kind != "%")


def configure(log_format: Literal["text", "json"], level: str) -> None:
    """Send the log of this process to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for talkative in ("faiss", "asyncio", "grpc"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
