"""What a caller sees when a call fails."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
from fake_answers import State
from fake_server import FakeServer

from mitate.clients import transport
from mitate.clients.address import check_address
from mitate.clients.client import Client
from mitate.clients.transport import RETRIED
from mitate.kernels import errors
from mitate.kernels.errors import (
    DeadlineExceeded,
    FailedPrecondition,
    InternalError,
    InvalidArgument,
    InvalidMedia,
    InvalidSignature,
    MitateError,
    NotFound,
    NotReady,
    OperationCancelled,
    Overloaded,
    Unauthenticated,
)

CATALOG = "/mitate.v1.CatalogService/"
SEARCH = "/mitate.v1.SearchService/"
CLASSES = [
    one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, MitateError) and one is not MitateError
]


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_error_class_is_rebuilt(client: Any, state: State, cls: type[MitateError]) -> None:
    state.failures[CATALOG + "CreateTitle"] = [cls("what was wrong")]
    with pytest.raises(MitateError, match="what was wrong") as caught:
        client.create_title("x")
    assert type(caught.value) is cls


@pytest.mark.parametrize(
    ("code", "cls"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, Overloaded),
        (grpc.StatusCode.UNAUTHENTICATED, Unauthenticated),
        (grpc.StatusCode.INTERNAL, InternalError),
        (grpc.StatusCode.UNIMPLEMENTED, FailedPrecondition),
        (grpc.StatusCode.CANCELLED, OperationCancelled),
        (grpc.StatusCode.DATA_LOSS, MitateError),
    ],
)
def test_a_status_without_details_becomes_an_error(
    client: Any, state: State, code: grpc.StatusCode, cls: type[MitateError]
) -> None:
    state.failures[CATALOG + "GetStats"] = [code]
    with pytest.raises(MitateError) as caught:
        client.stats()
    assert type(caught.value) is cls


@pytest.mark.parametrize("attempt", range(8))
def test_a_server_that_refuses_in_the_middle_of_an_upload_is_heard(
    client: Any, state: State, clip: Path, attempt: int
) -> None:
    state.failures["/mitate.v1.MediaService/UploadMedia"] = [Overloaded("the disk is full")]
    with pytest.raises(Overloaded, match="the disk is full"):
        client.upload(clip)
    state.failures[SEARCH + "SearchVideo"] = [Overloaded("too much to do")]
    with pytest.raises(Overloaded, match="too much to do"):
        client.search_video(clip)


def test_an_unreachable_server_is_named(free_port: int) -> None:
    address = f"127.0.0.1:{free_port}"
    with (
        Client(address) as client,
        pytest.raises(NotReady, match=f"cannot reach {address}: connection refused"),
    ):
        client.stats()


def test_a_call_ends_at_its_deadline(free_port: int) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", free_port))
        silent.listen()
        with (
            Client(f"127.0.0.1:{free_port}", timeout_s=0.3) as client,
            pytest.raises((DeadlineExceeded, NotReady)),
        ):
            client.stats()


def test_reading_is_tried_again_when_the_server_is_away(client: Any, state: State) -> None:
    state.failures[CATALOG + "GetStats"] = [grpc.StatusCode.UNAVAILABLE] * 2
    assert client.stats().titles == 1
    assert state.calls[CATALOG + "GetStats"] == 3


@pytest.mark.parametrize("code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.RESOURCE_EXHAUSTED])
def test_only_an_absent_server_is_tried_again(
    client: Any, state: State, code: grpc.StatusCode
) -> None:
    state.failures[CATALOG + "GetStats"] = [code]
    with pytest.raises(MitateError):
        client.stats()
    assert state.calls[CATALOG + "GetStats"] == 1


def test_writing_is_never_tried_again(client: Any, state: State) -> None:
    state.failures[CATALOG + "CreateTitle"] = [grpc.StatusCode.UNAVAILABLE]
    with pytest.raises(NotReady):
        client.create_title("x")
    assert state.calls[CATALOG + "CreateTitle"] == 1


def test_only_reading_methods_are_retried() -> None:
    verbs = ("Get", "List", "Search", "BatchSearch", "Compute", "Wait")
    assert all(name.partition("/")[2].startswith(verbs) for name in RETRIED)


def test_a_scan_goes_on_after_the_connection_broke(
    client: Any, state: State, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mitate.clients.patience.PAUSE_S", 0.0)
    state.failures["/mitate.v1.ScanService/WatchScan"] = [grpc.StatusCode.UNAVAILABLE]
    found: list[Any] = []
    assert client.scan(clip, on_segment=found.append).matched_ms == 1800
    assert len(found) == 1
    assert state.calls["/mitate.v1.ScanService/WatchScan"] == 2


def test_a_failed_start_leaves_no_upload_behind(client: Any, state: State, clip: Path) -> None:
    state.failures[CATALOG + "IngestEpisode"] = [NotFound("there is no episode 9")]
    with pytest.raises(NotFound, match="there is no episode 9"):
        client.add(clip, episode_id=9)
    assert not state.uploads


def test_adding_ends_at_the_long_deadline(server: FakeServer, clip: Path) -> None:
    with Client(server.address, work_timeout_s=5) as client:
        client.upload(clip)
        client._work_timeout_s = -1.0
        with pytest.raises(DeadlineExceeded):
            client.add(clip)


def test_local_files_that_cannot_be_sent_are_named(client: Any, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(NotFound, match=r"missing\.mp4: no such file"):
        client.add(tmp_path / "missing.mp4")
    with pytest.raises(InvalidMedia, match="it is a directory"):
        client.search_video(tmp_path)
    with pytest.raises(InvalidMedia, match="the file is empty"):
        client.scan(empty)
    with pytest.raises(InvalidMedia, match="a picture of 0 bytes"):
        client.search_image(b"")


def test_what_is_no_signature_is_refused(client: Any, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a signature at all" * 10)
    with pytest.raises(InvalidSignature):
        client.search_signature(text)


@pytest.mark.parametrize("address", ["", "host", "host:", ":50061", "host:0", "host:70000", "a:b"])
def test_an_address_needs_host_and_port(address: str) -> None:
    with pytest.raises(InvalidArgument, match="HOST:PORT"):
        check_address(address)


def test_a_closed_client_says_so(server: FakeServer) -> None:
    with Client(server.address) as client:
        pass
    with pytest.raises(FailedPrecondition, match="closed"):
        client.stats()


def test_closing_ends_calls_under_way(server: FakeServer) -> None:
    client = Client(server.address)
    client.stats()
    held = threading.Event()
    server.state.failures[CATALOG + "GetStats"] = []
    never: Any = iter(held.wait, None)
    answers = client.stream_search(never)
    threading.Timer(0.2, client.close).start()
    with pytest.raises(OperationCancelled):
        next(iter(answers))
    held.set()


def test_a_call_that_a_stopping_server_cuts_off_says_so() -> None:
    details = "Cancelling all calls"
    assert transport._plain(details) == "the server was stopped before it answered"
