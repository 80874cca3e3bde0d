"""From block means of native planes to block means of RGB.

Means are linear, so one conversion per block equals the mean of converted pixels, but for
clipping. Matrix coefficients: ITU-R BT.601, BT.709 and BT.2020 (non-constant luminance). Every
operation is one IEEE float64 operation per element, so all implementations agree bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

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
    if colour.space == "grey":
        rgb = np.repeat(_unit(means[..., :1], colour), 3, axis=-1)
    elif colour.space == "rgb":
        rgb = _unit(means, colour)
    else:
        rgb = _from_yuv(means, colour)
    clipped: Floats = np.clip(rgb, 0.0, 255.0)
    return clipped


def _unit(samples: Floats, colour: Colour) -> Floats:
    """Scale luma or RGB to 0..255."""
    if colour.full_range:
        return samples * (255.0 / (2.0**colour.depth - 1.0))
    step = 2.0 ** (colour.depth - 8)
    return (samples - 16.0 * step) * (255.0 / (219.0 * step))


def _from_yuv(means: Floats, colour: Colour) -> Floats:
    step = 2.0 ** (colour.depth - 8)
    chroma_range = 2.0**colour.depth - 1.0 if colour.full_range else 224.0 * step
    luma = _unit(means[..., 0], colour)
    cb, cr = ((means[..., i] - 128.0 * step) * (255.0 / chroma_range) for i in (1, 2))
    k_red, k_blue = _LUMA_RED_BLUE[colour.matrix]
    red = luma + 2.0 * (1.0 - k_red) * cr
    blue = luma + 2.0 * (1.0 - k_blue) * cb
    green = (luma - k_red * red - k_blue * blue) / (1.0 - k_red - k_blue)
    return np.stack((red, green, blue), axis=-1)
