"""Fixtures shared by all tests."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts background jobs so, and programs under test would ignore Ctrl-C too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


# A busy machine makes a single example slow without anything being wrong.
settings.register_profile("mitate", deadline=None)
settings.load_profile("mitate")


@pytest.fixture(scope="session")
def clips() -> Path:
    """Folder of real clips; the test is skipped where it is absent."""
    folder = SHARED / "media" / "clips"
    if not folder.is_dir():
        pytest.skip("real clips are absent: ../shared/media/clips")
    return folder


@pytest.fixture(scope="session")
def golden() -> Path:
    """Folder of descriptors made by independent programs."""
    folder = SHARED / "golden"
    if not folder.is_dir():
        pytest.skip("golden descriptors are absent: ../shared/golden")
    return folder


@pytest.fixture(scope="session")
def ffmpeg() -> str:
    """Path of the ffmpeg program, which makes test media."""
    found = shutil.which("ffmpeg")
    if found is None:
        pytest.skip("ffmpeg is not installed")
    return found
