"""What the documents say is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mitate.server.calibration import default_calibration
from mitate.server.settings_load import markdown_table

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = (
    "config",
    "key",
    "backup",
    "restore",
    "verify",
    "plan",
    "serve",
    "add",
    "search",
    "scan",
    "compare",
    "sign",
    "list",
    "show",
    "remove",
    "stats",
    "doctor",
)


def test_the_readme_is_short_and_has_no_placeholders() -> None:
    assert len(README.splitlines()) < 200
    assert not re.search(r"\b[A-Z]+_(OUTPUT|EXAMPLE)\b|TODO", README)


def test_the_documents_have_the_table_of_settings() -> None:
    assert markdown_table() in (ROOT / "docs" / "settings.md").read_text()


def test_the_readme_has_the_table_of_the_kept_measurements() -> None:
    from bench.report import table

    assert table() in README


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_and_has_help(command: str) -> None:
    assert re.search(rf"\bmitate (\w+ \S* ?\| )*{command}\b|\| {command}\b", README)
    done = subprocess.run(
        [sys.executable, "-m", "mitate.clients.cli", command, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "usage: mitate" in done.stdout


def test_the_documents_say_on_how_many_titles_a_probability_rests() -> None:
    titles = f"{default_calibration().n_titles} titles"
    assert f"calibrated on {titles}" in README
    assert f"calibration rests on {titles}" in (ROOT / "docs" / "quality.md").read_text()


def test_links_of_the_documents_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
            assert target.startswith("http") or (path.parent / target).exists(), (path, target)
