"""From what a caller sends to an answer: views or signatures, neighbours, matches."""

from __future__ import annotations

from dataclasses import dataclass, field

from mitate.server.catalog import Catalog
from mitate.server.engine import Engine
from mitate.server.library import Scope
from mitate.server.workers import WorkerPool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a search is asked for."""

    k: int  # matches per query
    scope: Scope = field(default_factory=Scope)
    unmirrored_only: bool = False


class Matcher:
    """Answers pictures, signatures, clips and scans; methods block, any thread may call them."""

    def __init__(self, engine: Engine, pool: WorkerPool, catalog: Catalog) -> None:
        self._engine = engine
        self._pool = pool
        self._catalog = catalog
