"""What every method of the contract needs: one table, from method to scope.

Scopes are ordered: `admin` may do all that `index` may, and `index` all that `search` may.
Destroying many episodes at once and seeing the work of other callers is for `admin`.
"""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType


class Scope(IntEnum):
    """What a caller may do; a larger one includes the smaller ones."""

    SEARCH = 1
    INDEX = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The name in files, tokens and texts."""
        return self.name.lower()


WORDS = MappingProxyType({scope.word: scope for scope in Scope})

_METHODS = {
    Scope.SEARCH: (
        "mitate.v1.SearchService/SearchImage",
        "mitate.v1.SearchService/BatchSearchSignatures",
        "mitate.v1.SearchService/StreamSearch",
        "mitate.v1.SearchService/SearchVideo",
        "mitate.v1.SearchService/ComputeSignature",
        "mitate.v1.CompareService/Compare",
        "mitate.v1.ScanService/ScanVideo",
        "mitate.v1.ScanService/WatchScan",
        "mitate.v1.ScanService/ScanLive",
        "mitate.v1.MediaService/UploadMedia",
        "mitate.v1.MediaService/GetUpload",
        "mitate.v1.MediaService/DeleteUpload",
        "mitate.v1.CatalogService/GetTitle",
        "mitate.v1.CatalogService/ListTitles",
        "mitate.v1.CatalogService/GetEpisode",
        "mitate.v1.CatalogService/ListEpisodes",
        "mitate.v1.CatalogService/GetStats",
        "google.longrunning.Operations/GetOperation",
        "google.longrunning.Operations/WaitOperation",
        "google.longrunning.Operations/CancelOperation",
        "google.longrunning.Operations/DeleteOperation",
    ),
    Scope.INDEX: (
        "mitate.v1.CatalogService/CreateTitle",
        "mitate.v1.CatalogService/UpdateTitle",
        "mitate.v1.CatalogService/CreateEpisode",
        "mitate.v1.CatalogService/UpdateEpisode",
        "mitate.v1.CatalogService/DeleteEpisode",
        "mitate.v1.CatalogService/IngestEpisode",
        "mitate.v1.CatalogService/ImportSignatures",
    ),
    Scope.ADMIN: (
        "mitate.v1.CatalogService/DeleteTitle",
        "google.longrunning.Operations/ListOperations",
    ),
}

NEEDED = MappingProxyType(
    {f"/{method}": scope for scope, methods in _METHODS.items() for method in methods}
)


def needed(method: str) -> Scope:
    """Return the scope that a method, "/package.Service/Method", needs.

    A method that is not in the table is for `admin` only.
    """
    return NEEDED.get(method, Scope.ADMIN)
