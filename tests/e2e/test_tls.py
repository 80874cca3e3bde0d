"""Certificates of server and clients over the wire, and what happens when they change."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from certificates import AuthorityOfCertificates
from conftest import running
from guarding import Guarded, guarding

from mitate.clients import Client
from mitate.kernels.errors import (
    MitateError,
    NotReady,
    PermissionRefused,
    Unauthenticated,
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarding(tmp_path_factory.mktemp("guarded")) as server:
        yield server


def test_a_client_that_trusts_another_authority_does_not_connect(
    guarded: Guarded, tmp_path: Path
) -> None:
    other = AuthorityOfCertificates(tmp_path, "another authority")
    with (
        Client(guarded.server.address, ca=other.ca, token="x", timeout_s=5) as client,
        pytest.raises(NotReady, match="not signed by an authority that is trusted"),
    ):
        client.stats()


def test_a_certificate_swapped_under_load_fails_no_call(guarded: Guarded) -> None:
    stop, failed, done = threading.Event(), [], [0]

    def load() -> None:
        while not stop.is_set():
            try:  # one connection for every few calls, so that handshakes happen all the time
                with guarded.client(guarded.keys["reader"]) as client:
                    for _ in range(3):
                        client.stats()
                        done[0] += 1
            except MitateError as error:
                failed.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    serials = {serial_of(guarded.server.address)}
    for thread in threads:
        thread.start()
    for _ in range(10):
        guarded.authority.sign("server")
        time.sleep(0.3)
        serials.add(serial_of(guarded.server.address))
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not failed
    assert done[0] > 50
    assert len(serials) == 11


def serial_of(address: str) -> bytes:
    host, port = address.split(":")
    return ssl.get_server_certificate((host, int(port))).encode()


def test_a_certificate_without_its_key_leaves_the_former_in_force(
    guarded: Guarded, tmp_path: Path
) -> None:
    former = serial_of(guarded.server.address)
    folder = guarded.authority.ca.parent
    key = (folder / "server.key").read_bytes()
    guarded.authority.sign("server")
    fresh = (folder / "server.key").read_bytes()
    (folder / "server.key").write_bytes(key)
    assert serial_of(guarded.server.address) == former
    (folder / "server.key").write_bytes(fresh)
    assert serial_of(guarded.server.address) != former


def test_certificates_of_clients_name_their_callers(tmp_path: Path) -> None:
    authority = AuthorityOfCertificates(tmp_path)
    identities = tmp_path / "identities.toml"
    identities.write_text('[[certificates]]\nname = "crawler"\nscopes = ["search"]\n')
    certificate, key = authority.sign("server")
    flags: list[str | Path] = ["--tls-certificate", certificate, "--tls-key", key]
    flags += ["--tls-client-ca", authority.ca, "--identities", identities, "--workers", "1"]
    with running(tmp_path, *map(str, flags)) as server:

        def client(signer: AuthorityOfCertificates, name: str) -> Client:
            own, own_key = signer.sign(name)
            access: dict[str, Any] = {"ca": authority.ca, "certificate": own, "key": own_key}
            return Client(server.address, timeout_s=5, **access)

        with client(authority, "crawler") as known:
            assert known.stats().sources == 0
            with pytest.raises(PermissionRefused, match="cert:crawler has 'search'"):
                known.create_title("x")
        with client(authority, "stranger") as stranger, pytest.raises(Unauthenticated):
            stranger.stats()
        foreign = AuthorityOfCertificates(tmp_path / "foreign")
        with client(foreign, "crawler") as forged, pytest.raises(NotReady):
            forged.stats()
        with Client(server.address, ca=authority.ca, timeout_s=5) as bare, pytest.raises(NotReady):
            bare.stats()
