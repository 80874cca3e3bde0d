"""The CUDA source of describing, run on the CPU, against the NumPy path."""

from __future__ import annotations

import csv
import gc
import weakref
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import pytest
from cuda_source import ARCHITECTURES, KERNELS, HostLauncher, compile_for, kernels_of
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mitate.kernels.borders import Rect
from mitate.kernels.colour import Colour
from mitate.kernels.decode import Picture, Plane
from mitate.kernels.describe_gpu import DevicePicture, DevicePlane, GpuDescriber
from mitate.kernels.grids import Grids
from mitate.kernels.layout import describe, mirror_means
from mitate.kernels.quality import quality
from mitate.kernels.signature import LUMA_COLS, LUMA_ROWS
from mitate.kernels.thumbnails import thumbnails_with_holes
from mitate.kernels.windows import WINDOWS, window_layouts

SOURCE = KERNELS / "describe.cu"
LIMITED, FULL = Colour("yuv", "bt709", False), Colour("yuv", "bt601", True)


@pytest.fixture(scope="module")
def launcher(tmp_path_factory: pytest.TempPathFactory) -> HostLauncher:
    return HostLauncher(SOURCE, tmp_path_factory.mktemp("describe"))


class Both(NamedTuple):
    """One frame as both paths take it."""

    host: Picture
    device: DevicePicture


def device_plane(
    buffer: np.ndarray, width: int, channels: int = 1, first: int = 0, shift: int = 0
) -> DevicePlane:
    lines, pitch = buffer.shape[0], buffer.strides[0]
    size = width // channels
    return DevicePlane(
        buffer.ctypes.data, pitch, size, lines, channels, first, buffer.itemsize, shift
    )


def padded(samples: np.ndarray, shift: int = 0, pad: int = 13) -> np.ndarray:
    """Return samples with other numbers behind each line."""
    wide = np.pad(samples << shift, ((0, 0), (0, pad)), constant_values=201)
    return np.ascontiguousarray(wide)


def both(
    planes: list[np.ndarray], colour: Colour, kind: str = "planar", rotation: int = 0, pad: int = 13
) -> Both:
    """Return a frame of Y, Cb, Cr (or R, G, B, or grey) planes in both forms."""
    height, width = planes[0].shape
    host = tuple(Plane(padded(plane), plane.shape[1]) for plane in planes)
    shift = 6 if kind == "p010" else 0
    if kind == "planar":
        buffers = [padded(plane, 0, pad) for plane in planes]
        device = tuple(
            device_plane(b, p.shape[1], 1, i)
            for i, (b, p) in enumerate(zip(buffers, planes, strict=True))
        )
    else:
        chroma = np.stack(planes[1:], axis=2).reshape(planes[1].shape[0], -1)
        buffers = [padded(planes[0], shift, pad), padded(chroma, shift, pad)]
        device = (
            device_plane(buffers[0], width, 1, 0, shift),
            device_plane(buffers[1], chroma.shape[1], 2, 1, shift),
        )
    size = (width, height, 40)
    return Both(
        Picture(host, colour, *size, rotation),
        DevicePicture((), colour, *size, rotation, device_planes=device, owner=buffers),
    )


def frame(
    width: int, height: int, colour: Colour, kind: str, seed: int, rotation: int = 0, step: int = 2
) -> Both:
    rng = np.random.default_rng(seed)
    small = -(-height // step), -(-width // step)
    dtype = np.uint8 if colour.depth == 8 else np.uint16
    shapes = [(height, width)] if colour.space == "grey" else [(height, width), small, small]
    y = np.linspace(0, 1, height)[:, None] * rng.random() + np.linspace(0, 1, width) * rng.random()
    planes = []
    for shape in shapes:
        noise = rng.integers(0, 2**colour.depth, shape)
        scene = y[:: -(-height // shape[0]), :: -(-width // shape[1])][: shape[0], : shape[1]]
        planes.append(np.where(scene > rng.random(), noise, noise // 7).astype(dtype))
    return both(planes, colour, kind, rotation, pad=int(rng.integers(0, 40)))


def check(frames: list[Both], rect: Rect, launcher: HostLauncher) -> None:
    grids, describer = Grids(len(frames)), GpuDescriber(len(frames), launcher)
    for one in frames:
        grids.add(one.host, rect)
        describer.add(one.device, rect)
    means = grids.rgb_means()
    layouts, mirrored, qualities = describer.frames()
    np.testing.assert_array_equal(layouts, describe(means))
    np.testing.assert_array_equal(mirrored, describe(mirror_means(means)))
    np.testing.assert_array_equal(qualities, quality(means))
    chosen = np.arange(0, len(frames), 2)
    windows = describer.windows(chosen, [window.rect for window in WINDOWS])
    np.testing.assert_array_equal(windows, window_layouts(grids, chosen))
    wanted = thumbnails_with_holes(grids, chosen)
    np.testing.assert_array_equal(describer.thumbnails(chosen), wanted)
    lumas = describer.thumbnails(chosen, LUMA_ROWS, LUMA_COLS)
    np.testing.assert_array_equal(lumas, thumbnails_with_holes(grids, chosen, LUMA_ROWS, LUMA_COLS))


@pytest.mark.parametrize(
    ("kind", "depth"), [("planar", 8), ("planar", 10), ("nv12", 8), ("p010", 10)]
)
@pytest.mark.parametrize("size", [(320, 180), (161, 91)])
def test_frames_of_every_layout_have_the_bits_of_the_cpu_path(
    kind: str, depth: int, size: tuple[int, int], launcher: HostLauncher
) -> None:
    colour = Colour("yuv", "bt709", False, depth)
    frames = [frame(*size, colour, kind, seed) for seed in range(3)]
    check(frames, Rect(0, 0, *size), launcher)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_turned_frames_have_the_bits_of_the_cpu_path(rotation: int, launcher: HostLauncher) -> None:
    frames = [frame(202, 120, LIMITED, "nv12", seed, rotation) for seed in range(2)]
    check(frames, Rect(6, 10, 190, 108), launcher)


def test_frames_of_all_colours_share_a_chunk(launcher: HostLauncher) -> None:
    kinds = [
        (LIMITED, "nv12", 2),
        (FULL, "planar", 1),
        (Colour("rgb"), "planar", 1),
        (Colour("grey", depth=16), "planar", 2),
        (Colour("yuv", "bt2020", False, 10), "p010", 2),
        (Colour("grey", full_range=False), "planar", 2),
    ]
    frames = [frame(96, 80, c, kind, i, step=step) for i, (c, kind, step) in enumerate(kinds)]
    check(frames, Rect(0, 0, 96, 80), launcher)


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(16, 300), st.integers(16, 200)),
    st.tuples(*[st.floats(0, 1)] * 4),
    st.sampled_from([("planar", 8), ("nv12", 8), ("p010", 10), ("planar", 12)]),
    st.integers(0, 2**32 - 1),
)
def test_any_part_of_any_frame_has_the_bits_of_the_cpu_path(
    launcher: HostLauncher,
    size: tuple[int, int],
    part: tuple[float, ...],
    kind: tuple[str, int],
    seed: int,
) -> None:
    width, height = size
    left, top = round((width - 16) * part[0]), round((height - 16) * part[1])
    right = left + 16 + round((width - 16 - left) * part[2])
    bottom = top + 16 + round((height - 16 - top) * part[3])
    colour = Colour("yuv", "bt601", seed % 2 == 0, kind[1])
    check([frame(width, height, colour, kind[0], seed)], Rect(left, top, right, bottom), launcher)


def test_the_golden_descriptors_come_out(golden: Path, launcher: HostLauncher) -> None:
    with (golden / "descriptors.tsv").open(newline="") as file:
        wanted = {r["png"]: r["mean_first_33"] for r in csv.DictReader(file, delimiter="\t")}
    n_compared = 0
    for name, layout in wanted.items():
        with Image.open(golden / "png" / name) as picture:
            pixels = np.asarray(picture.convert("RGB"))
            opaque = "A" not in picture.getbands()
        if not opaque or min(pixels.shape[:2]) < 16:
            continue
        planes = [np.ascontiguousarray(pixels[:, :, i]) for i in range(3)]
        describer = GpuDescriber(1, launcher)
        describer.add(both(planes, Colour("rgb")).device, Rect(0, 0, *pixels.shape[1::-1]))
        assert describer.frames()[0][0].tolist() == [int(n) for n in layout.split(",")], name
        n_compared += 1
    assert n_compared >= 25


def test_a_batch_of_frames_has_the_sums_of_single_ones(launcher: HostLauncher) -> None:
    pictures = [frame(98, 70, LIMITED, "nv12", seed).device for seed in range(3)]
    single, batch = GpuDescriber(3, launcher), GpuDescriber(3, launcher)
    for picture in pictures:
        single.add(picture, Rect(2, 4, 90, 70))
    batch.add(pictures[0], Rect(0, 0, 98, 70))
    batch.sum_all(pictures, Rect(2, 4, 90, 70))
    for one, other in zip(single.frames(), batch.frames(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_only_descriptors_come_to_the_host(launcher: HostLauncher) -> None:
    describer = GpuDescriber(4, launcher)
    before = launcher.n_downloads, launcher.downloaded_bytes
    for seed in range(4):
        describer.add(frame(320, 180, LIMITED, "nv12", seed).device, Rect(0, 0, 320, 180))
    assert (launcher.n_downloads, launcher.downloaded_bytes) == before
    describer.frames()
    assert launcher.n_downloads - before[0] == 3
    assert launcher.downloaded_bytes - before[1] == 4 * (33 + 33 + 1)


def test_a_surface_is_held_until_the_next_frame_and_no_longer(launcher: HostLauncher) -> None:
    describer, alive = GpuDescriber(8, launcher), []
    for seed in range(5):
        picture = frame(64, 64, LIMITED, "nv12", seed).device
        alive.append(weakref.ref(cast(Any, picture.owner)[0]))
        describer.add(picture, Rect(0, 0, 64, 64))
        del picture
        gc.collect()
        assert sum(ref() is not None for ref in alive) == 1
    describer.frames()
    gc.collect()
    assert all(ref() is None for ref in alive)


def test_a_small_part_is_refused(launcher: HostLauncher) -> None:
    describer = GpuDescriber(1, launcher)
    with pytest.raises(ValueError, match="part of 15x64; the least side is 16"):
        describer.add(frame(64, 64, LIMITED, "nv12", 0).device, Rect(0, 0, 15, 64))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_source_compiles_for_every_architecture(architecture: str, tmp_path: Path) -> None:
    code = compile_for(SOURCE, architecture, tmp_path)
    assert code.startswith(b"\x7fELF")
    assert all(name.encode() in code for name in kernels_of(SOURCE))
