from __future__ import annotations

import json
import logging

import pytest

from mitate.server.calls import CALL, Call
from mitate.server.identities import Caller
from mitate.server.logs import JsonFormatter, TextFormatter


def record(message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("mitate.x", logging.INFO, __file__, 1, message, arguments, None)


def as_json(message: str, *arguments: object) -> dict[str, object]:
    line: dict[str, object] = json.loads(JsonFormatter().format(record(message, *arguments)))
    return line


def test_values_of_a_line_keep_their_type_under_their_key() -> None:
    line = as_json("search done frames=%d ms=%.1f file=%r", 48, 1.25, "a b")
    assert (line["event"], line["frames"], line["ms"], line["file"]) == (
        *("search done", 48, 1.25, "a b"),
    )
    assert line["message"] == "search done frames=48 ms=1.2 file='a b'"


def test_values_without_a_key_are_left_in_the_event() -> None:
    line = as_json("%s source=%d share=%d%%", "added", 3, 50)
    assert (line["event"], line["source"], line["share"]) == ("added", 3, 50)


def test_a_key_of_a_message_does_not_replace_what_every_line_has() -> None:
    assert as_json("odd level=%s", "high")["level"] == "INFO"


@pytest.fixture
def call() -> object:
    call = Call("/x/Y", "id-1", "ipv4:1", caller=Caller("key:bot", None))
    token = CALL.set(call)
    yield call
    CALL.reset(token)


@pytest.mark.usefixtures("call")
def test_a_line_in_a_call_has_its_request_id() -> None:
    line = as_json("event")
    assert (line["request_id"], line["caller"]) == ("id-1", "key:bot")
    assert (
        TextFormatter().format(record("event n=%d", 1)).endswith("INFO event n=1 request_id=id-1")
    )


def test_a_line_outside_of_calls_has_none() -> None:
    assert "request_id" not in as_json("event")
    assert TextFormatter().format(record("event")).endswith("INFO event")


def test_a_traceback_is_one_field() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        failed = record("call failed incident=%s", "x")
        failed.exc_info = (type(error), error, error.__traceback__)
    line = json.loads(JsonFormatter().format(failed))
    assert "ValueError: no" in line["traceback"] and line["incident"] == "x"
