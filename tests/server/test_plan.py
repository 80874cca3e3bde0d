"""A plan grows with the hours, and its constants are those of the code."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mitate.kernels.box_code import BOX_TILE_BYTES
from mitate.kernels.run_table import RunTable
from mitate.kernels.tile_code import TILE_ROWS
from mitate.kernels.tiles import CHUNK_ROWS, L2, Tiles
from mitate.server import plan
from mitate.server.main import main


def test_twice_the_hours_need_twice_as_much() -> None:
    one, two = plan.plan(1000), plan.plan(2000)
    assert two.memory_bytes == pytest.approx(2 * one.memory_bytes)
    assert two.disk_bytes == pytest.approx(2 * one.disk_bytes)
    assert two.queries_per_core_s == pytest.approx(one.queries_per_core_s / 2)


def test_fifty_thousand_hours_need_two_h100() -> None:
    made = plan.plan(50_000, "h100")
    assert 4.3e9 < made.frames < 4.4e9
    assert made.gpus == 2
    assert plan.plan(10_000, "h100").gpus == 1


def test_rows_and_runs_take_the_memory_that_is_planned_for() -> None:
    tiles = Tiles(L2)
    tiles.append(np.zeros((1, 32), np.int8))
    assert tiles._chunks[0].nbytes == CHUNK_ROWS * plan.ROW_BYTES
    table = RunTable(L2, 0.5)
    table.append(np.random.default_rng(1).integers(-128, 128, (20_000, 32)).astype(np.int8))
    spans, boxes = table.arrays.spans, BOX_TILE_BYTES / TILE_ROWS
    of_run = spans.nbytes / len(spans) + boxes + boxes / TILE_ROWS
    assert of_run == pytest.approx(plan.RUN_BYTES, abs=1)


def test_the_command_prints_a_table_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--hours", "50000", "--gpu", "h100"]) == 0
    assert "queries on GPUs" in capsys.readouterr().out
    assert main(["plan", "--hours", "10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["gpus"] == 0


def test_senseless_hours_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["plan", "--hours", "-3"])
    assert "-3 hours; more than 0" in capsys.readouterr().err
