"""Tries one part of mitate on this machine: `python -m mitate.kernels.machine_probe NAME`.

Runs in a process of its own, since a broken library may end it. Prints one JSON object,
{"works": bool, "detail": str}.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from mitate.kernels.errors import MitateError

N_FRAMES, WIDTH, HEIGHT = 8, 160, 96


class Failed(Exception):
    """It runs, and its results are wrong."""


def sign_video(backend: str) -> str:
    """Encode a short video and sign it."""
    from mitate.kernels.sign import SignatureStream

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "probe.mp4"
        _encode(path)
        with SignatureStream(path, backend=backend) as stream:
            n_frames = sum(len(chunk.times_ms) for chunk in stream)
            fallback = stream.fallback
    if fallback is not None:
        raise Failed(fallback)
    if n_frames != N_FRAMES:
        raise Failed(f"{n_frames} of {N_FRAMES} frames were decoded")
    return f"{N_FRAMES} frames signed"


def ffmpeg() -> str:
    """Sign a video with PyAV and tell which FFmpeg it carries."""
    av = import_module("av")
    return f"{sign_video('pyav')}, FFmpeg {av.ffmpeg_version_info}"


def picture() -> str:
    """Decode a JPEG."""
    from mitate.kernels.decode import Limits
    from mitate.kernels.decode_pillow import PillowDecoder

    file = io.BytesIO()
    import_module("PIL.Image").new("RGB", (WIDTH, HEIGHT), (200, 60, 30)).save(file, "JPEG")
    with PillowDecoder(file.getvalue(), Limits()) as decoder:
        size = decoder.info.width, decoder.info.height
    if size != (WIDTH, HEIGHT):
        raise Failed(f"a JPEG of {WIDTH}x{HEIGHT} was read as one of {size[0]}x{size[1]}")
    return "a JPEG decoded"


def nvjpeg() -> str:
    """Decode two JPEGs on the first GPU in one call."""
    from mitate.kernels.decode import Limits
    from mitate.kernels.decode_nvjpeg import NvjpegDecoder, open_pictures

    file = io.BytesIO()
    import_module("PIL.Image").new("RGB", (WIDTH, HEIGHT), (200, 60, 30)).save(file, "JPEG")
    for decoder in open_pictures([file.getvalue()] * 2, Limits()):
        if not isinstance(decoder, NvjpegDecoder):
            raise decoder
        if decoder.fallback is not None:
            raise Failed(decoder.fallback)
    return "2 JPEGs decoded"


def faiss() -> str:
    """Search with FAISS on the CPU."""
    library, numpy = import_module("faiss"), import_module("numpy")
    return _search(library.IndexFlatL2(4), numpy)


def faiss_gpu() -> str:
    """Search with FAISS on the first GPU."""
    library, numpy = import_module("faiss"), import_module("numpy")
    if not hasattr(library, "StandardGpuResources"):
        raise Failed("the installed FAISS is built without GPU support")
    if not library.get_num_gpus():
        raise Failed("FAISS sees no GPU")
    resources = library.StandardGpuResources()
    return _search(library.index_cpu_to_gpu(resources, 0, library.IndexFlatL2(4)), numpy)


def cupy() -> str:
    """Add numbers with CuPy on the first GPU."""
    library = import_module("cupy")
    total = int(library.arange(1000).sum())
    if total != 499500:
        raise Failed(f"the sum of 0..999 came out as {total}")
    return f"CUDA runtime {library.cuda.runtime.runtimeGetVersion()}"


PROBES: dict[str, Callable[[], str]] = {
    "pyav": ffmpeg,
    "pillow": picture,
    "decord": lambda: sign_video("decord"),
    "pyav-cuda": lambda: sign_video("pyav-cuda"),
    "decord-cuda": lambda: sign_video("decord-cuda"),
    "nvjpeg": nvjpeg,
    "faiss": faiss,
    "faiss-gpu": faiss_gpu,
    "cupy": cupy,
}


def tell(name: str) -> dict[str, object]:
    """Run a probe and return what it says."""
    try:
        return {"works": True, "detail": PROBES[name]()}
    except ImportError as error:
        return {"works": False, "detail": f"not installed: {error}"}
    except (MitateError, Failed, OSError, RuntimeError, ValueError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return {"works": False, "detail": lines[0]}


def _encode(path: Path) -> None:
    av: Any = import_module("av")
    numpy = import_module("numpy")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(N_FRAMES):
            pixels = numpy.full((HEIGHT, WIDTH, 3), 30 * number, numpy.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels)))
        file.mux(stream.encode(None))


def _search(index: Any, numpy: Any) -> str:
    vectors = numpy.eye(4, dtype=numpy.float32)
    index.add(vectors)
    rows = index.search(vectors, 1)[1].ravel().tolist()
    if rows != [0, 1, 2, 3]:
        raise Failed(f"the nearest of rows 0..3 came out as {rows}")
    return "4 rows searched"


def main() -> None:
    """Run the probe named on the command line."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries may print on standard output
    json.dump(tell(sys.argv[1]), answers)
    answers.close()


if __name__ == "__main__":
    main()
