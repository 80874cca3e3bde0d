"""Sources drawn from a number, for tests of the catalog."""

from __future__ import annotations

import hashlib
import threading

from mitate.server.catalog import Catalog
from mitate.server.placement import Placement
from mitate.server.records import CommitResult, SignatureFile, Source


def add(
    catalog: Catalog, seed: int, placement: Placement | None = None, file_name: str = "a.mkv"
) -> CommitResult:
    sha256 = hashlib.sha256(str(seed).encode()).hexdigest()
    draft = Source(
        source_id=0,
        episode_id=0,
        sha256=sha256,
        file_name=file_name,
        kind="video",
        n_frames=100,
        n_kept=40,
        duration_ms=4000 + seed,
        width=640,
        height=360,
        descriptor_version="cld/1",
        preprocessing_version="planes/1",
        partial=seed % 2 == 0,
        created_ms=0,
    )
    file = SignatureFile(f"{seed}-{threading.get_ident()}.msig", 1000 + seed, sha256)
    return catalog.add_source(draft, file, placement or Placement())
