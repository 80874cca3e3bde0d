"""Who may call: keys and tokens over the wire, and what is written down of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from conftest import mitate
from grpc_health.v1 import health_pb2, health_pb2_grpc
from guarding import Guarded, guarding, web_token
from wire import Wire, methods

from mitate.clients import Client
from mitate.kernels.errors import (
    InvalidArgument,
    InvalidMedia,
    PermissionRefused,
    Unauthenticated,
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("guarded")) as server:
        yield server


def test_nothing_is_answered_without_a_token_but_health(guarded: Guarded) -> None:
    credentials = grpc.ssl_channel_credentials(guarded.authority.ca.read_bytes())
    wire = Wire(guarded.server.address, credentials)
    for method in methods():
        refusal = wire.refusal(method, b"")
        assert (refusal.status, refusal.reason) == ("UNAUTHENTICATED",) * 2, method
        assert refusal.domain == "mitate" and "Bearer" in refusal.message
    health = health_pb2_grpc.HealthStub(wire.channel)
    for name in ("", "liveness"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    wire.channel.close()


def test_a_key_and_a_token_are_let_in(guarded: Guarded) -> None:
    for token in (guarded.keys["reader"], web_token(scope="search")):
        with guarded.client(token) as client:
            assert client.stats().sources == 0


def test_a_token_may_be_made_anew_for_each_call(guarded: Guarded) -> None:
    made: list[str] = []

    def fresh() -> str:
        made.append(web_token(scope="search", jti=str(len(made))))
        return made[-1]

    with Client(guarded.server.address, token=fresh, ca=guarded.authority.ca) as client:
        client.stats()
        client.titles()
    assert len(set(made)) == 2


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("mitate_nobody", "not known"),
        ("late", "'late' expired at 2020-01-01T00:00:00Z"),
        (web_token(exp=time.time() - 3600, scope="admin"), "expired"),
        (web_token(aud="other", scope="admin"), "another audience"),
        (web_token(iss="https://evil.example", scope="admin"), "another issuer"),
        ("a.b.c", "not accepted"),
        ("x" * 9000, "9000 characters"),
    ],
)
def test_a_token_that_does_not_hold_is_refused(guarded: Guarded, token: str, message: str) -> None:
    with (
        guarded.client(guarded.keys.get(token, token)) as client,
        pytest.raises(Unauthenticated, match=message),
    ):
        client.stats()


@pytest.mark.parametrize(
    ("who", "needed"), [("reader", "index"), ("indexer", "admin"), ("nobody", "search")]
)
def test_a_caller_without_the_scope_is_refused_and_told_which(
    guarded: Guarded, who: str, needed: str
) -> None:
    token = guarded.keys.get(who) or web_token(scope="openid")
    with (
        guarded.client(token) as client,
        pytest.raises(PermissionRefused, match=f"needs the scope '{needed}'"),
    ):
        {
            "index": lambda: client.create_title("x"),
            "admin": lambda: client.remove_title(1),
            "search": client.stats,
        }[needed]()


def test_a_key_that_is_taken_out_of_the_file_is_refused_at_once(guarded: Guarded) -> None:
    done = mitate("key", "short", "--identities", guarded.identities)
    before = guarded.identities.read_text()
    with guarded.client(done.stdout.strip()) as client:
        wait_for(lambda: client.stats())
        guarded.identities.write_text("\n[[keys]]".join(before.split("\n[[keys]]")[:-1]) + "\n")
        deadline = time.monotonic() + 10
        with pytest.raises(Unauthenticated, match="revoked"):
            while time.monotonic() < deadline:
                client.stats()
                time.sleep(0.05)


def wait_for(work: Any) -> None:
    """Repeat what is refused until the server has read its files again."""
    deadline = time.monotonic() + 10
    while True:
        try:
            work()
            return
        except Unauthenticated:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_changes_are_written_down_with_caller_and_target(guarded: Guarded) -> None:
    with guarded.client(guarded.keys["indexer"]) as client:
        title = client.create_title("Written Down", {"anidb": "17"})
        with pytest.raises(PermissionRefused):
            client.remove_title(title.title_id)
    with guarded.client(guarded.keys["boss"]) as client:
        client.remove_title(title.title_id)
    made, refused, removed = guarded.audited()[-3:]
    assert (made["method"], made["caller"]) == (
        "mitate.v1.CatalogService/CreateTitle",
        "key:indexer",
    )
    assert made["target"]["title"] == {"name": "Written Down", "refs": {"anidb": "17"}}
    assert made["result"] == {"title_id": title.title_id} and made["code"] == "OK"
    assert (refused["code"], refused["caller"]) == ("PERMISSION_DENIED", "key:indexer")
    assert refused["target"] == {}  # is refused before it is read
    assert (removed["caller"], removed["target"]) == ("key:boss", {"title_id": title.title_id})
    assert all(line["peer"].startswith("ipv4:127.0.0.1:") for line in (made, refused, removed))
    assert len({line["request_id"] for line in (made, refused, removed)}) == 3


def test_long_work_is_written_down_when_it_starts_and_when_it_ends(
    guarded: Guarded, tmp_path: Path, drawn: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with guarded.client(guarded.keys["indexer"]) as client:
        added = client.add(drawn / "life.mkv")
        with pytest.raises(InvalidMedia):
            client.add(broken)
    lines = [line for line in guarded.audited() if line["caller"] == "key:indexer"]
    started = [line for line in lines if line.get("method", "").endswith("/IngestEpisode")][-2:]
    ends = {line["operation"]: line for line in lines if "operation" in line}
    ended, failed = (ends[line["result"]["name"]] for line in started)
    assert (ended["code"], ended["result"]["source_id"]) == ("OK", added.source_id)
    assert (failed["code"], failed["reason"]) == ("INVALID_ARGUMENT", "INVALID_MEDIA")
    with guarded.client(guarded.keys["indexer"]) as client:
        client.remove_episode(added.episode_id)


def test_reading_is_not_written_down(guarded: Guarded) -> None:
    before = len(guarded.audited())
    with guarded.client(guarded.keys["reader"]) as client:
        client.stats()
        client.titles()
    assert len(guarded.audited()) == before


def test_refusals_without_end_fill_no_disk(guarded: Guarded) -> None:
    before = len(guarded.audited())
    started = time.monotonic()
    with guarded.client("mitate_wrong") as client:
        for _ in range(200):
            with pytest.raises(Unauthenticated):
                client.stats()
    allowed = 10 + 10 * (time.monotonic() - started) + 1
    assert 1 <= len(guarded.audited()) - before <= allowed


def test_a_client_keeps_its_token_from_strangers() -> None:
    with pytest.raises(InvalidArgument, match=r"would travel to 192\.0\.2\.1:50061 unencrypted"):
        Client("192.0.2.1:50061", token="secret")
    Client("192.0.2.1:50061", token="secret", allow_plaintext=True).close()
    Client("192.0.2.1:50061", token="secret", tls=True).close()


def test_the_command_line_takes_a_token_and_an_authority(
    guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "token"
    path.write_text(guarded.keys["reader"] + "\n")
    flags = ("--ca", guarded.authority.ca, "--token-file", path, "--json")
    assert guarded.server.mitate("stats", *flags).returncode == 0
    refused = guarded.server.mitate("stats", "--ca", guarded.authority.ca)
    assert refused.returncode == 1 and "shows no token" in refused.stderr
    monkeypatch.setenv("MITATE_TOKEN", guarded.keys["reader"])
    monkeypatch.setenv("MITATE_CA", str(guarded.authority.ca))
    assert guarded.server.mitate("stats").returncode == 0


def test_a_server_that_strangers_reach_does_not_start(tmp_path: Path) -> None:
    done = mitate("serve", "--data", tmp_path, "--listen", "0.0.0.0:0")
    assert done.returncode == 2
    assert "set identities or jwt_keys, listen on 127.0.0.1, or set allow_anonymous" in done.stderr
    assert not list(tmp_path.iterdir())
