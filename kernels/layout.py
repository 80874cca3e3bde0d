"""The colour layout descriptor with 21 Y, 6 Cb and 6 Cr coefficients, mean-first form.

Block means of RGB are converted once per block, transformed by an 8x8 DCT, read in zig-zag order
and quantised. Constants are those of LIRE (`ColorLayoutImpl`), which follows MPEG-7 Visual
(ISO/IEC 15938-3); colour is converted after averaging, as trace.moe does. Additions run in a fixed
order without fused multiply-add, so every implementation gives the same integers.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Layouts = npt.NDArray[np.uint8]

# Row and column frequency of the first 21 coefficients in zig-zag order.
ZIGZAG_V = np.array([0, 0, 1, 2, 1, 0, 0, 1, 2, 3, 4, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5])
ZIGZAG_U = np.array([0, 1, 0, 0, 1, 2, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0])

N_COEFFICIENTS = 33
N_LUMA_AC = 20

# Channel and zig-zag position of each of the 33 coefficients.
CHANNEL = np.repeat([0, 1, 2], [21, 6, 6])
POSITION = np.concatenate([np.arange(21), np.arange(6), np.arange(6)])
AC, DC = np.flatnonzero(POSITION), np.flatnonzero(POSITION == 0)
_AC_SHIFT = np.where(CHANNEL == 0, 1, 0)

# Largest value of each coefficient: six bits for the DC values, five for the others.
LARGEST = np.where(POSITION == 0, 63, 31).astype(np.uint8)

# The middle of each AC bin: 4, 12 .. 60, then two coarser steps; the lower half mirrors the upper.
_AC_SIZES = np.array([*range(4, 64, 8), *range(72, 128, 16), *range(144, 256, 32)])
_AC_VALUES = np.concatenate([-_AC_SIZES[::-1], _AC_SIZES])

_COSINES = np.array(
    [
        [0.3535534, 0.3535534, 0.3535534, 0.3535534],
        [0.4903926, 0.4157348, 0.2777851, 0.09754516],
        [0.4619398, 0.1913417, -0.1913417, -0.4619398],
        [0.4157348, -0.09754516, -0.4903926, -0.2777851],
        [0.3535534, -0.3535534, -0.3535534, 0.3535534],
        [0.2777851, -0.4903926, 0.09754516, 0.4157348],
        [0.1913417, -0.4619398, 0.4619398, -0.1913417],
        [0.09754516, -0.2777851, 0.4157348, -0.4903926],
    ]
)
_ODD = np.array([1, -1] * 4)
DCT = np.hstack([_COSINES, _COSINES[:, ::-1] * _ODD[:, None]])  # (frequency, sample)


def describe(
    rgb_means: Floats,  # (n, 8, 8, 3) of 0..255; NaN marks a block without samples
) -> Layouts:
    """Return the descriptors, (n, 33) uint8 as Y21 Cb6 Cr6."""
    return quantise(coefficients(rgb_means))


def coefficients(
    rgb_means: Floats,  # (n, 8, 8, 3) of 0..255; NaN marks a block without samples
) -> npt.NDArray[np.int64]:
    """Return the DCT coefficients before they are quantised, (n, 33)."""
    if rgb_means.ndim != 4 or rgb_means.shape[1:] != (8, 8, 3):
        raise ValueError(f"block means of shape {rgb_means.shape}; (n, 8, 8, 3) is allowed")
    spectrum = _transform(_studio_values(rgb_means))
    chosen = spectrum[ZIGZAG_V[POSITION], ZIGZAG_U[POSITION], CHANNEL]
    return np.asarray(np.floor(chosen + 0.499999).T, np.int64)


def quantise(
    spectrum: npt.NDArray[np.int64],  # (n, 33) as `coefficients` returns them
) -> Layouts:
    """Return the descriptors of DCT coefficients, (n, 33) uint8."""
    codes: Layouts = AC_CODES[np.clip(spectrum >> _AC_SHIFT, -256, 255) + 256]
    codes[:, 0] = LUMA_DC_CODES[spectrum[:, 0] >> 3]
    codes[:, [21, 27]] = CHROMA_DC_CODES[spectrum[:, [21, 27]] >> 3]
    return codes


def dequantise_ac(
    layouts: Layouts,  # (n, 33)
) -> npt.NDArray[np.int64]:
    """Return the AC coefficients in DCT units, (n, 30): 20 of Y, 5 of Cb, 5 of Cr."""
    values = _AC_VALUES[layouts[:, AC]]
    values[:, :N_LUMA_AC] *= 2
    return values


def restore(
    layouts: Layouts,  # (n, 33)
) -> npt.NDArray[np.uint8]:
    """Return the blocks of RGB that descriptors stand for, (n, 8, 8, 3).

    What was cut off or rounded away is lost: they are smooth, and right to within the bins. The
    two innermost bins count as nothing, so that what is flat stays flat.
    """
    values = dequantise_ac(layouts)
    values[np.abs(values) <= 2 * _AC_SIZES[0]] = 0
    spectrum = np.zeros((len(layouts), 3, 8, 8))
    spectrum[:, CHANNEL[AC], ZIGZAG_V[POSITION[AC]], ZIGZAG_U[POSITION[AC]]] = values
    for channel, middles in enumerate((_LUMA_DC_MIDDLES, *[_CHROMA_DC_MIDDLES] * 2)):
        spectrum[:, channel, 0, 0] = 8 * middles[layouts[:, DC[channel]]]
    luma, cb, cr = (DCT.T @ spectrum @ DCT).transpose(1, 0, 2, 3)
    grey = (luma - 16.0) / 219.0
    blue = grey + (cb - 128.0) / (224.0 * 0.564)
    red = grey + (cr - 128.0) / (224.0 * 0.713)
    green = (grey - 0.299 * red - 0.114 * blue) / 0.587
    rgb = np.stack((red, green, blue), axis=-1) * 256.0
    return np.clip(np.rint(rgb), 0, 255).astype(np.uint8)


def mirror_means(means: Floats) -> Floats:
    """Return the block means of the pictures mirrored left to right; (n, 8, 8, channels).

    Exact for pictures whose width is a multiple of 8; the fixed rule for all others.
    """
    return means[:, :, ::-1]


def mirror_layouts(layouts: Layouts) -> Layouts:
    """Return descriptors of mirrored pictures from descriptors alone, (n, 33).

    Right to within 1 in every coefficient of odd horizontal frequency, exact in the others.
    """
    return np.where(ZIGZAG_U[POSITION] % 2 == 1, 31 - layouts, layouts)


def _studio_values(rgb: Floats) -> Floats:
    """Return Y, Cb, Cr of each block as whole numbers, (3, 8, 8, n); 0 for an empty block."""
    red, green, blue = np.ascontiguousarray(rgb.transpose(3, 1, 2, 0))
    luma = (0.299 * red + 0.587 * green + 0.114 * blue) / 256.0
    values = np.stack(
        (
            219.0 * luma + 16.5,
            224.0 * 0.564 * (blue / 256.0 - luma) + 128.5,
            224.0 * 0.713 * (red / 256.0 - luma) + 128.5,
        )
    )
    return np.where(np.isnan(values), 0.0, np.trunc(values))


def _transform(
    blocks: Floats,  # (channel, row, column, n)
) -> Floats:
    """Return the lowest 6 x 6 frequencies of the 8x8 DCT-II, (v, u, channel, n).

    Rows come first, then columns; terms are added in the order of the samples.
    """
    cosines = DCT[:6, :, None, None, None]
    by_row = cosines[:, 0] * blocks[None, :, :, 0]
    for x in range(1, 8):
        by_row += cosines[:, x] * blocks[None, :, :, x]
    spectrum: Floats = cosines[:, 0] * by_row[None, :, :, 0]
    for y in range(1, 8):
        spectrum += cosines[:, y] * by_row[None, :, :, y]
    return spectrum


def _ac_code(value: int) -> int:
    size = abs(value)
    if size > 127:
        size = 64 + (size >> 2)
    elif size > 63:
        size = 32 + (size >> 1)
    return ((size if value > 0 else -size) + 128) >> 3


def _luma_dc_code(mean: int) -> int:
    if mean > 192:
        return (112 + ((mean - 192) >> 2)) >> 1
    if mean > 160:
        return (96 + ((mean - 160) >> 1)) >> 1
    if mean > 96:
        return (mean - 64) >> 1
    if mean > 64:
        return (16 + ((mean - 64) >> 1)) >> 1
    return mean >> 3


def _chroma_dc_code(mean: int) -> int:
    if mean > 191:
        return 63
    if mean > 160:
        return 56 + ((mean - 160) >> 2)
    if mean > 144:
        return 48 + ((mean - 144) >> 1)
    if mean > 112:
        return mean - 96
    if mean > 96:
        return 8 + ((mean - 96) >> 1)
    return max(mean - 64, 0) >> 2


AC_CODES = np.array([_ac_code(value) for value in range(-256, 256)], np.uint8)
LUMA_DC_CODES = np.array([_luma_dc_code(mean) for mean in range(256)], np.uint8)
CHROMA_DC_CODES = np.array([_chroma_dc_code(mean) for mean in range(256)], np.uint8)


def _middles(codes: npt.NDArray[np.uint8]) -> Floats:
    """Return the middle of the values of each DC code, (64,)."""
    values = [np.flatnonzero(codes == code) for code in range(64)]
    known = [code for code in range(64) if len(values[code])]
    middles = [values[code].mean() for code in known]
    return np.asarray(np.interp(np.arange(64), known, middles))


_LUMA_DC_MIDDLES, _CHROMA_DC_MIDDLES = _middles(LUMA_DC_CODES), _middles(CHROMA_DC_CODES)
