"""What an operator sees of a server: numbers, readiness, logs, request ids, times of stages."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from conftest import Server, mitate, running
from making_requests import added, uploaded
from prometheus_client.parser import text_string_to_metric_families
from wire import Wire

from mitate.v1 import catalog_pb2 as catalog
from mitate.v1 import catalog_pb2_grpc, search_pb2_grpc
from mitate.v1 import search_pb2 as search

BATCH = search.SignatureBatch(type=search.SIGNATURE_TYPE_CLD_33, count=8, data=bytes(33 * 8))
REQUEST = search.BatchSearchSignaturesRequest(signatures=BATCH)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    flags = ("--metrics-listen", "127.0.0.1:0", "--log-format", "json", "--log-level", "debug")
    with running(folder, "--workers", "1", *flags) as server:
        yield server


@pytest.fixture(scope="module")
def wire(server: Server) -> Iterator[Wire]:
    wire = Wire(server.address)
    yield wire
    wire.channel.close()


def told(folder: Path, request_id: str, event: str) -> dict[str, object]:
    """The line of an event of a call, which may come after its answer."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for line in lines(folder):
            if (line.get("request_id"), line["event"]) == (request_id, event):
                return line
        time.sleep(0.05)
    raise AssertionError(f"the log has no {event!r} of {request_id}")


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "log.txt").read_text().splitlines()]


@pytest.fixture(scope="module")
def monitor(server: Server, folder: Path) -> str:
    (port,) = [line["port"] for line in lines(folder) if line["event"] == "metrics"]
    return f"http://127.0.0.1:{port}"


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def numbers(monitor: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels."""
    status, text = get(f"{monitor}/metrics")
    assert status == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_calls_are_counted_by_method_status_and_reason(wire: Wire, monitor: str) -> None:
    method = "/mitate.v1.SearchService/BatchSearchSignatures"
    before = numbers(monitor)
    wire.call("SearchService/BatchSearchSignatures", REQUEST)
    wire.refusal("SearchService/BatchSearchSignatures", search.BatchSearchSignaturesRequest())
    time.sleep(0.2)  # a call is counted after its answer has left
    after = numbers(monitor)

    def grown(*key: str) -> float:
        return after.get(key, 0.0) - before.get(key, 0.0)

    assert grown("mitate_calls_total", "OK", method) == 1
    assert grown("mitate_calls_total", "INVALID_ARGUMENT", method) == 1
    assert grown("mitate_call_errors_total", method, "INVALID_ARGUMENT") == 1
    assert grown("mitate_call_seconds_count", method) == 2
    for stage in ("wait", "queue", "search"):
        assert grown("mitate_stage_seconds_count", stage) >= 1
    assert grown("mitate_batch_queries_count") >= 1
    assert grown("mitate_batch_queries_sum") >= 8


def test_what_is_stored_is_told(wire: Wire, monitor: str, drawn: Path) -> None:
    before = numbers(monitor)
    added(wire, uploaded(wire, drawn / "life.mkv"))
    after = numbers(monitor)
    assert after["mitate_stored_frames",] - before["mitate_stored_frames",] == 96
    assert after["mitate_index_sources",] - before["mitate_index_sources",] == 1
    assert after["mitate_index_rows",] > before["mitate_index_rows",]
    assert after["mitate_index_generation",] > before["mitate_index_generation",]
    assert after["mitate_stored_bytes",] > before["mitate_stored_bytes",]
    assert after["mitate_stage_seconds_count", "sign"] == 1
    assert after["mitate_ready",] == 1


def test_the_http_port_tells_life_and_readiness_and_nothing_else(monitor: str) -> None:
    assert get(f"{monitor}/livez") == (200, "alive\n")
    assert get(f"{monitor}/readyz") == (200, "ready\n")
    assert get(f"{monitor}/")[0] == 404


def test_an_answer_tells_the_id_of_the_request_and_the_times_of_its_stages(wire: Wire) -> None:
    stub = search_pb2_grpc.SearchServiceStub(wire.channel)
    _, call = stub.BatchSearchSignatures.with_call(REQUEST, metadata=(("x-request-id", "abc-1"),))
    trailing = dict(call.trailing_metadata())
    assert trailing["x-request-id"] == "abc-1"
    times = dict(part.split(";dur=") for part in trailing["server-timing"].split(", "))
    assert set(times) >= {"queue", "search", "total"}
    milliseconds = {name: float(text) for name, text in times.items()}
    total = milliseconds.pop("total")
    assert all(ms >= 0 for ms in milliseconds.values()) and sum(milliseconds.values()) <= total


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", 'a"b'])
def test_an_id_that_cannot_be_used_is_replaced(wire: Wire, given: str) -> None:
    stub = catalog_pb2_grpc.CatalogServiceStub(wire.channel)
    _, call = stub.GetStats.with_call(
        catalog.GetStatsRequest(), metadata=(("x-request-id", given),)
    )
    made = dict(call.trailing_metadata())["x-request-id"]
    assert made != given and len(made) == 16


def test_a_failed_call_tells_its_id_and_the_log_has_it_with_caller_and_status(
    wire: Wire, folder: Path
) -> None:
    stub = catalog_pb2_grpc.CatalogServiceStub(wire.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetTitle(catalog.GetTitleRequest(title_id=7), metadata=(("x-request-id", "find-me"),))
    trailing: Any = caught.value.trailing_metadata()
    assert dict(trailing)["x-request-id"] == "find-me"
    line = told(folder, "find-me", "call done")
    assert (line["code"], line["caller"]) == ("NOT_FOUND", "anonymous")
    assert line["method"] == "/mitate.v1.CatalogService/GetTitle"
    assert isinstance(line["ms"], float)


def test_what_is_logged_for_a_call_has_its_id(wire: Wire, folder: Path) -> None:
    stub = catalog_pb2_grpc.CatalogServiceStub(wire.channel)
    (episode,) = stub.ListEpisodes(catalog.ListEpisodesRequest()).episodes
    request = catalog.DeleteEpisodeRequest(episode_id=episode.episode_id)
    stub.DeleteEpisode(request, metadata=(("x-request-id", "remover"),))
    assert told(folder, "remover", "removed")["sources"]  # comes from another thread
    assert told(folder, "remover", "call done")["code"] == "OK"


def test_a_server_whose_metrics_port_is_taken_does_not_start(
    server: Server, tmp_path: Path
) -> None:

    taken = server.address
    done = mitate(
        *("serve", "--data", tmp_path / "data", "--listen", "127.0.0.1:0"),
        *("--metrics-listen", taken),
    )
    assert done.returncode == 1
    assert f"cannot listen on {taken} (metrics_listen)" in done.stderr
