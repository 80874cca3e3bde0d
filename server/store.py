"""The data directory: the catalog, the signature files, and the order in which they are written.

    DIR/lock             held by the server that uses the directory; holds its process id
    DIR/catalog.sqlite   what is stored, and which signature files belong to it
    DIR/signatures/      one immutable file per source
    DIR/tmp/             files being written; emptied at start
    DIR/uploads/         files that callers bring, named in the catalog until they are used

A source is stored in this order: its signature file is written in tmp/ and synced, renamed into
signatures/, the folder is synced, and then one transaction of the catalog makes it part of the
truth. Removal goes the other way: the transaction, then the file. So whatever dies when, a source
is there as a whole or not at all, and all that can be left over are files that the catalog does
not name, which the next start deletes.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mitate.kernels import signature_file
from mitate.kernels.errors import CorruptData, InvalidArgument, InvalidSignature, NotFound
from mitate.kernels.signature import Signature
from mitate.server.catalog import Also, Catalog
from mitate.server.directory import (
    CATALOG_NAME,
    LOCK_NAME,
    DirectoryLock,
    allow_open_files,
    check_ours,
    make_folder,
    space_errors,
    sync_folder,
)
from mitate.server.placement import Placement, check_sha256, file_label
from mitate.server.records import CommitResult, Removal, SignatureFile, Source, StoredSource

MAPPED_FROM_BYTES = 1 << 16  # smaller files are read, since each mapping keeps a file open

_log = logging.getLogger(__name__)


class Store:
    """All that is stored. Methods block on the disk; any thread may call them.

    Raises, when made:
        FailedPrecondition: another server uses the directory, or it holds other things.
        CorruptData: a signature file is missing or cut; the text names it.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.uploads = directory / "uploads"
        self._signatures = directory / "signatures"
        self.tmp = directory / "tmp"
        allow_open_files()
        make_folder(directory)
        check_ours(directory)
        self._lock = DirectoryLock(directory / LOCK_NAME)
        try:
            make_folder(self._signatures)
            empty = not os.listdir(self._signatures)
            self.catalog = Catalog(directory / CATALOG_NAME, create=empty)
            try:
                self._start()
            except BaseException:
                self.catalog.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    def close(self) -> None:
        """Close the catalog and let another server use the directory."""
        self.catalog.close()
        self._lock.release()

    def commit_source(
        self,
        signature: Signature,
        sha256: str,  # of the media file's content
        file_name: str,
        placement: Placement,
        also: Also | None = None,  # part of the transaction
    ) -> CommitResult:
        """Store a source for good, unless its content is there already.

        Raises:
            InvalidArgument: a name, reference or id is not allowed, or the placement contradicts
                itself.
            NotFound: the placement names an episode that is not there.
            Overloaded: no space is left.
        """
        sha256, placement = check_sha256(sha256), placement.checked()
        draft = _draft(signature, sha256, file_label(file_name)[0])
        found = self.catalog.find_commit(sha256, placement)
        if found is not None:
            return found
        file = self._write(signature)
        try:
            result = self.catalog.add_source(draft, file, placement, also)
        except (InvalidArgument, NotFound):
            self._unlink((file.name,))
            raise
        # After any other error the file stays until the next start: when a commit fails on the
        # disk, only the next start can tell whether the transaction got there.
        self._unlink((file.name,) if result.status == "exists" else result.removal.file_names)
        return result

    def load(self, source_id: int) -> Signature:
        """Return the signature of a source, mapped into memory unless it is small.

        Raises:
            NotFound: there is no such source.
            CorruptData: its file is missing or damaged; the text names it.
        """
        try:
            return self._read(self.catalog.file_of(source_id))
        except CorruptData:
            self.catalog.file_of(source_id)  # raises NotFound if it was removed meanwhile
            raise

    def load_all(self) -> Iterator[tuple[StoredSource, Signature]]:
        """Yield every source with its signature, as `load` does, by source id.

        Every checksum is compared, since all of it is about to be read anyway.
        """
        for stored in self.catalog.stored():
            yield stored, self._read(stored.file, verify=True)

    def remove_episode(self, episode_id: int) -> Removal:
        """Remove an episode with its sources; raises NotFound."""
        return self._removed(self.catalog.delete_episode(episode_id))

    def remove_title(self, title_id: int, *, force: bool = False) -> Removal:
        """Remove a title, with `force` its episodes too; raises NotFound, FailedPrecondition."""
        return self._removed(self.catalog.delete_title(title_id, force=force))

    def verify(self) -> Iterator[CorruptData]:
        """Compare everything with its checksums and yield an error for each damaged file."""
        try:
            self.catalog.check()
        except CorruptData as error:
            yield error
        for stored in self.catalog.stored():
            try:
                self._verify(stored.file)
            except CorruptData as error:
                if self._is_stored(stored.source.source_id):
                    yield error

    def _start(self) -> None:
        make_folder(self.uploads)
        make_folder(self.tmp)
        _empty(self.tmp)
        sync_folder(self.directory)
        named = {stored.file.name: stored.file for stored in self.catalog.stored()}
        sizes = {
            entry.name: entry.stat().st_size
            for entry in os.scandir(self._signatures)
            if entry.is_file()
        }
        for file in named.values():
            if file.name not in sizes:
                raise CorruptData(f"signature file {self._signatures / file.name} is missing")
            self._check_size(file, sizes[file.name])
        self._unlink(sizes.keys() - named.keys())

    def _write(self, signature: Signature) -> SignatureFile:
        name = secrets.token_hex(16) + signature_file.SUFFIX
        temporary = self.tmp / name
        with space_errors(self.directory):
            try:
                with open(temporary, "x+b") as file:
                    signature_file.write(signature, file)
                    file.flush()
                    os.fsync(file.fileno())
                    n_bytes = file.tell()
                    file.seek(0)
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                os.rename(temporary, self._signatures / name)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            sync_folder(self._signatures)
        return SignatureFile(name, n_bytes, digest)

    def _read(self, file: SignatureFile, *, verify: bool = False) -> Signature:
        path = self._signatures / file.name
        try:
            self._check_size(file, path.stat().st_size)
            mapped = file.n_bytes >= MAPPED_FROM_BYTES
            return signature_file.read(path if mapped else path.read_bytes(), verify=verify)
        except (FileNotFoundError, NotFound) as error:
            raise CorruptData(f"signature file {path} is missing") from error
        except (CorruptData, InvalidSignature) as error:
            raise CorruptData(f"signature file {path} is damaged: {error.message}") from error

    def _verify(self, file: SignatureFile) -> None:
        self._read(file, verify=True)
        path = self._signatures / file.name
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != file.sha256:
            raise CorruptData(
                f"signature file {path} has SHA-256 {digest}; the catalog says {file.sha256}"
            )

    def _check_size(self, file: SignatureFile, n_bytes: int) -> None:
        if n_bytes != file.n_bytes:
            raise CorruptData(
                f"signature file {self._signatures / file.name} has {n_bytes} bytes; "
                f"the catalog says {file.n_bytes}"
            )

    def _is_stored(self, source_id: int) -> bool:
        with suppress(NotFound):
            self.catalog.file_of(source_id)
            return True
        return False

    def _removed(self, removal: Removal) -> Removal:
        self._unlink(removal.file_names)
        return removal

    def _unlink(self, names: Iterable[str]) -> None:
        for name in names:
            path = self._signatures / name
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("signature file left behind file=%s error=%s", path, error.strerror)


def _empty(folder: Path) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _draft(signature: Signature, sha256: str, file_name: str) -> Source:
    return Source(
        source_id=0,
        episode_id=0,
        sha256=sha256,
        file_name=file_name,
        kind=signature.kind,
        n_frames=signature.n_frames,
        n_kept=signature.n_kept,
        duration_ms=signature.duration_ms,
        width=signature.width,
        height=signature.height,
        descriptor_version=signature.descriptor_version,
        preprocessing_version=signature.preprocessing_version,
        partial=signature.partial,
        created_ms=0,
    )
