"""Run by scripts/wheel with an installed wheel, outside the repository: add, search, stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import av
import numpy as np
from PIL import Image


def draw(path: Path) -> None:
    """Write two seconds of moving bars."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stripes = np.random.default_rng(1).integers(0, 255, (18, 32, 3)).astype(np.uint8)
        for i in range(48):
            picture = Image.fromarray(np.roll(stripes, i // 2, axis=1)).resize((320, 180))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())


def main() -> None:
    mitate = str(Path(sys.argv[1]).absolute())
    with tempfile.TemporaryDirectory() as name:
        video = Path(name) / "bars.mp4"
        draw(video)
        server = subprocess.Popen(
            [mitate, "serve", "--data", f"{name}/data", "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        for command, key, wanted in (("add", "status", "added"), ("search", "verdict", "match")):
            line = subprocess.check_output([mitate, command, video, "--json", "--server", address])
            answer = json.loads(line)
            assert answer[key] == wanted, answer
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
    print("the wheel installs, serves, adds and searches outside the repository")


if __name__ == "__main__":
    main()
