"""What the columns of a signature must be like; `check` refuses what breaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from mitate.kernels.errors import InvalidSignature

if TYPE_CHECKING:
    from mitate.kernels.signature import Signature

DESCRIPTOR_VERSION = "cld-21-6-6-mean/1"
N_COEFFICIENTS = 33
N_WINDOWS = 16
THUMB_ROWS, THUMB_COLS = 20, 40
LUMA_ROWS, LUMA_COLS = 10, 16
MAX_SIDE = 1 << 24
MAX_VERSION_BYTES = 32

Kind = Literal["video", "image"]

# Largest value of each coefficient: six bits for the three DC values, five for the others.
_LARGEST = np.full(N_COEFFICIENTS, 31, np.uint8)
_LARGEST[[0, 21, 27]] = 63


def check(signature: Signature) -> None:
    """Raise InvalidSignature, naming what is wrong, if a signature breaks a rule."""
    _check_header(signature)
    _check_array("times_ms", signature.times_ms, np.int64, (None,))
    m = len(signature.kept_first) if np.ndim(signature.kept_first) == 1 else None
    _check_array("kept_first", signature.kept_first, np.uint32, (None,))
    for name in ("layouts", "mirrored"):
        _check_array(name, getattr(signature, name), np.uint8, (m, N_COEFFICIENTS))
        _check_layouts(name, getattr(signature, name))
    _check_array("quality", signature.quality, np.uint8, (m,))
    _check_times(signature.times_ms, signature.duration_ms)
    _check_first("kept_first", signature.kept_first, signature.n_frames, "frame")
    _check_runs(signature)
    _check_inner(signature)
    _check_lumas(signature)


def _check_header(signature: Signature) -> None:
    if signature.kind not in get_args(Kind):
        raise InvalidSignature(f"kind {signature.kind!r}; allowed are {', '.join(get_args(Kind))}")
    if signature.descriptor_version != DESCRIPTOR_VERSION:
        raise InvalidSignature(
            f"descriptor version {signature.descriptor_version!r}; this release reads "
            f"{DESCRIPTOR_VERSION!r}"
        )
    _check_version_text(signature.preprocessing_version)
    width, height, rect = signature.width, signature.height, signature.rect
    if not (1 <= width <= MAX_SIDE and 1 <= height <= MAX_SIDE):
        raise InvalidSignature(f"size {width}x{height}; sides of 1..{MAX_SIDE} are allowed")
    if not (0 <= rect.left < rect.right <= width and 0 <= rect.top < rect.bottom <= height):
        raise InvalidSignature(f"rect {tuple(rect)} does not lie within {width}x{height}")


def _check_version_text(version: str) -> None:
    printable = version.isascii() and version.isprintable()
    if not (1 <= len(version) <= MAX_VERSION_BYTES and printable):
        raise InvalidSignature(
            f"preprocessing version {version!r}; 1..{MAX_VERSION_BYTES} printable ASCII "
            f"characters are allowed"
        )


def _check_array(
    name: str, array: npt.NDArray[Any], dtype: type[np.generic], shape: tuple[int | None, ...]
) -> None:
    wanted = f"{np.dtype(dtype).name} of shape ({', '.join(str(n or 'any') for n in shape)})"
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != len(shape):
        got = f"{getattr(array, 'dtype', type(array).__name__)} of shape {np.shape(array)}"
        raise InvalidSignature(f"{name} is {got}; it must be {wanted}")
    if any(
        want is not None and have != want for have, want in zip(array.shape, shape, strict=True)
    ):
        raise InvalidSignature(f"{name} has shape {array.shape}; it must be {wanted}")


def _check_layouts(name: str, layouts: npt.NDArray[np.uint8]) -> None:
    wrong = layouts.max(axis=0, initial=0) > _LARGEST
    if wrong.any():
        column = int(wrong.argmax())
        raise InvalidSignature(
            f"{name} coefficient {column} is {int(layouts[:, column].max())}; "
            f"at most {_LARGEST[column]} is allowed"
        )


def _check_times(times_ms: npt.NDArray[np.int64], duration_ms: int) -> None:
    if len(times_ms) == 0:
        raise InvalidSignature("no frames; at least one is needed")
    if times_ms[0] < 0:
        raise InvalidSignature(f"the first frame is at {times_ms[0]} ms; times start at 0 or later")
    if np.any(times_ms[1:] <= times_ms[:-1]):
        at = int(np.argmax(times_ms[1:] <= times_ms[:-1])) + 1
        raise InvalidSignature(
            f"frame {at} is at {times_ms[at]} ms after one at {times_ms[at - 1]} ms; "
            f"times must increase strictly"
        )
    if duration_ms < times_ms[-1]:
        raise InvalidSignature(
            f"duration {duration_ms} ms, but the last frame is at {times_ms[-1]} ms"
        )


def _check_first(name: str, first: npt.NDArray[np.uint32], n_items: int, item: str) -> None:
    """Check numbers of the first of some items, which all follow one another from 0 on."""
    if len(first) == 0 or first[0] != 0:
        raise InvalidSignature(f"{name} must start with {item} 0")
    if np.any(first[1:] <= first[:-1]):
        raise InvalidSignature(f"{name} must increase strictly")
    if first[-1] >= n_items:
        raise InvalidSignature(f"{name} names {item} {first[-1]} of {n_items}")


def _check_inner(signature: Signature) -> None:
    kept = signature.inner_kept
    _check_array("inner_kept", kept, np.uint32, (None,))
    for name in ("inner", "inner_mirrored"):
        _check_array(name, getattr(signature, name), np.uint8, (len(kept), N_COEFFICIENTS))
        _check_layouts(name, getattr(signature, name))
    if np.any(kept[1:] <= kept[:-1]):
        raise InvalidSignature("inner_kept must increase strictly")
    if len(kept) and kept[-1] >= signature.n_kept:
        raise InvalidSignature(f"inner_kept names descriptor {kept[-1]} of {signature.n_kept}")


def _check_runs(signature: Signature) -> None:
    first = signature.run_first
    _check_array("run_first", first, np.uint32, (None,))
    n_runs = len(first)
    _check_array("windows", signature.windows, np.uint8, (n_runs, N_WINDOWS, N_COEFFICIENTS))
    _check_layouts("windows", signature.windows.reshape(-1, N_COEFFICIENTS))
    _check_array("thumbnails", signature.thumbnails, np.uint8, (n_runs, THUMB_ROWS, THUMB_COLS))
    if n_runs:
        _check_first("run_first", first, signature.n_kept, "kept descriptor")


def _check_lumas(signature: Signature) -> None:
    first = signature.luma_first
    _check_array("luma_first", first, np.uint32, (None,))
    _check_array("lumas", signature.lumas, np.uint8, (len(first), LUMA_ROWS, LUMA_COLS))
    if len(first):
        _check_first("luma_first", first, signature.n_frames, "frame")
