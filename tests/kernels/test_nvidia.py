from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from mitate.kernels.nvidia import Capability, Device, Driver, NoDriver, n_engines

SOURCE = Path(__file__).with_name("fake_driver.c")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Path of a library that stands in for the driver."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    target = tmp_path_factory.mktemp("driver") / "libfake.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(target), str(SOURCE)], check=True)
    return str(target)


def test_devices_are_told_with_name_memory_and_compute_capability(library: str) -> None:
    driver = Driver(library)
    assert driver.cuda_version == (12, 6)
    assert driver.devices() == [
        Device(0, "Old", (9, 0), 8 << 30),
        Device(1, "New", (10, 0), 8 << 30),
    ]


def test_what_is_decoded_is_asked_of_each_device(library: str) -> None:
    driver = Driver(library)
    expected = Capability(7, 48, 16, 4096, 4096, 65536)
    assert driver.capability(0, "h264", "4:2:0", 8, library) == expected
    assert driver.capability(0, "h264", "4:2:0", 10, library) is None
    assert driver.capability(1, "h264", "4:2:0", 10, library) == expected
    assert driver.capability(1, "av1", "4:2:0", 8, library) is None


def test_engines_are_counted_and_none_where_nothing_decodes(library: str) -> None:
    assert n_engines(1, library, library) == 7
    assert n_engines(5, library, library) == 0
    assert n_engines(0, "libabsent.so", library) == 0


def test_no_context_is_left_current_or_retained(library: str) -> None:
    Driver(library).capability(0, "h264", "4:2:0", 8, library)
    assert ctypes.CDLL(library).contexts_in_use() == 0


def test_an_error_of_the_driver_is_told_in_its_words(library: str) -> None:
    with pytest.raises(NoDriver, match="cuDeviceGet failed with 101: invalid device ordinal"):
        Driver(library).capability(5, "h264", "4:2:0", 8, library)


def test_a_missing_driver_is_named(library: str) -> None:
    with pytest.raises(NoDriver, match=r"the NVIDIA driver is missing: .*libabsent\.so"):
        Driver("libabsent.so")
    with pytest.raises(NoDriver, match=r"libabsent\.so"):
        Driver(library).capability(0, "h264", "4:2:0", 8, "libabsent.so")


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ((1920, 1080), None),
        ((4096, 4096), None),
        ((40, 1080), "40x1080 is outside 48x16 to 4096x4096"),
        ((4097, 100), "4097x100 is outside"),
    ],
)
def test_sizes_are_held_to_the_limits(size: tuple[int, int], reason: str | None) -> None:
    found = Capability(7, 48, 16, 4096, 4096, 65536).why_not(*size)
    assert (found is None) == (reason is None)
    assert reason is None or reason in str(found)


def test_a_picture_of_too_many_macroblocks_is_refused() -> None:
    assert Capability(1, 48, 16, 4096, 4096, 8160).why_not(1920, 1088) is None
    assert Capability(1, 48, 16, 4096, 4096, 8160).why_not(1936, 1088) is not None
