"""Published encodings of one descriptor.

    bytes  text           layout
    35     48 characters  21, 6, then Y[21] Cb[6] Cr[6], one byte each (LIRE, Ashen)
    33     44 characters  Y[21] Cb[6] Cr[6], one byte each (trace.moe)
    21     28 characters  6 bits for each DC value and 5 for each other, most significant first,
                          in the same order (trace.moe-id); the text is url-safe base64

Text is base64; both of its alphabets are read.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np
import numpy.typing as npt

from mitate.kernels.errors import InvalidSignature
from mitate.kernels.layout import LARGEST, N_COEFFICIENTS, Layouts

_HEADER = (21, 6)
_ROW_BYTES = (35, 33, 21)
_BYTES_OF_CHARACTERS = {48: 35, 44: 33, 28: 21}

_BITS = np.where(LARGEST == 63, 6, 5)
_FIRST_BIT = np.cumsum(_BITS) - _BITS
# Value of each of the 168 bits within its coefficient.
_BIT_VALUES = 1 << np.concatenate([np.arange(bits)[::-1] for bits in _BITS])
_COEFFICIENT_OF_BIT = np.repeat(np.arange(N_COEFFICIENTS), _BITS)
_QUICK_ROWS = 4096
_LARGEST_OF_ROWS = np.tile(LARGEST, _QUICK_ROWS)


def decode_layouts(*data: bytes | str) -> Layouts:
    """Return descriptors, each given as bytes or text of any of the three forms, (n, 33).

    Raises:
        InvalidSignature: a wrong length, header, character or value.
    """
    rows = [_from_text(item) if isinstance(item, str) else bytes(item) for item in data]
    for row in rows:
        if len(row) not in _ROW_BYTES:
            raise InvalidSignature(f"descriptor of {len(row)} bytes; 35, 33 and 21 are allowed")
    decoded = [decode_rows(row, len(row)) for row in rows]
    return np.concatenate(decoded) if decoded else np.empty((0, N_COEFFICIENTS), np.uint8)


def decode_rows(data: bytes | memoryview, row_bytes: int) -> Layouts:
    """Return the descriptors of one form that stand one after the other in `data`, (n, 33).

    Args:
        data: whole rows.
        row_bytes: 35, 33 or 21.

    Raises:
        InvalidSignature: a wrong length, header or value.
    """
    if row_bytes not in _ROW_BYTES:
        raise ValueError(f"rows of {row_bytes} bytes; 35, 33 and 21 are allowed")
    if len(data) % row_bytes:
        raise InvalidSignature(f"{len(data)} bytes are not whole descriptors of {row_bytes} bytes")
    rows = np.frombuffer(data, np.uint8).reshape(-1, row_bytes)
    if row_bytes == 21:
        bits = np.unpackbits(rows, axis=1) * _BIT_VALUES
        return np.add.reduceat(bits, _FIRST_BIT, axis=1).astype(np.uint8)
    if row_bytes == 35:
        _check_header(rows)
        rows = rows[:, 2:]
    return check_layouts(rows)


def encode35(
    layouts: Layouts,  # (33,) or (n, 33)
) -> bytes:
    """Return rows of 35 bytes."""
    rows = check_layouts(np.atleast_2d(layouts))
    return np.insert(rows, [0, 0], _HEADER, axis=1).tobytes()


def encode33(
    layouts: Layouts,  # (33,) or (n, 33)
) -> bytes:
    """Return rows of 33 bytes."""
    return check_layouts(np.atleast_2d(layouts)).tobytes()


def encode28(
    layout: Layouts,  # (33,)
) -> str:
    """Return one descriptor as 28 characters of url-safe base64."""
    rows = check_layouts(np.atleast_2d(layout))
    bits = rows[:, _COEFFICIENT_OF_BIT] & _BIT_VALUES > 0
    return base64.urlsafe_b64encode(np.packbits(bits, axis=1).tobytes()).decode("ascii")


def check_layouts(layouts: npt.NDArray[Any], name: str = "descriptor") -> Layouts:
    """Return `layouts` if they are descriptors, (n, 33) uint8 within the range of each coefficient.

    Raises:
        InvalidSignature: they are not; the text starts with `name`.
    """
    if layouts.dtype != np.uint8 or layouts.ndim != 2 or layouts.shape[1] != N_COEFFICIENTS:
        raise InvalidSignature(
            f"{name} is {layouts.dtype} of shape {layouts.shape}; uint8 of shape (n, 33) is allowed"
        )
    if _within_range(layouts):
        return layouts
    wrong = layouts > LARGEST
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise InvalidSignature(
            f"{_numbered(name, row, layouts)} has {layouts[row, column]} as coefficient {column}; "
            f"0..{LARGEST[column]} is allowed"
        )
    return layouts


def _within_range(layouts: Layouts) -> bool:
    """Tell quickly whether few rows, one after the other in memory, are descriptors."""
    if len(layouts) > _QUICK_ROWS or not layouts.flags.c_contiguous:
        return False
    return not np.greater(layouts.ravel(), _LARGEST_OF_ROWS[: layouts.size]).any()


def _check_header(rows: Layouts) -> None:
    wrong = (rows[:, :2] != _HEADER).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        luma, chroma = rows[row, :2]
        raise InvalidSignature(
            f"{_numbered('descriptor', row, rows)} has {luma} luma and {chroma} chroma "
            f"coefficients; 21 and 6 are allowed"
        )


def _numbered(name: str, row: int, rows: Layouts) -> str:
    return name if len(rows) == 1 else f"{name} {row}"


def _from_text(text: str) -> bytes:
    if len(text) not in _BYTES_OF_CHARACTERS:
        raise InvalidSignature(
            f"descriptor of {len(text)} characters; 48, 44 and 28 of base64 are allowed"
        )
    try:
        data = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidSignature(f"descriptor {text!r} is not base64: {error}") from error
    if len(data) != _BYTES_OF_CHARACTERS[len(text)]:
        raise InvalidSignature(
            f"descriptor {text!r} holds {len(data)} bytes; "
            f"{_BYTES_OF_CHARACTERS[len(text)]} are allowed in {len(text)} characters"
        )
    return data
