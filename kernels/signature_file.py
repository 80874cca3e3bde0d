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
import struct
import zlib
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect
from mitate.kernels.errors import CorruptData, InvalidSignature, NotFound
from mitate.kernels.signature import (
    N_COEFFICIENTS,
    N_WINDOWS,
    THUMB_COLS,
    THUMB_ROWS,
    Kind,
    Signature,
)

SUFFIX = ".msig"
MAGIC = b"\x89MSIG\r\n\n"
FORMAT_VERSION = 1
MAX_COLUMNS = 256

_ALIGNMENT = 64
_HEADER = struct.Struct("<8sHHIQBBHIIIIIIIq32s32sI")
_CRC = struct.Struct("<I")
_HEADER_BYTES = _HEADER.size + _CRC.size
_ENTRY = struct.Struct("<24s4sIQQQQII")
_KINDS: tuple[Kind, ...] = ("video", "image")
_PARTIAL = 1
_TYPES = ("|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<i8", "<f4", "<f8")
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
_OPTIONAL = (_RUN_COLUMNS, _INNER_COLUMNS)
_STORED = {name: name for name in (*_COLUMNS, *_INNER_COLUMNS)} | {
    name: f"{name}/2" for name in _RUN_COLUMNS
}
_NAMES = {stored: name for name, stored in _STORED.items()}


class _Column(NamedTuple):
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    n_bytes: int
    crc: int


class _Header(NamedTuple):
    n_columns: int
    file_bytes: int
    kind: Kind
    partial: bool
    width: int
    height: int
    rect: Rect
    duration_ms: int
    descriptor_version: str
    preprocessing_version: str
    directory_crc: int


def write(signature: Signature, file: BinaryIO) -> None:
    """Write `signature` from the current position of `file`; equal input gives equal bytes."""
    arrays = {
        name: np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        for name in (*_COLUMNS, *_RUN_COLUMNS, *_INNER_COLUMNS)
        for array in [_flat(getattr(signature, name))]
        if name in _COLUMNS or len(array)
    }
    columns, file_bytes = _plan(arrays)
    directory = b"".join(_pack_entry(column) for column in columns)
    file.write(_pack_header(signature, len(columns), file_bytes, zlib.crc32(directory)))
    file.write(directory)
    position = _HEADER_BYTES + len(directory)
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
    header = _read_header(data)
    columns = _read_directory(data, header)
    present = [group for group in _OPTIONAL if any(name in columns for name in group)]
    names = [*_COLUMNS, *(name for group in present for name in group)]
    missing = [name for name in names if name not in columns]
    if missing:
        raise InvalidSignature(f"signature file without the column {missing[0]!r}")
    if verify:
        _check_crcs(data, header)
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


def _plan(arrays: dict[str, npt.NDArray[Any]]) -> tuple[list[_Column], int]:
    columns = []
    position = _HEADER_BYTES + len(arrays) * _ENTRY.size
    for name, array in arrays.items():
        offset = -(-position // _ALIGNMENT) * _ALIGNMENT
        crc = zlib.crc32(array.data)
        columns.append(_Column(name, array.dtype, array.shape, offset, array.nbytes, crc))
        position = offset + array.nbytes
    return columns, position


def _pack_header(signature: Signature, n_columns: int, file_bytes: int, crc: int) -> bytes:
    packed = _HEADER.pack(
        MAGIC,
        FORMAT_VERSION,
        _HEADER_BYTES,
        n_columns,
        file_bytes,
        _KINDS.index(signature.kind),
        _PARTIAL if signature.partial else 0,
        0,
        signature.width,
        signature.height,
        *signature.rect,
        0,
        signature.duration_ms,
        signature.descriptor_version.encode("ascii"),
        signature.preprocessing_version.encode("ascii"),
        crc,
    )
    return packed + _CRC.pack(zlib.crc32(packed))


def _pack_entry(column: _Column) -> bytes:
    rows, per_row = column.shape[0], int(np.prod(column.shape[1:], dtype=np.int64))
    dtype, n_dims = column.dtype.str.encode("ascii"), len(column.shape)
    name = _STORED[column.name].encode("ascii")
    return _ENTRY.pack(
        name, dtype, n_dims, rows, per_row, column.offset, column.n_bytes, column.crc, 0
    )


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


def _read_header(data: memoryview) -> _Header:
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise InvalidSignature("not a signature file: it does not start with the bytes of one")
    if len(data) < _HEADER_BYTES:
        raise CorruptData(f"signature file of {len(data)} bytes; the header has {_HEADER_BYTES}")
    fields = _HEADER.unpack_from(data)
    _, version, header_bytes, n_columns, file_bytes, kind, flags = fields[:7]
    if version != FORMAT_VERSION:
        raise InvalidSignature(
            f"signature file of format {version}; this release reads format {FORMAT_VERSION}"
        )
    if zlib.crc32(data[: _HEADER.size]) != _CRC.unpack_from(data, _HEADER.size)[0]:
        raise CorruptData("the checksum of the signature file's header does not agree")
    if header_bytes != _HEADER_BYTES or kind >= len(_KINDS) or n_columns > MAX_COLUMNS:
        raise InvalidSignature(
            f"signature file header of {header_bytes} bytes, kind {kind}, {n_columns} columns; "
            f"allowed are {_HEADER_BYTES} bytes, kinds 0..1, up to {MAX_COLUMNS} columns"
        )
    if file_bytes != len(data):
        raise CorruptData(f"signature file of {len(data)} bytes; its header says {file_bytes}")
    width, height, left, top, right, bottom, _, duration_ms, descriptor, preprocessing, crc = (
        fields[8:]
    )
    return _Header(
        n_columns,
        file_bytes,
        _KINDS[kind],
        bool(flags & _PARTIAL),
        width,
        height,
        Rect(left, top, right, bottom),
        duration_ms,
        _text(descriptor),
        _text(preprocessing),
        crc,
    )


def _read_directory(data: memoryview, header: _Header) -> dict[str, _Column]:
    stop = _HEADER_BYTES + header.n_columns * _ENTRY.size
    directory = data[_HEADER_BYTES:stop]
    if stop > len(data) or zlib.crc32(directory) != header.directory_crc:
        raise CorruptData("the checksum of the signature file's directory does not agree")
    columns: dict[str, _Column] = {}
    for fields in _ENTRY.iter_unpack(directory):
        if (name := _NAMES.get(_text(fields[0]))) is None:
            continue
        if name in columns:
            raise InvalidSignature(f"signature file with two columns {name!r}")
        columns[name] = _column(name, fields, len(data))
    return columns


def _column(name: str, fields: tuple[Any, ...], file_bytes: int) -> _Column:
    _, type_code, n_dims, rows, per_row, offset, n_bytes, crc, _ = fields
    if _text(type_code) not in _TYPES or n_dims not in (1, 2):
        raise InvalidSignature(
            f"column {name!r} of type {_text(type_code)!r} with {n_dims} dimensions; "
            f"allowed are {', '.join(_TYPES)} with 1 or 2"
        )
    dtype: np.dtype[Any] = np.dtype(_text(type_code))
    shape = (rows,) if n_dims == 1 else (rows, per_row)
    if n_bytes != rows * (1 if n_dims == 1 else per_row) * dtype.itemsize:
        raise InvalidSignature(f"column {name!r} of shape {shape} does not have {n_bytes} bytes")
    if offset % _ALIGNMENT or offset + n_bytes > file_bytes:
        raise InvalidSignature(
            f"column {name!r} at {offset} with {n_bytes} bytes; it must start at a multiple of "
            f"{_ALIGNMENT} and end within the file's {file_bytes} bytes"
        )
    return _Column(name, dtype, shape, offset, n_bytes, crc)


def _check_crcs(data: memoryview, header: _Header) -> None:
    """Compare every column with its checksum, those of later versions too."""
    stop = _HEADER_BYTES + header.n_columns * _ENTRY.size
    for name, _, _, _, _, offset, n_bytes, crc, _ in _ENTRY.iter_unpack(data[_HEADER_BYTES:stop]):
        if zlib.crc32(data[offset : offset + n_bytes]) != crc:
            raise CorruptData(
                f"the checksum of column {_text(name)!r} of the signature file does not agree"
            )


def _array(data: memoryview, column: _Column) -> Any:
    count = column.n_bytes // column.dtype.itemsize
    flat = np.frombuffer(data, column.dtype, count, column.offset)
    row = {**_RUN_COLUMNS, **_INNER_COLUMNS}.get(column.name, ())
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


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii", "replace")
