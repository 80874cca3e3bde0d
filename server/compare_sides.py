"""The two things that are compared, loaded: from a file or the library, at a time or whole."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np

from mitate.kernels import signature_file
from mitate.kernels.decode import Limits, is_picture, read_head
from mitate.kernels.errors import InvalidArgument, NotFound
from mitate.kernels.signature import Signature
from mitate.kernels.stills import Still
from mitate.server.catalog import Catalog
from mitate.server.compare_pair import NOT_INDEXED
from mitate.server.comparison import Subject
from mitate.server.index import make_index
from mitate.server.library import Library, LoadedSource, NewSource, Snapshot
from mitate.server.signature_queries import read_signature
from mitate.server.workers import Progress, WorkerPool


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A subject, and as much of it as is known."""

    subject: Subject
    kind: str  # "image", "video", "signature" or "stored"
    signature: Signature
    kept: int | None  # what is compared, a kept frame of the signature; None is any
    still: Still | None = None  # of that frame
    sources: tuple[LoadedSource, ...] = ()  # of what is stored

    @property
    def stored(self) -> bool:
        """Whether it is indexed."""
        return bool(self.sources)

    def at(self, kept: int, still: Still | None) -> Loaded:
        """Return it with the frame to compare."""
        return replace(self, kept=kept, still=still)

    def time_ms(self, kept: int) -> int:
        """Return when a kept frame is shown first."""
        return int(self.signature.times_ms[self.signature.kept_first[kept]])

    def frame_ms(self, signature: Signature, kept: int) -> int | None:
        """Return when a kept frame is shown that is compared; None where there are no times."""
        if self.still is not None:
            return self.still.time_ms if self.still.kind == "video" else None
        if signature.kind == "image":
            return None
        first_ms = int(signature.times_ms[signature.kept_first[kept]])
        return first_ms if self.subject.at_ms is None else self.subject.at_ms


class Loader:
    """Loads subjects; media are decoded by workers."""

    def __init__(self, pool: WorkerPool, limits: Limits) -> None:
        self._pool = pool
        self._limits = limits

    def file(self, subject: Subject, progress: Progress, cancelled: threading.Event) -> Loaded:
        """Load a picture, video or signature file.

        Raises:
            InvalidMedia, InvalidSignature: it cannot be used.
            InvalidArgument: it has no such time.
        """
        path = subject.path
        if path is None:
            raise InvalidArgument("no file, episode or source is named")
        if signature_file.is_signature_file(path):
            signature = read_signature(path, self._limits)
            return Loaded(subject, "signature", signature, fixed_frame(subject, signature))
        if subject.at_ms is not None or is_picture(read_head(path)):
            still = self._pool.still(path, subject.at_ms, progress, cancelled, self._limits)
            if still.kind == "image" or subject.at_ms is not None:
                return Loaded(subject, still.kind, still.signature, 0, still)
        signature = self._pool.sign(path, progress, cancelled, self._limits)
        return Loaded(subject, "video", signature, None)

    def frame(
        self, loaded: Loaded, kept: int, progress: Progress, cancelled: threading.Event
    ) -> Loaded:
        """Choose the frame to compare, and decode it where there are pixels."""
        if loaded.kind != "video" or loaded.subject.path is None:
            return loaded.at(kept, None)
        at_ms = loaded.time_ms(kept)
        path = loaded.subject.path
        still = self._pool.still(path, at_ms, progress, cancelled, self._limits)
        return loaded.at(kept, still)


def stored(subject: Subject, snapshot: Snapshot, catalog: Catalog) -> Loaded:
    """Load an episode or source from the library.

    Raises:
        NotFound: there is none, or nothing is stored of it.
        InvalidArgument: it has no such time.
    """
    held = snapshot.sources.values()
    if subject.source_id:
        sources = [one for one in held if one.source_id == subject.source_id]
    else:
        catalog.get_episode(subject.episode_id)
        sources = [one for one in held if one.episode_id == subject.episode_id]
    if not sources and subject.source_id:
        raise NotFound(f"there is no source {subject.source_id}")
    if not sources:
        raise NotFound(f"episode {subject.episode_id} has no sources to compare with")
    sources.sort(key=lambda one: (-one.signature.duration_ms, one.source_id))
    signature = sources[0].signature
    return Loaded(
        subject, "stored", signature, fixed_frame(subject, signature), sources=tuple(sources)
    )


def fixed_frame(subject: Subject, signature: Signature) -> int | None:
    """Return the kept frame that the subject's time names, or the only one there is; None is any.

    Raises:
        InvalidArgument: there is no such time.
    """
    if subject.at_ms is None:
        return 0 if signature.n_kept == 1 else None
    if signature.kind == "image":
        raise InvalidArgument(f"the time {subject.at_ms / 1000:g} s in a picture, which has none")
    if subject.at_ms > signature.duration_ms:
        raise InvalidArgument(
            f"it has no frame at {subject.at_ms / 1000:g} s; it ends at "
            f"{signature.duration_ms / 1000:g} s"
        )
    frame = int(np.searchsorted(signature.times_ms, subject.at_ms, side="right")) - 1
    return int(signature.kept_of(max(frame, 0)))


def library_of(signature: Signature) -> Library:
    """Return a library that holds one file, which is not indexed."""
    library = Library(lambda: make_index("numpy"))
    library.add(NewSource(NOT_INDEXED, NOT_INDEXED, NOT_INDEXED, signature))
    return library
