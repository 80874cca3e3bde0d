from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from mitate.kernels.errors import SettingsError
from mitate.server.reloading import Reloading


def number(path: Path) -> int:
    try:
        return int(path.read_text())
    except ValueError as error:
        raise SettingsError(f"{path} holds no number") from error


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "number"
    path.write_text("1")
    return path


def test_a_changed_file_is_read_again(path: Path) -> None:
    value = Reloading([path], lambda: number(path), check_s=0)
    assert value.value == 1
    path.write_text("22")
    assert value.value == 22


def test_a_replaced_file_of_the_same_size_and_time_is_read_again(path: Path) -> None:
    value = Reloading([path], lambda: number(path), check_s=0)
    times = path.stat()
    other = path.with_name("other")
    other.write_text("7")
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(path)
    assert value.value == 7


def test_a_link_that_leads_elsewhere_is_followed(tmp_path: Path, path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    value = Reloading([link], lambda: number(link), check_s=0)
    (tmp_path / "second").write_text("2")
    fresh = tmp_path / "fresh"
    fresh.symlink_to(tmp_path / "second")
    fresh.replace(link)
    assert value.value == 2


def test_a_file_that_cannot_be_used_leaves_the_last_value_and_tells_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    value = Reloading([path], lambda: number(path), check_s=0)
    path.write_text("nonsense")
    with caplog.at_level(logging.INFO):
        assert [value.value for _ in range(5)] == [1] * 5
    assert len(caplog.records) == 1 and "holds no number" in caplog.text
    path.unlink()
    path.write_text("3")
    assert value.value == 3


def test_the_file_is_looked_at_no_oftener_than_asked(path: Path) -> None:
    value = Reloading([path], lambda: number(path), check_s=1000)
    path.write_text("2")
    assert value.value == 1


def test_a_first_reading_that_fails_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("x")
    with pytest.raises(SettingsError):
        Reloading([tmp_path / "bad"], lambda: number(tmp_path / "bad"))
