from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mitate.kernels.decode import Limits, Picture, open_media
from mitate.kernels.decode_pillow import PillowDecoder
from mitate.kernels.errors import InvalidMedia


def drawing(width: int = 48, height: int = 32, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3)).astype(np.uint8))


def saved(image: Image.Image, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def pictures_of(data: bytes) -> list[Picture]:
    with PillowDecoder(data, Limits()) as decoder:
        return list(decoder.frames())


def pixels_of(data: bytes) -> np.ndarray:
    picture = pictures_of(data)[0]
    return picture.planes[0].buffer.reshape(picture.height, picture.width, -1)


@pytest.mark.parametrize("name", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_lossless_stills_keep_their_pixels(name: str) -> None:
    options = {"lossless": True} if name == "WEBP" else {}
    data = saved(drawing(), name, **options)
    np.testing.assert_array_equal(pixels_of(data), np.asarray(drawing()))
    with PillowDecoder(data, Limits()) as decoder:
        assert decoder.info.kind == "image"
        assert decoder.info.preprocessing_version == "rgb/1"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_a_photograph_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(drawing(), "PNG", exif=exif)
    flips = {2: "lr", 3: "udlr", 4: "ud", 5: "t", 6: "tlr", 7: "tudlr", 8: "tud"}
    expected = np.asarray(drawing())
    steps = flips.get(orientation, "")
    expected = expected.transpose(1, 0, 2) if "t" in steps else expected
    expected = expected[::-1] if "ud" in steps else expected
    expected = expected[:, ::-1] if "lr" in steps else expected
    np.testing.assert_array_equal(pixels_of(data), expected)
    with PillowDecoder(data, Limits()) as decoder:
        assert (decoder.info.height, decoder.info.width) == expected.shape[:2]


def test_transparent_parts_are_drawn_on_black() -> None:
    image = drawing().convert("RGBA")
    alpha = np.zeros((32, 48), np.uint8)
    alpha[:, 24:] = 255
    image.putalpha(Image.fromarray(alpha))
    pixels = pixels_of(saved(image, "PNG"))
    assert not pixels[:, :24].any()
    np.testing.assert_array_equal(pixels[:, 24:], np.asarray(drawing())[:, 24:])


def test_grey_of_16_bits_keeps_its_depth() -> None:
    values = np.arange(0, 65536, 32).astype(np.uint16).reshape(32, 64)
    data = saved(Image.fromarray(values), "PNG")
    picture = pictures_of(data)[0]
    assert (picture.colour.space, picture.colour.depth) == ("grey", 16)
    np.testing.assert_array_equal(picture.planes[0].buffer, values)


def test_cmyk_and_palettes_become_rgb() -> None:
    for image, name in ((drawing().convert("CMYK"), "TIFF"), (drawing().quantize(256), "PNG")):
        pixels = pixels_of(saved(image, name)).astype(int)
        assert pixels.shape == (32, 48, 3)
        np.testing.assert_array_equal(pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("name", ["GIF", "WEBP", "PNG"])
def test_animations_have_the_times_of_their_delays(name: str) -> None:
    frames = [drawing(seed=seed) for seed in range(4)]
    options = {"save_all": True, "append_images": frames[1:], "duration": [50, 100, 150, 200]}
    data = saved(frames[0], name, **options)
    with PillowDecoder(data, Limits()) as decoder:
        assert decoder.info.kind == "video"
        assert [picture.time_ms for picture in decoder.frames()] == [0, 50, 150, 300]
        assert decoder.end_ms == 500
        assert not decoder.partial
        assert len(list(decoder.sample(3))) == 3


def test_a_delay_too_short_to_show_counts_as_a_tenth_of_a_second() -> None:
    frames = [drawing(seed=seed) for seed in range(3)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=10)
    assert [picture.time_ms for picture in pictures_of(data)] == [0, 100, 200]


def test_limits_name_the_value_and_what_is_allowed() -> None:
    data = saved(drawing(), "PNG")
    with pytest.raises(InvalidMedia, match="48x32 = 1536 pixels; the limit is 1000"):
        PillowDecoder(data, Limits(max_still_pixels=1000))
    with pytest.raises(InvalidMedia, match="pixels"):
        PillowDecoder(saved(Image.new("1", (20000, 20000)), "PNG"), Limits())
    frames = [drawing(seed=seed) for seed in range(3)]
    gif = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=100)
    with PillowDecoder(gif, Limits(max_frames=2)) as decoder, pytest.raises(InvalidMedia):
        list(decoder.frames())


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP"])
def test_a_still_cut_short_is_refused(name: str) -> None:
    data = saved(drawing(200, 200), name)
    with pytest.raises(InvalidMedia, match="not a picture that can be read"):
        pictures_of(data[: len(data) // 2])


def test_other_content_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidMedia, match="not a picture that can be read; allowed are JPEG"):
        PillowDecoder(b"BM but text", Limits())
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(InvalidMedia, match="not a picture that can be read"):
        open_media(tmp_path / "text.png", backend="pillow")


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "picture.mp4"
    path.write_bytes(saved(drawing(), "JPEG"))
    with open_media(path) as decoder:
        assert decoder.info.backend == "pillow"
