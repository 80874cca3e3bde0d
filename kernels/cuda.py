"""Kernels on NVIDIA GPUs through CuPy; the only module that knows it.

Work runs on the default stream of the process, which is also that of FFmpeg's decoder: a kernel
starts when the frame that it reads is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from mitate.kernels.errors import InvalidArgument

OPTIONS = ("-fmad=false", "-std=c++17")


def device_count() -> int:
    """Return the number of GPUs that CuPy can use.

    Raises:
        InvalidArgument: CuPy is not installed, or it finds no driver.
    """
    try:
        import cupy
    except ImportError as error:
        raise InvalidArgument(_without_cupy(error)) from error
    try:
        return int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise InvalidArgument(f"no GPU can be used: {error}") from error


def _without_cupy(error: ImportError) -> str:
    return f"work on a GPU needs CuPy, which `mitate[gpu]` brings: {error}"


class CupyLauncher:
    """Launches the kernels of one source on one GPU."""

    def __init__(
        self,
        source: str,  # name of a file beside this one
        device: int = 0,
    ) -> None:
        """Compile the source for the GPU; CuPy keeps the machine code for later processes.

        Raises:
            InvalidArgument: CuPy is not installed, or there is no such GPU.
        """
        try:
            import cupy
        except ImportError as error:
            raise InvalidArgument(_without_cupy(error)) from error
        self._cupy: Any = cupy
        try:
            self._device: Any = cupy.cuda.Device(device)
            self._device.use()
            code = files("mitate.kernels").joinpath(source).read_text()
            self._module: Any = cupy.RawModule(code=code, options=OPTIONS)
            self._module.compile()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            raise InvalidArgument(f"GPU {device} cannot be used: {error}") from error

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike) -> Any:
        """Return device memory."""
        with self._device:
            return self._cupy.empty(tuple(shape), dtype)

    def address(self, array: Any) -> int:
        """Return where device memory lies."""
        return int(array.data.ptr)

    def upload(self, array: npt.NDArray[Any]) -> Any:
        """Return the bytes of an array in device memory."""
        with self._device:
            return self._cupy.asarray(np.ascontiguousarray(array).reshape(-1).view(np.uint8))

    def download(self, array: Any) -> npt.NDArray[Any]:
        """Return a copy of device memory, when all work on it is done."""
        with self._device:
            host: npt.NDArray[Any] = self._cupy.asnumpy(array)
        return host

    def launch(
        self, name: str, grid: tuple[int, int, int], threads: int, arguments: Sequence[Any]
    ) -> None:
        """Start a kernel, after all that was started before; memory, int, int64 or None go in."""
        values = tuple(self._value(argument) for argument in arguments)
        with self._device:
            self._module.get_function(name)(grid, (threads, 1, 1), values)

    def finish(self) -> None:
        """Wait until all work is done."""
        with self._device:
            self._cupy.cuda.Stream.null.synchronize()

    @staticmethod
    def _value(argument: Any) -> Any:
        if argument is None:
            return np.uintp(0)
        return np.int32(argument) if isinstance(argument, int) else argument
