from __future__ import annotations

import io
import mmap
import struct
import zlib
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import make_signature, with_lumas, with_runs

from mitate.kernels import signature_file
from mitate.kernels.errors import CorruptData, InvalidSignature, NotFound
from mitate.kernels.signature import LUMA_COLS, LUMA_ROWS, Signature

ENTRY_BYTES = 72
HEADER_BYTES = 136


def packed(signature: Signature) -> bytes:
    file = io.BytesIO()
    signature_file.write(signature, file)
    return file.getvalue()


def assert_same(one: Signature, other: Signature) -> None:
    for field in fields(Signature):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))


def with_new_checksums(data: bytearray) -> bytes:
    n_columns = struct.unpack_from("<I", data, 12)[0]
    stop = HEADER_BYTES + n_columns * ENTRY_BYTES
    struct.pack_into("<I", data, 128, zlib.crc32(data[HEADER_BYTES:stop]))
    struct.pack_into("<I", data, 132, zlib.crc32(data[:132]))
    return bytes(data)


@given(n_frames=st.integers(1, 300), every=st.integers(1, 40), seed=st.integers(0, 99))
def test_what_is_written_is_read(n_frames: int, every: int, seed: int) -> None:
    signature = make_signature(n_frames, every, seed)
    assert_same(signature_file.read(packed(signature)), signature)


def test_runs_are_written_and_read() -> None:
    signature = make_signature(60)
    assert_same(signature_file.read(packed(with_runs(signature))), with_runs(signature))


def test_luma_grids_are_written_and_read_and_stay_with_their_frames() -> None:
    signature = with_lumas(make_signature(60))
    assert_same(signature_file.read(packed(signature)), signature)
    part = signature.part(10, 41)
    shown = part.lumas[part.luma_of(np.arange(part.n_frames))]
    np.testing.assert_array_equal(shown, signature.lumas[signature.luma_of(np.arange(10, 41))])
    assert not len(make_signature(60).part(10, 41).lumas)


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ([1, 2], "luma_first must start with frame 0"),
        ([0, 0], "luma_first must increase"),
        ([0, 60], "luma_first names frame 60 of 60"),
        ([0], "lumas has shape"),
    ],
)
def test_luma_grids_of_no_frame_are_refused(first: list[int], message: str) -> None:
    signature = make_signature(60)
    lumas = np.zeros((2, LUMA_ROWS, LUMA_COLS), np.uint8)
    with pytest.raises(InvalidSignature, match=message):
        replace(signature, luma_first=np.array(first, np.uint32), lumas=lumas)


def test_older_files_have_no_runs_and_half_of_their_columns_is_refused() -> None:
    assert len(signature_file.read(packed(make_signature(9))).run_first) == 0
    data = bytearray(packed(with_runs(make_signature(9))))
    at = data.index(b"thumbnails/2\0")
    data[at : at + 10] = b"thumbnests"
    with pytest.raises(InvalidSignature, match="without the column 'thumbnails'"):
        signature_file.read(with_new_checksums(data))


def test_windows_of_an_older_choice_are_passed_over_with_their_runs() -> None:
    data = bytearray(packed(with_runs(make_signature(9))))
    for name in (b"run_first", b"windows", b"thumbnails"):
        at = data.index(name + b"/2\0") + len(name)
        data[at : at + 2] = b"\0\0"
    read = signature_file.read(with_new_checksums(data))
    assert len(read.run_first) == len(read.windows) == len(read.thumbnails) == 0
    assert read.n_frames == 9


def test_runs_that_name_no_descriptor_are_refused() -> None:
    signature = with_runs(make_signature(60))
    with pytest.raises(InvalidSignature, match="names kept descriptor"):
        replace(
            signature, run_first=signature.run_first + np.uint32(19) * (signature.run_first > 0)
        )
    with pytest.raises(InvalidSignature, match="must start with kept descriptor 0"):
        replace(signature, run_first=signature.run_first + np.uint32(1))


def test_stills_and_partial_items_are_told_apart() -> None:
    still = replace(make_signature(1), kind="image", partial=False)
    cut = replace(make_signature(5), partial=True)
    assert signature_file.read(packed(still)).kind == "image"
    assert signature_file.read(packed(cut)).partial


def test_equal_signatures_give_equal_bytes() -> None:
    assert packed(make_signature(50)) == packed(make_signature(50))


def test_a_file_is_mapped_and_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "one.msig"
    path.write_bytes(packed(make_signature(50)))
    signature = signature_file.read(path)
    base: object = signature.layouts
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    assert isinstance(base, memoryview)
    assert isinstance(base.obj, mmap.mmap)
    signature_file.verify(path)


def test_columns_start_at_multiples_of_64() -> None:
    data = packed(make_signature(7))
    for column in range(5):
        offset = struct.unpack_from("<Q", data, HEADER_BYTES + column * ENTRY_BYTES + 48)[0]
        assert offset % 64 == 0


def test_every_changed_byte_outside_the_padding_is_noticed() -> None:
    signature = make_signature(7)
    data = packed(signature)
    for position in range(0, len(data), 7):
        changed = bytearray(data)
        changed[position] ^= 0x10
        try:
            read = signature_file.read(bytes(changed))
        except (CorruptData, InvalidSignature):
            continue
        assert data[position] == 0
        assert_same(read, signature)


@pytest.mark.parametrize("length", [9, 135, 140, 500, -1])
def test_a_file_cut_short_is_corrupt(length: int) -> None:
    with pytest.raises(CorruptData):
        signature_file.read(packed(make_signature(7))[:length])


def test_other_files_are_no_signatures(tmp_path: Path) -> None:
    with pytest.raises(InvalidSignature, match="not a signature file"):
        signature_file.read(b"hello, this is text")
    with pytest.raises(InvalidSignature, match="not a signature file"):
        signature_file.read(b"")
    with pytest.raises(NotFound, match="no such signature file"):
        signature_file.read(tmp_path / "missing.msig")
    (tmp_path / "empty.msig").touch()
    with pytest.raises(CorruptData, match="empty"):
        signature_file.read(tmp_path / "empty.msig")
    with pytest.raises(CorruptData, match="cannot read"):
        signature_file.read(tmp_path)


def test_another_format_version_is_named() -> None:
    data = bytearray(packed(make_signature(7)))
    struct.pack_into("<H", data, 8, 2)
    with pytest.raises(InvalidSignature, match="format 2; this release reads format 1"):
        signature_file.read(bytes(data))


def test_unknown_columns_are_skipped() -> None:
    signature = make_signature(7)
    data = bytearray(packed(signature))
    entries = data[HEADER_BYTES : HEADER_BYTES + 5 * ENTRY_BYTES]
    picture = bytearray(entries[-ENTRY_BYTES:])
    picture[:24] = b"pictures".ljust(24, b"\0")
    moved = bytearray(entries)
    shift = 128
    for column in range(5):
        at = column * ENTRY_BYTES + 48
        struct.pack_into("<Q", moved, at, struct.unpack_from("<Q", entries, at)[0] + shift)
    struct.pack_into("<Q", picture, 48, struct.unpack_from("<Q", picture, 48)[0] + shift)
    struct.pack_into("4s", picture, 24, b"zzzz")
    start = -(-(HEADER_BYTES + 5 * ENTRY_BYTES) // 64) * 64
    gap = bytes(start + shift - HEADER_BYTES - 6 * ENTRY_BYTES)
    longer = data[:HEADER_BYTES] + moved + picture + gap + data[start:]
    struct.pack_into("<I", longer, 12, 6)
    struct.pack_into("<Q", longer, 16, len(longer))
    assert_same(signature_file.read(with_new_checksums(longer)), signature)


def test_a_missing_column_is_named() -> None:
    data = bytearray(packed(make_signature(7)))
    data[HEADER_BYTES] ^= 1
    with pytest.raises(InvalidSignature, match="without the column 'times_ms'"):
        signature_file.read(with_new_checksums(data))


@pytest.mark.parametrize(
    ("at", "value"), [(24, b"|O8\0"), (28, b"\x03"), (32, b"\xff" * 8), (48, b"\xff" * 8)]
)
def test_impossible_columns_are_refused(at: int, value: bytes) -> None:
    data = bytearray(packed(make_signature(7)))
    data[HEADER_BYTES + at : HEADER_BYTES + at + len(value)] = value
    with pytest.raises(InvalidSignature, match="column 'times_ms'"):
        signature_file.read(with_new_checksums(data))
