"""From block means of native planes to block means of RGB.

Means are linear, so one conversion per block equals the mean of converted pixels, but for
clipping. Matrix coefficients: ITU-R BT.601, BT.709 and BT.2020 (non-constant luminance). Every
operation is one IEEE float64 operation per element, so all implementations agree bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from mitate.kernels.jit import jit

Matrix = Literal["bt601", "bt709", "bt2020"]
Floats = npt.NDArray[np.float64]

_LUMA_RED_BLUE: dict[Matrix, tuple[float, float]] = {
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
}


@dataclass(frozen=True, slots=True)
class Colour:
    """What the samples of a picture mean; `matrix` counts for space "yuv" only."""

    space: Literal["rgb", "yuv", "grey"]
    matrix: Matrix = "bt601"
    full_range: bool = True
    depth: int = 8  # significant bits per sample


def default_matrix(height: int) -> Matrix:
    """Return the matrix that players assume where a video names none."""
    return "bt709" if height >= 720 else "bt601"


def rgb_means(
    means: Floats,  # (..., 3) in native units: R,G,B or Y,Cb,Cr; (..., 1) is enough for grey
    colour: Colour,
) -> Floats:
    """Return RGB, (..., 3) of 0..255 full range and clipped; NaN where an input is NaN."""
    scale = native_scale(colour)
    if colour.space == "grey":
        rgb = np.repeat(_unit(means[..., :1], scale), 3, axis=-1)
    elif colour.space == "rgb":
        rgb = _unit(means, scale)
    else:
        return _from_yuv(means, scale)
    clipped: Floats = np.clip(rgb, 0.0, 255.0)
    return clipped


class Scale(NamedTuple):
    """Numbers with which means of native samples become RGB."""

    luma_offset: float
    luma_scale: float  # of luma, or of R, G and B
    chroma_offset: float
    chroma_scale: float
    red_cr: float
    blue_cb: float
    k_red: float
    k_blue: float
    k_green: float


def native_scale(colour: Colour) -> Scale:
    """Return the numbers that belong to a colour."""
    step, largest = 2.0 ** (colour.depth - 8), 2.0**colour.depth - 1.0
    offset, scale = (0.0, 255.0 / largest) if colour.full_range else _studio(step)
    chroma_range = largest if colour.full_range else 224.0 * step
    k_red, k_blue = _LUMA_RED_BLUE[colour.matrix]
    return Scale(
        *(offset, scale, 128.0 * step, 255.0 / chroma_range),
        *(2.0 * (1.0 - k_red), 2.0 * (1.0 - k_blue)),
        *(k_red, k_blue, 1.0 - k_red - k_blue),
    )


def _studio(step: float) -> tuple[float, float]:
    return 16.0 * step, 255.0 / (219.0 * step)


def _unit(samples: Floats, scale: Scale) -> Floats:
    """Scale luma or RGB to 0..255."""
    return (samples - scale.luma_offset) * scale.luma_scale


def _from_yuv(means: Floats, scale: Scale) -> Floats:
    flat = np.ascontiguousarray(means).reshape(-1, 3)
    rgb = np.empty_like(flat)
    _convert(flat, *scale, rgb)
    return rgb.reshape(means.shape)


@jit
def _convert(
    means: Floats,  # (n, 3) Y, Cb, Cr
    luma_offset: float,
    luma_scale: float,
    chroma_offset: float,
    chroma_scale: float,
    red_cr: float,
    blue_cb: float,
    k_red: float,
    k_blue: float,
    k_green: float,
    rgb: Floats,  # (n, 3), where R, G and B go
) -> None:
    for i in range(len(means)):
        luma = (means[i, 0] - luma_offset) * luma_scale
        red = luma + red_cr * ((means[i, 2] - chroma_offset) * chroma_scale)
        blue = luma + blue_cb * ((means[i, 1] - chroma_offset) * chroma_scale)
        rgb[i, 0] = _clipped(red)
        rgb[i, 1] = _clipped((luma - k_red * red - k_blue * blue) / k_green)
        rgb[i, 2] = _clipped(blue)


@jit
def _clipped(level: float) -> float:
    """Return a level within 0..255, NaN where it is NaN."""
    if level > 255.0:
        return 255.0
    return 0.0 if level <= 0.0 else level
