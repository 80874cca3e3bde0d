from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = """
from mitate.kernels.jit import jit

@jit
def twice(x: int) -> int:
    return 2 * x
"""


def run(code: str, folder: Path, **environment: str) -> str:
    keep = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**keep, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_kernels_does_not_import_numba(tmp_path: Path) -> None:
    code = "import mitate.kernels.blocks, sys; print('numba' in sys.modules)"
    assert run(code, tmp_path) == "False"


def test_functions_compile_where_no_cache_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "doubling.py").write_text(SOURCE)
    (tmp_path / "__pycache__").write_text("a file, so that there can be no such folder")
    code = "import doubling; print(doubling.twice(21))"
    assert run(code, tmp_path, HOME="/dev/null", XDG_CACHE_HOME="/dev/null/cache") == "42"


def test_the_machine_code_is_kept_beside_the_source(tmp_path: Path) -> None:
    (tmp_path / "doubling.py").write_text(SOURCE)
    run("import doubling; doubling.twice(21)", tmp_path)
    assert list((tmp_path / "__pycache__").glob("doubling.twice*.nbc"))
