"""The files in docs/deploy name settings, files and metrics that there are."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from mitate.server.metrics import REGISTRY
from mitate.server.monitor import AppCollector
from mitate.server.settings_load import documented

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "docs" / "deploy"
VARIABLES = {item.variable for item in documented()}
FLAGS = {item.flag for item in documented()} | {"--config"}


def named_variables(path: Path) -> set[str]:
    return set(re.findall(r"\bMITATE_[A-Z_]+", path.read_text()))


@pytest.mark.parametrize("name", ["mitate.service", "Dockerfile", "compose.yaml"])
def test_every_variable_is_a_setting(name: str) -> None:
    assert named_variables(DEPLOY / name) and named_variables(DEPLOY / name) <= VARIABLES


def test_the_unit_starts_the_server_with_flags_that_there_are() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[method-assign,assignment]
    unit.read(DEPLOY / "mitate.service")
    program, command, *flags = unit["Service"]["ExecStart"].split()
    assert (Path(program).name, command) == ("mitate", "serve")
    assert {flag for flag in flags if flag.startswith("-")} <= FLAGS
    drain_s = next(float(item.default) for item in documented() if item.name == "drain_s")
    assert float(unit["Service"]["TimeoutStopSec"]) > drain_s


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_finds_nothing_wrong_with_the_unit_but_that_it_is_not_installed() -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", str(DEPLOY / "mitate.service")],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    assert not [line for line in found if "mitate.service" in line], found


def test_compose_names_files_and_secrets_that_there_are() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    named = [v.split(":")[0] for s in compose["services"].values() for v in s["volumes"]]
    for path in [name for name in named if name.startswith("./")]:
        assert (DEPLOY / path).is_file(), path
    assert {name for name in named if "/" not in name} == set(compose["volumes"])
    server = compose["services"]["mitate"]
    assert set(server["secrets"]) == set(compose["secrets"])
    used = {value.removeprefix("/run/secrets/") for value in server["environment"].values()}
    assert used == set(compose["secrets"])
    build = server["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


def test_the_image_is_made_with_extras_that_there_are() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (extras,) = re.findall(r"/src\[([\w,]+)\]", (DEPLOY / "Dockerfile").read_text())
    assert set(extras.split(",")) <= set(project["optional-dependencies"])


def expressions() -> list[str]:
    board = json.loads((DEPLOY / "grafana.json").read_text())
    found = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    alerts = yaml.safe_load((DEPLOY / "alerts.yml").read_text())
    return found + [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]


class NoServer:
    """Anything that a collector asks of a server."""

    ready, draining, index_name = True, False, "none"
    n_queued = generation = n_rows = n_window_rows = 0
    sources: tuple[Any, ...] = ()

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self) -> Any:
        return self

    def __float__(self) -> float:
        return 0.0


def metrics() -> set[str]:
    """Names of all series that a server tells."""
    app: Any = NoServer()
    families = [*REGISTRY.collect(), *AppCollector(app, lambda: 0).collect()]
    suffixes = {
        "counter": ("_total",),
        "histogram": ("_bucket", "_sum", "_count"),
    }
    return {
        family.name + suffix for family in families for suffix in suffixes.get(family.type, ("",))
    }


def test_every_metric_that_is_drawn_or_watched_is_told() -> None:
    named = {
        name
        for expression in expressions()
        for name in re.findall(r"\b(?:mitate|process|python)_\w+", expression)
    }
    assert len(named) > 20
    assert named <= metrics()


def test_every_metric_of_the_server_is_drawn() -> None:
    drawn = " ".join(expressions())
    stems = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in metrics()}
    forgotten = {stem for stem in stems if stem.startswith("mitate_") and stem not in drawn}
    assert forgotten <= {
        *("mitate_build_info", "mitate_index_generation", "mitate_index_sources"),
        *("mitate_stored_titles", "mitate_stored_episodes", "mitate_stored_frames"),
    }


def test_panels_do_not_overlap() -> None:
    board = json.loads((DEPLOY / "grafana.json").read_text())
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = SimpleNamespace(**panel["gridPos"])
        cells = {(at.x + i, at.y + j) for i in range(at.w) for j in range(at.h)}
        assert not cells & taken and at.x + at.w <= 24, panel["title"]
        taken |= cells
