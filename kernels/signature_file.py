"""The signature file (suffix .msig): columns that can be mapped into memory and checked.

    header      136 bytes, little endian, ends with the CRC-32 of what is before it
    directory   72 bytes per column: name, type, shape, offset, length, CRC-32
    columns     each at a multiple of 64 bytes, zeros between them

One format serves stored files, `mitate sign -o` and signatures on the wire. Readers skip columns
that they do not know, so a column can be added without a new format version. docs/formats.md has
every byte.
"""

from __future__ import annotations

import math
import mmap
import os
import zlib
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt

from mitate.kernels.errors import CorruptData, InvalidSignature, NotFound
from mitate.kernels.signature import (
    LUMA_COLS,
    LUMA_ROWS,
    N_COEFFICIENTS,
    N_WINDOWS,
    THUMB_COLS,
    THUMB_ROWS,
    Signature,
)
from mitate.kernels.signature_header import (
    ALIGNMENT,
    ENTRY_BYTES,
    HEADER_BYTES,
    MAGIC,
    Column,
    check_crcs,
    pack_entry,
    pack_header,
    read_directory,
    read_header,
)

SUFFIX = ".msig"
_COLUMNS = ("times_ms", "kept_first", "layouts", "mirrored", "quality")
# Columns that older files lack, and the shape of a row; present together or not at all. They are
# stored with a number that grows when other windows are described.
_RUN_COLUMNS: dict[str, tuple[int, ...]] = {
    "run_first": (),
    "windows": (N_WINDOWS, N_COEFFICIENTS),
    "thumbnails": (THUMB_ROWS, THUMB_COLS),
}
# Likewise, of videos in which some shots stand within a border.
_INNER_COLUMNS: dict[str, tuple[int, ...]] = {
    "inner_kept": (),
    "inner": (N_COEFFICIENTS,),
    "inner_mirrored": (N_COEFFICIENTS,),
}
# Likewise, of videos.
_LUMA_COLUMNS: dict[str, tuple[int, ...]] = {
    "luma_first": (),
    "lumas": (LUMA_ROWS, LUMA_COLS),
}
_OPTIONAL = (_RUN_COLUMNS, _INNER_COLUMNS, _LUMA_COLUMNS)
_ROWS = {name: row for group in _OPTIONAL for name, row in group.items()}
_STORED = {name: name for name in (*_COLUMNS, *_ROWS)} | {
    name: f"{name}/2" for name in _RUN_COLUMNS
}
_NAMES = {stored: name for name, stored in _STORED.items()}


def write(signature: Signature, file: BinaryIO) -> None:
    """Write `signature` from the current position of `file`; equal input gives equal bytes."""
    arrays = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name in (*_COLUMNS, *_ROWS)
        for array in [_flat(getattr(signature, name))]
        if name in _COLUMNS or len(array)
    }
    columns, file_bytes = _plan(arrays)
    directory = b"".join(pack_entry(column, _STORED[column.name]) for column in columns)
    file.write(pack_header(signature, len(columns), file_bytes, zlib.crc32(directory)))
    file.write(directory)
    position = HEADER_BYTES + len(directory)
    for column in columns:
        file.write(bytes(column.offset - position))
        file.write(arrays[column.name].data)
        position = column.offset + column.n_bytes


def is_signature_file(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file starts as a signature file does."""
    with open(path, "rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read(source: str | os.PathLike[str] | bytes | memoryview, *, verify: bool = True) -> Signature:
    """Return the signature in a file or a buffer without copying its arrays.

    A file is mapped into memory and stays mapped as long as an array of it lives.

    Args:
        source: path of a file, or the bytes of one.
        verify: compare the checksum of every column too, which reads the whole file. The header
            and the directory are always checked.

    Raises:
        NotFound: there is no such file.
        InvalidSignature: not a signature file, or one that breaks the rules of a signature.
        CorruptData: cut short or changed after it was written.
    """
    data = memoryview(source) if isinstance(source, bytes | memoryview) else _map(source)
    header = read_header(data)
    columns = read_directory(data, header, _NAMES)
    present = [group for group in _OPTIONAL if any(name in columns for name in group)]
    names = [*_COLUMNS, *(name for group in present for name in group)]
    missing = [name for name in names if name not in columns]
    if missing:
        raise InvalidSignature(f"signature file without the column {missing[0]!r}")
    if verify:
        check_crcs(data, header)
    arrays = {name: _array(data, columns[name]) for name in names}
    return Signature(
        kind=header.kind,
        descriptor_version=header.descriptor_version,
        preprocessing_version=header.preprocessing_version,
        width=header.width,
        height=header.height,
        rect=header.rect,
        duration_ms=header.duration_ms,
        partial=header.partial,
        **arrays,
    )


def verify(source: str | os.PathLike[str] | bytes | memoryview) -> None:
    """Check every checksum and rule of a signature file; raises what `read` raises."""
    read(source, verify=True)


def _plan(arrays: dict[str, npt.NDArray[Any]]) -> tuple[list[Column], int]:
    columns = []
    position = HEADER_BYTES + len(arrays) * ENTRY_BYTES
    for name, array in arrays.items():
        offset = -(-position // ALIGNMENT) * ALIGNMENT
        crc = zlib.crc32(array.data)
        columns.append(Column(name, array.dtype, array.shape, offset, array.nbytes, crc))
        position = offset + array.nbytes
    return columns, position


def _map(path: str | os.PathLike[str]) -> memoryview:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise CorruptData(f"signature file {os.fspath(path)} is empty")
            return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except FileNotFoundError as error:
        raise NotFound(f"no such signature file: {os.fspath(path)}") from error
    except OSError as error:
        raise CorruptData(f"cannot read {os.fspath(path)}: {error.strerror}") from error


def _array(data: memoryview, column: Column) -> Any:
    count = column.n_bytes // column.dtype.itemsize
    flat = np.frombuffer(data, column.dtype, count, column.offset)
    row = _ROWS.get(column.name, ())
    if not row:
        return cast(Any, flat.reshape(column.shape))
    if column.shape[1:] != (math.prod(row),):
        raise InvalidSignature(
            f"column {column.name!r} of shape {column.shape}; rows have {math.prod(row)} values"
        )
    return cast(Any, flat.reshape(-1, *row))


def _flat(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array whose rows have one dimension."""
    return array if array.ndim == 1 else array.reshape(len(array), math.prod(array.shape[1:]))
