"""What turns decoded frames into descriptors: on the CPU, or on the GPU that holds them."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from mitate.kernels.borders import Rect
from mitate.kernels.decode import Picture
from mitate.kernels.describe_gpu import LEAST_SIDE, DevicePicture, GpuDescriber
from mitate.kernels.grids import Grids
from mitate.kernels.layout import describe, mirror_means
from mitate.kernels.quality import quality
from mitate.kernels.shot_borders import Inner, inner_of_shots, no_inner
from mitate.kernels.signature import LUMA_COLS, LUMA_ROWS
from mitate.kernels.thumbnails import thumbnails
from mitate.kernels.windows import WINDOWS, window_layouts

Codes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]


class Frames(NamedTuple):
    """What is kept of every frame."""

    layouts: Codes  # (n, 33)
    mirrored: Codes  # (n, 33)
    quality: Codes  # (n,)


class Describer(Protocol):
    """Describes some frames; of chosen ones also their windows and thumbnails."""

    def add(self, picture: Any, rect: Rect) -> None:
        """Add the part `rect` of a frame, which is not needed any more afterwards."""
        ...

    def frames(self) -> Frames:
        """Describe the frames added since the last `clear`."""
        ...

    def windows(self, numbers: Numbers) -> Codes:
        """Return the descriptors of windows of chosen frames, (n, windows, 33)."""
        ...

    def thumbnails(self, numbers: Numbers) -> Codes:
        """Return the thumbnails of chosen frames, (n, THUMB_ROWS, THUMB_COLS)."""
        ...

    def lumas(self) -> Codes:
        """Return the luma grids of the frames added since, (n, LUMA_ROWS, LUMA_COLS)."""
        ...

    def inner(self, numbers: Numbers, layouts: Codes) -> Inner:
        """Return what lies within borders of shots, of chosen frames and their descriptors."""
        ...

    def clear(self) -> None:
        """Forget the frames."""
        ...


class CpuDescriber:
    """Describes frames in the memory of the host."""

    def __init__(self, capacity: int) -> None:
        self._grids = Grids(capacity)

    def add(self, picture: Picture, rect: Rect) -> None:
        """Add the part `rect` of a frame."""
        self._grids.add(picture, rect)

    def frames(self) -> Frames:
        """Describe the frames added since the last `clear`."""
        means = self._grids.rgb_means()
        return Frames(describe(means), describe(mirror_means(means)), quality(means))

    def windows(self, numbers: Numbers) -> Codes:
        """Return the descriptors of windows of chosen frames, (n, windows, 33)."""
        return window_layouts(self._grids, numbers)

    def thumbnails(self, numbers: Numbers) -> Codes:
        """Return the thumbnails of chosen frames."""
        return thumbnails(self._grids, numbers)

    def lumas(self) -> Codes:
        """Return the luma grids of all frames."""
        return thumbnails(self._grids, np.arange(len(self._grids)), LUMA_ROWS, LUMA_COLS)

    def inner(self, numbers: Numbers, layouts: Codes) -> Inner:
        """Return what lies within borders of shots."""
        return inner_of_shots(self._grids, numbers, layouts)

    def clear(self) -> None:
        """Forget the frames."""
        self._grids.clear()


class DeviceDescriber:
    """Describes frames in the memory of a GPU."""

    def __init__(self, capacity: int, device: int) -> None:
        from mitate.kernels.cuda import CupyLauncher

        self._gpu = GpuDescriber(capacity, CupyLauncher("describe.cu", device))

    def add(self, picture: DevicePicture, rect: Rect) -> None:
        """Add the part `rect` of a frame."""
        self._gpu.add(picture, rect)

    def frames(self) -> Frames:
        """Describe the frames added since the last `clear`."""
        return Frames(*self._gpu.frames())

    def windows(self, numbers: Numbers) -> Codes:
        """Return the descriptors of windows of chosen frames, (n, windows, 33)."""
        return self._gpu.windows(numbers, [window.rect for window in WINDOWS])

    def thumbnails(self, numbers: Numbers) -> Codes:
        """Return the thumbnails of chosen frames."""
        return self._gpu.thumbnails(numbers)

    def lumas(self) -> Codes:
        """Return the luma grids of all frames."""
        return self._gpu.thumbnails(np.arange(len(self._gpu)), LUMA_ROWS, LUMA_COLS)

    def inner(self, numbers: Numbers, layouts: Codes) -> Inner:
        """Return nothing: cells stay on the device."""
        return no_inner()

    def clear(self) -> None:
        """Forget the frames."""
        self._gpu.clear()


class Describers:
    """The describers of one media item, each made when the first frame asks for it."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._made: dict[int | None, Describer] = {}  # by GPU; None: the CPU

    def of(self, picture: Picture) -> Describer:
        """Return the describer that takes a frame."""
        device = picture.device if isinstance(picture, DevicePicture) else None
        if device not in self._made:
            self._made[device] = (
                CpuDescriber(self._capacity)
                if device is None
                else DeviceDescriber(self._capacity, device)
            )
        return self._made[device]


def too_small_for_device(rect: Rect) -> bool:
    """Tell whether the part of a video is described on the CPU only."""
    return min(rect.width, rect.height) < LEAST_SIDE
