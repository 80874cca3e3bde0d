from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import pytest

from mitate.kernels.errors import SettingsError
from mitate.server.flags import add_settings
from mitate.server.settings import Settings
from mitate.server.settings_load import documented, load, markdown_table

DATA = {"data": "/data"}


def effective(flags: Mapping[str, str], environ: Mapping[str, str], path: Path | None) -> Settings:
    return load(flags, environ, path).settings


def write(folder: Path, text: str) -> Path:
    path = folder / "mitate.toml"
    path.write_text(text)
    return path


def test_flag_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    path = write(tmp_path, 'workers = 2\ndrain_s = 5\nlog_level = "debug"\ndata = "store"\n')
    environ = {"MITATE_WORKERS": "3", "MITATE_DRAIN_S": "6.5", "HOME": "/root"}
    loaded = load({"workers": "4"}, environ, path)
    settings = loaded.settings
    assert (settings.workers, settings.drain_s, settings.log_level) == (4, 6.5, "debug")
    assert settings.listen == "127.0.0.1:50061"
    origins = {item.name: (item.value, item.origin) for item in loaded.effective}
    assert origins["workers"] == ("4", "flag --workers")
    assert origins["drain_s"] == ("6.5", "environment MITATE_DRAIN_S")
    assert origins["log_level"] == ("debug", f"file {path}")
    assert origins["listen"] == ("127.0.0.1:50061", "default")
    assert origins["max_picture_bytes"] == ("25MB", "default")


def test_relative_paths_start_from_the_place_that_names_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    path = write(tmp_path, 'data = "store"\nmedia_roots = ["videos", "/media"]\n')
    assert effective({}, {}, path).data == tmp_path / "store"
    assert effective({}, {}, path).media_roots == (tmp_path / "videos", Path("/media"))
    assert effective({"data": "store"}, {}, path).data == here / "store"
    roots = effective({"media_roots": "a:/b"}, {}, path).media_roots
    assert roots == (here / "a", Path("/b"))


def test_effective_values_load_to_the_same_settings() -> None:
    loaded = load({**DATA, "max_upload_bytes": "3GiB", "media_roots": "/a:/b"}, {}, None)
    again = effective({item.name: item.value for item in loaded.effective}, {}, None)
    assert again == loaded.settings


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [("100", 100), ("25MB", 25_000_000), ("1 GiB", 2**30), ("3kib", 3072), ("70000B", 70_000)],
)
def test_sizes_are_read_with_units(text: str, n_bytes: int) -> None:
    assert effective({**DATA, "max_upload_bytes": text}, {}, None).max_upload_bytes == n_bytes


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("workers", "two", "flag --workers: workers is 'two'; a whole number is allowed"),
        ("workers", "-1", "workers is '-1'"),
        ("workers", "2000", "workers is 2000; 0 to 1024 is allowed"),
        ("workers", "2MB", "a whole number is allowed"),
        ("max_upload_bytes", "5XB", "a size such as 25MB or 1GiB is allowed"),
        ("max_upload_bytes", "0", "max_upload_bytes is 0; 1 to 1024TiB is allowed"),
        ("drain_s", "nan", "drain_s is nan; 0 to 3600 is allowed"),
        ("drain_s", "soon", "a number of seconds is allowed"),
        ("index", "milvus", "index is 'milvus'; allowed are auto, native, gpu, faiss, numpy"),
        ("listen", "50061", "listen is '50061'; HOST:PORT is allowed"),
        ("listen", "localhost:70000", "HOST:PORT is allowed"),
        ("data", "", "data is ''; the path of a file or folder is allowed"),
        ("max_message_bytes", "1MB", "at least 25065536 is allowed"),
        ("max_pixel", "9", "flag --max-pixel: unknown key 'max_pixel'; known are data, listen"),
    ],
)
def test_wrong_flag_is_an_error_that_says_what_is_allowed(
    name: str, text: str, message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        effective({**DATA, name: text}, {}, None)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "unknown key 'colour'"),
        ("[server]\nworkers = 1", "unknown key 'server'"),
        ("workers = true", "workers is True; a whole number is allowed"),
        ("workers = 1.5", "workers is 1.5; a whole number is allowed"),
        ("listen = 1", "listen is 1; text is allowed"),
        ("media_roots = [1]", "media_roots is [1]; a list of folders is allowed"),
        ("workers = ", "is not TOML"),
    ],
)
def test_wrong_file_is_an_error_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        effective(DATA, {}, path)
    assert f"file {path}" in caught.value.message
    assert message in caught.value.message


def test_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot read the file"):
        effective(DATA, {}, tmp_path / "none.toml")


def test_data_folder_is_required() -> None:
    with pytest.raises(SettingsError, match="data is not set; give --data DIR"):
        effective({}, {}, None)


def test_variables_of_others_are_reported_and_not_refused() -> None:
    environ = {"MITATE_SERVICE_HOST": "10.0.0.1", "MITATE_WORKERS": "1"}
    assert load(DATA, environ, None).unknown_variables == ("MITATE_SERVICE_HOST",)


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::1]:50061", "mitate.example:443"])
def test_addresses_of_all_kinds_are_allowed(address: str) -> None:
    assert Settings(data=Path("/data"), listen=address).listen == address


def test_settings_made_in_code_are_checked_too() -> None:
    with pytest.raises(SettingsError, match="workers is -1"):
        Settings(data=Path("/data"), workers=-1)


def test_every_setting_is_documented() -> None:
    table = markdown_table().splitlines()
    assert len(table) == len(documented()) + 2
    for item in documented():
        assert item.help.endswith(".")
        assert item.variable == "MITATE_" + item.flag.removeprefix("--").upper().replace("-", "_")
    size = "| `--max-picture-bytes` | 25MB | 1 to 2147483647 | Largest picture in a request. |"
    assert size in table
    assert table[2].startswith("| `--data` | required |")


@pytest.mark.parametrize(
    ("flag", "text"),
    [
        ("--views", "(default: normal; allowed: fast, normal, thorough)"),
        ("--log-level", "(default: info; allowed: debug, info, warning, error)"),
        ("--false-alarm-rate", "(default: 0.001; allowed: 1e-06 to 0.5)"),
        ("--jwt-audience", "(default: mitate)"),
    ],
)
def test_help_says_what_a_setting_may_be(flag: str, text: str) -> None:
    parser = argparse.ArgumentParser()
    add_settings(parser)
    help_ = " ".join(parser.format_help().split(f"  {flag} X", 1)[1].split("  --", 1)[0].split())
    assert help_.endswith(text)
