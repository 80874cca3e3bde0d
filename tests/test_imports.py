"""Every module imports on a machine without GPU packages, FAISS and decord."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "mitate.kernels": ROOT / "kernels",
    "mitate.server": ROOT / "server",
    "mitate.clients": ROOT / "clients",
}
ABSENT = ("cupy", "torch", "faiss", "decord")


def modules() -> list[str]:
    return [
        f"{package}.{path.stem}"
        for package, folder in FOLDERS.items()
        for path in sorted(folder.glob("*.py"))
        if not path.stem.startswith("__")
    ]


def test_modules_import_without_optional_packages() -> None:
    code = f"""
import importlib, sys
for name in {ABSENT!r}:
    sys.modules[name] = None
for name in {modules()!r}:
    importlib.import_module(name)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", FOLDERS)
def test_packages_are_typed_and_files_are_short(package: str) -> None:
    folder = FOLDERS[package]
    assert (folder / "py.typed").is_file()
    too_long = {
        path.name: n
        for path in folder.glob("*.py")
        if (n := len(path.read_text().splitlines())) > 320
    }
    assert not too_long
