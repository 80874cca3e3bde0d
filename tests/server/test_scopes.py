from __future__ import annotations

import pytest
from google.longrunning import operations_pb2

from mitate.kernels.errors import PermissionRefused
from mitate.server.authority import check_scope
from mitate.server.identities import ANYBODY, Caller
from mitate.server.scopes import NEEDED, Scope, needed
from mitate.server.serving import SERVICES
from mitate.v1 import catalog_pb2, compare_pb2, media_pb2, scan_pb2, search_pb2

FILES = (catalog_pb2, compare_pb2, media_pb2, scan_pb2, search_pb2, operations_pb2)
CONTRACT = {
    f"/{service.full_name}/{method.name}"
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


def test_the_table_holds_every_method_of_the_contract_and_no_other() -> None:
    assert set(NEEDED) == CONTRACT


def test_the_files_looked_at_are_those_of_the_services_that_are_served() -> None:
    assert {method[1:].partition("/")[0] for method in CONTRACT} == set(SERVICES)


def test_a_method_that_is_not_in_the_table_is_for_admin_only() -> None:
    assert needed("/mitate.v1.SearchService/Forgotten") is Scope.ADMIN


@pytest.mark.parametrize("method", sorted(NEEDED))
@pytest.mark.parametrize("scope", [None, *Scope])
def test_a_scope_includes_the_smaller_ones_and_no_larger_one(
    method: str, scope: Scope | None
) -> None:
    caller = Caller("key:bot", scope)
    if scope is not None and scope >= NEEDED[method]:
        check_scope(caller, method)
        return
    with pytest.raises(PermissionRefused) as caught:
        check_scope(caller, method)
    text = caught.value.message
    assert method[1:] in text and repr(NEEDED[method].word) in text and "key:bot" in text


def test_without_authentication_everybody_may_do_everything() -> None:
    for method in NEEDED:
        check_scope(ANYBODY, method)


def test_what_destroys_much_is_for_admin_and_what_changes_is_not_for_search() -> None:
    changing = ("Create", "Update", "Delete", "Ingest", "Import")
    for method, scope in NEEDED.items():
        service, _, name = method[1:].partition("/")
        if service.endswith("CatalogService") and name.startswith(changing):
            assert scope >= Scope.INDEX, method
    assert needed("/mitate.v1.CatalogService/DeleteTitle") is Scope.ADMIN
