from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from making import make_signature

from mitate.kernels.borders import Rect
from mitate.kernels.errors import InvalidSignature


def test_kept_and_frames_are_inverse() -> None:
    signature = make_signature(n_frames=10, every=3)
    frames = [signature.frames_of(kept) for kept in range(signature.n_kept)]
    assert [list(part) for part in frames] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert signature.kept_of(np.arange(10)).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    assert signature.kept_of([[9, 0], [3, 5]]).tolist() == [[3, 0], [1, 1]]


def test_frames_of_unknown_descriptor_is_an_index_error() -> None:
    with pytest.raises(IndexError, match="4 of 4"):
        make_signature(n_frames=10, every=3).frames_of(4)


def test_arrays_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        make_signature().layouts[0, 0] = 1


def test_repr_shows_sizes() -> None:
    assert repr(make_signature(10)) == "Signature(video, 640x360, 10 frames, 4 kept, 400 ms)"


LAYOUTS = make_signature().layouts


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": "audio"}, "kind 'audio'"),
        ({"descriptor_version": "cld/0"}, "descriptor version 'cld/0'"),
        ({"preprocessing_version": ""}, "preprocessing version ''"),
        ({"preprocessing_version": "x" * 33}, "1..32 printable"),
        ({"width": 0}, "size 0x360"),
        ({"rect": Rect(0, 0, 641, 360)}, "does not lie within 640x360"),
        ({"rect": Rect(8, 0, 8, 360)}, "does not lie within 640x360"),
        ({"times_ms": np.arange(10, dtype=np.int32)}, "times_ms is int32"),
        ({"times_ms": np.array([], np.int64)}, "no frames"),
        ({"times_ms": np.arange(10, dtype=np.int64) - 1}, "first frame is at -1 ms"),
        ({"times_ms": np.array([0, 5, 5, 9, 10, 11, 12, 13, 14, 15])}, "frame 2 is at 5 ms after"),
        ({"duration_ms": 359}, "duration 359 ms, but the last frame is at 360 ms"),
        ({"layouts": LAYOUTS[:3]}, r"layouts has shape \(3, 33\)"),
        ({"layouts": LAYOUTS[:, :32]}, r"layouts has shape \(4, 32\)"),
        ({"mirrored": LAYOUTS + np.uint8(32)}, "mirrored coefficient"),
        ({"quality": np.zeros(3, np.uint8)}, "quality has shape"),
        ({"kept_first": np.array([1, 2, 3, 4], np.uint32)}, "start with frame 0"),
        ({"kept_first": np.array([0, 2, 2, 4], np.uint32)}, "kept_first must increase"),
        ({"kept_first": np.array([0, 2, 3, 10], np.uint32)}, "names frame 10 of 10"),
    ],
)
def test_broken_signatures_are_refused(change: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidSignature, match=text):
        replace(make_signature(), **change)
