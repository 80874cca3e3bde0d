from __future__ import annotations

import base64

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mitate.kernels.codec import (
    check_layouts,
    decode_layouts,
    decode_rows,
    encode28,
    encode33,
    encode35,
)
from mitate.kernels.errors import InvalidSignature
from mitate.kernels.layout import LARGEST

ASHEN = "FQYHDg4ODwcQEhAPDg8SEBYPEQ8QEBEgDw8QEBEeEBAODxA="
SLIDES = "FQYLBAQRFgoYFBANEBIQDw0QCw0PDxAeEhEQDhAfDQ8PEA8="
LIRESOLR = "FQY5Cw8PDRQQEBEUEg4MDREQEA0OEREgEBAQEBAgEBAQEBA="
TRACE = "IBgHEw0NExYYDw4QDw8NEhARDg0TIgwaERMRGhMIDAsJ"

layouts = arrays(np.uint8, st.tuples(st.integers(1, 4), st.just(33)), elements=st.integers(0, 63))


def test_published_descriptors_are_read() -> None:
    ashen, slides, liresolr, trace = decode_layouts(ASHEN, SLIDES, LIRESOLR, TRACE).tolist()
    luma = [7, 14, 14, 14, 15, 7, 16, 18, 16, 15, 14, 15, 18, 16, 22, 15, 17, 15, 16, 16, 17]
    assert ashen == [*luma, 32, 15, 15, 16, 16, 17, 30, 16, 16, 14, 15, 16]
    luma = [32, 24, 7, 19, 13, 13, 19, 22, 24, 15, 14, 16, 15, 15, 13, 18, 16, 17, 14, 13, 19]
    assert trace == [*luma, 34, 12, 26, 17, 19, 17, 26, 19, 8, 12, 11, 9]
    assert (slides[0], liresolr[0]) == (11, 57)


def test_published_descriptors_are_written() -> None:
    for text in (ASHEN, SLIDES, LIRESOLR):
        assert base64.b64encode(encode35(decode_layouts(text))).decode() == text
    assert base64.b64encode(encode33(decode_layouts(TRACE))).decode() == TRACE


def test_the_compact_form_has_its_fields_most_significant_bit_first() -> None:
    bits = [6, *[5] * 20, 6, *[5] * 5, 6, *[5] * 5]
    layout = decode_layouts(TRACE)[0]
    number = int("".join(f"{value:0{n}b}" for value, n in zip(layout, bits, strict=True)), 2)
    assert base64.urlsafe_b64decode(encode28(layout)) == number.to_bytes(21, "big")


@given(layouts)
def test_every_form_gives_back_what_was_written(found: npt.NDArray[np.uint8]) -> None:
    found = np.minimum(found, LARGEST)
    assert np.array_equal(decode_rows(encode35(found), 35), found)
    assert np.array_equal(decode_rows(encode33(found), 33), found)
    for layout in found:
        text = encode28(layout)
        assert len(text) == 28
        both = decode_layouts(text, base64.urlsafe_b64decode(text), encode35(layout))
        assert (both == layout).all()


def test_no_descriptor_is_no_row() -> None:
    assert decode_layouts().shape == (0, 33)
    assert decode_rows(b"", 35).shape == (0, 33)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "0 bytes; 35, 33 and 21"),
        (bytes(34), "34 bytes; 35, 33 and 21"),
        ("", "0 characters; 48, 44 and 28"),
        (ASHEN[:-1], "47 characters; 48, 44 and 28"),
        ("*" + ASHEN[1:], "is not base64"),
        ("é" + ASHEN[1:], "is not base64"),
        ("A" * 48, "holds 36 bytes; 35 are allowed in 48"),
        (bytes([21, 3]) + bytes(33), "21 luma and 3 chroma coefficients; 21 and 6"),
        (bytes([64]) + bytes(32), r"has 64 as coefficient 0; 0\.\.63"),
        (bytes(1) + bytes([32]) + bytes(31), r"has 32 as coefficient 1; 0\.\.31"),
        (bytes(27) + bytes([99]) + bytes(5), r"has 99 as coefficient 27; 0\.\.63"),
    ],
)
def test_what_is_no_descriptor_is_refused(data: bytes | str, text: str) -> None:
    with pytest.raises(InvalidSignature, match=text):
        decode_layouts(data)


def test_the_row_that_is_wrong_is_named() -> None:
    rows = bytes(33) + bytes([64]) + bytes(32)
    with pytest.raises(InvalidSignature, match="descriptor 1 has 64 as coefficient 0"):
        decode_rows(rows, 33)
    with pytest.raises(InvalidSignature, match="67 bytes are not whole descriptors of 33"):
        decode_rows(bytes(67), 33)


def test_arrays_of_another_type_or_shape_are_refused() -> None:
    for wrong in (np.zeros((2, 33), np.int64), np.zeros((2, 32), np.uint8), np.zeros(33, np.uint8)):
        with pytest.raises(InvalidSignature, match=r"query is .* of shape .*; uint8 of shape"):
            check_layouts(wrong, "query")
    with pytest.raises(ValueError, match="rows of 34 bytes"):
        decode_rows(bytes(34), 34)
