"""The process in which decord runs.

Started as `python -m mitate.kernels.decord_child FILE THREADS COUNT DEVICE`. decord ends its
process on some broken files, so it never runs in the one that called it. Records go to standard
output, each a letter and a length in bytes (u32, little endian), then the content:

    I   JSON: what the file says about itself
    F   i64 time in ms, u32 width, u32 height, then height x width x 3 bytes of RGB
    X   text: why the file cannot be read
    U   text: why there is no GPU for it
    E   nothing: there are no more frames

COUNT 0 asks for every frame, any other number for so many key frames spread over the file. DEVICE
is cpu or gpu. The process ends when its standard input does, and so never outlives its caller.
"""

from __future__ import annotations

import json
import os
import re
import struct
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

RECORD = struct.Struct("<cI")
FRAME = struct.Struct("<qII")


def main() -> None:
    """Read the file named on the command line and write the records."""
    threading.Thread(target=_end_with_caller, daemon=True).start()
    path, threads, count, device = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    # The library prints on standard output; the records need it for themselves.
    records = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        for kind, parts in _read(path, threads, count, device):
            _write(records, kind, parts)
    except (RuntimeError, OSError, ValueError, IndexError) as error:
        _write(records, b"X", [_first_line(error).encode()])
    records.flush()
    os._exit(0)


def _first_line(error: Exception) -> str:
    """Return what an error says, without the time and place in decord's source before it."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", line)


def _end_with_caller() -> None:
    sys.stdin.buffer.read()
    os._exit(1)


def _read(path: str, threads: int, count: int, device: str) -> Iterator[tuple[bytes, list[Any]]]:
    import decord

    context = decord.gpu(0) if device == "gpu" else decord.cpu(0)
    try:
        reader = decord.VideoReader(path, ctx=context, num_threads=threads)
    except decord.DECORDError as error:
        if "CUDA" not in str(error):
            raise
        yield b"U", [_first_line(error).encode()]
        return
    first = reader[0].asnumpy()
    info = {"frames": len(reader), "fps": float(reader.get_avg_fps()), "shape": first.shape}
    yield b"I", [json.dumps(info).encode()]
    if count:
        keys = reader.get_key_indices()
        numbers: Iterable[int] = sorted({keys[i * len(keys) // count] for i in range(count)})
    else:
        numbers = range(len(reader))
    for number in numbers:
        pixels = reader[number].asnumpy()
        height, width = pixels.shape[:2]
        start_s = float(reader.get_frame_timestamp(number)[0])
        time_ms = round(start_s * 1000) if abs(start_s) < 1e9 else -1
        yield b"F", [FRAME.pack(time_ms, width, height), memoryview(pixels).cast("B")]
    yield b"E", []


def _write(records: BinaryIO, kind: bytes, parts: list[Any]) -> None:
    records.write(RECORD.pack(kind, sum(len(part) for part in parts)))
    for part in parts:
        records.write(part)


if __name__ == "__main__":
    main()
