"""Both clients have the same methods, and together they cover the wire contract."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mitate.clients
from mitate.clients.aio import AsyncClient
from mitate.clients.client import Client
from mitate.v1 import catalog_pb2, compare_pb2, media_pb2, scan_pb2, search_pb2

SERVICES = [
    (search_pb2, "SearchService"),
    (scan_pb2, "ScanService"),
    (catalog_pb2, "CatalogService"),
    (compare_pb2, "CompareService"),
    (media_pb2, "MediaService"),
]


def public(cls: type) -> dict[str, Callable[..., Any]]:
    return {
        name: member
        for name, member in inspect.getmembers(cls, inspect.isfunction)
        if not name.startswith("_")
    }


def test_both_clients_have_the_same_public_names() -> None:
    assert public(Client).keys() == public(AsyncClient).keys()


@pytest.mark.parametrize("name", [*sorted(public(Client)), "__init__"])
def test_a_method_takes_the_same_in_both_clients(name: str) -> None:
    parameters = [
        [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()]
        for method in (getattr(Client, name), getattr(AsyncClient, name))
    ]
    assert parameters[0] == parameters[1]


@pytest.mark.parametrize("name", sorted(set(public(Client)) - {"stream_search", "scan_live"}))
def test_a_method_returns_the_same_in_both_clients(name: str) -> None:
    blocking, awaited = getattr(Client, name), getattr(AsyncClient, name)
    assert inspect.signature(blocking).return_annotation == (
        inspect.signature(awaited).return_annotation
    )
    assert inspect.iscoroutinefunction(awaited)
    assert blocking.__doc__


def test_every_method_of_the_contract_is_called() -> None:
    folder = Path(mitate.clients.__file__).parent
    source = "\n".join(path.read_text() for path in folder.glob("*.py"))
    called = set(re.findall(r'"(\w+Service/\w+)"', source))
    contract = {
        f"{service}/{method.name}"
        for module, service in SERVICES
        for method in module.DESCRIPTOR.services_by_name[service].methods
    }
    assert called == contract
