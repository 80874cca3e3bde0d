"""Header and directory of a signature file: bytes to records and back, checked.

`signature_file` says which columns there are; docs/formats.md has every byte.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from mitate.kernels.borders import Rect
from mitate.kernels.errors import CorruptData, InvalidSignature
from mitate.kernels.signature import Kind, Signature

MAGIC = b"\x89MSIG\r\n\n"
FORMAT_VERSION = 1
MAX_COLUMNS = 256
ALIGNMENT = 64

_HEADER = struct.Struct("<8sHHIQBBHIIIIIIIq32s32sI")
_CRC = struct.Struct("<I")
_ENTRY = struct.Struct("<24s4sIQQQQII")
HEADER_BYTES = _HEADER.size + _CRC.size
ENTRY_BYTES = _ENTRY.size
_KINDS: tuple[Kind, ...] = ("video", "image")
_PARTIAL = 1
_TYPES = ("|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<i8", "<f4", "<f8")


class Column(NamedTuple):
    """Where the bytes of a column lie, and what they are."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    offset: int
    n_bytes: int
    crc: int


class Header(NamedTuple):
    """What a signature file says beside its columns."""

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


def pack_header(
    signature: Signature,
    n_columns: int,
    file_bytes: int,
    crc: int,  # of the directory
) -> bytes:
    """Return the header of a file that holds `signature`."""
    packed = _HEADER.pack(
        MAGIC,
        FORMAT_VERSION,
        HEADER_BYTES,
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


def pack_entry(column: Column, stored: str) -> bytes:
    """Return the entry of the directory for a column, under the name by which it is stored."""
    rows, per_row = column.shape[0], int(np.prod(column.shape[1:], dtype=np.int64))
    dtype, n_dims = column.dtype.str.encode("ascii"), len(column.shape)
    name = stored.encode("ascii")
    return _ENTRY.pack(
        name, dtype, n_dims, rows, per_row, column.offset, column.n_bytes, column.crc, 0
    )


def read_header(data: memoryview) -> Header:
    """Return the header of a whole file; raises InvalidSignature or CorruptData."""
    if bytes(data[: len(MAGIC)]) != MAGIC:
        raise InvalidSignature("not a signature file: it does not start with the bytes of one")
    if len(data) < HEADER_BYTES:
        raise CorruptData(f"signature file of {len(data)} bytes; the header has {HEADER_BYTES}")
    fields = _HEADER.unpack_from(data)
    _, version, header_bytes, n_columns, file_bytes, kind, flags = fields[:7]
    if version != FORMAT_VERSION:
        raise InvalidSignature(
            f"signature file of format {version}; this release reads format {FORMAT_VERSION}"
        )
    if zlib.crc32(data[: _HEADER.size]) != _CRC.unpack_from(data, _HEADER.size)[0]:
        raise CorruptData("the checksum of the signature file's header does not agree")
    if header_bytes != HEADER_BYTES or kind >= len(_KINDS) or n_columns > MAX_COLUMNS:
        raise InvalidSignature(
            f"signature file header of {header_bytes} bytes, kind {kind}, {n_columns} columns; "
            f"allowed are {HEADER_BYTES} bytes, kinds 0..1, up to {MAX_COLUMNS} columns"
        )
    if file_bytes != len(data):
        raise CorruptData(f"signature file of {len(data)} bytes; its header says {file_bytes}")
    width, height, left, top, right, bottom, _, duration_ms, descriptor, preprocessing, crc = (
        fields[8:]
    )
    return Header(
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


def read_directory(
    data: memoryview,
    header: Header,
    names: Mapping[str, str],  # of columns that are read, by the names under which they are stored
) -> dict[str, Column]:
    """Return the columns by name, without others; raises InvalidSignature or CorruptData."""
    stop = HEADER_BYTES + header.n_columns * ENTRY_BYTES
    directory = data[HEADER_BYTES:stop]
    if stop > len(data) or zlib.crc32(directory) != header.directory_crc:
        raise CorruptData("the checksum of the signature file's directory does not agree")
    columns: dict[str, Column] = {}
    for fields in _ENTRY.iter_unpack(directory):
        if (name := names.get(_text(fields[0]))) is None:
            continue
        if name in columns:
            raise InvalidSignature(f"signature file with two columns {name!r}")
        columns[name] = _column(name, fields, len(data))
    return columns


def _column(name: str, fields: tuple[Any, ...], file_bytes: int) -> Column:
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
    if offset % ALIGNMENT or offset + n_bytes > file_bytes:
        raise InvalidSignature(
            f"column {name!r} at {offset} with {n_bytes} bytes; it must start at a multiple of "
            f"{ALIGNMENT} and end within the file's {file_bytes} bytes"
        )
    return Column(name, dtype, shape, offset, n_bytes, crc)


def check_crcs(data: memoryview, header: Header) -> None:
    """Compare every column with its checksum, those of later versions too; raises CorruptData."""
    stop = HEADER_BYTES + header.n_columns * ENTRY_BYTES
    for name, _, _, _, _, offset, n_bytes, crc, _ in _ENTRY.iter_unpack(data[HEADER_BYTES:stop]):
        if zlib.crc32(data[offset : offset + n_bytes]) != crc:
            raise CorruptData(
                f"the checksum of column {_text(name)!r} of the signature file does not agree"
            )


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii", "replace")
