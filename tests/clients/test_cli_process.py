"""The command line as a process: start-up, signals, pipes, replacement by the server."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fake_server import FakeServer

from mitate.clients.cli import main

COMMAND = [sys.executable, "-m", "mitate.clients.cli"]
HEAVY = {"numpy", "av", "PIL", "numba", "faiss", "cupy", "decord", "torch"}


def loaded(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after running `code`."""
    code += "\nimport sys, json; print(json.dumps([m.partition('.')[0] for m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_loads_nothing_heavy() -> None:
    code = "from mitate.clients.cli_parser import build_parser; build_parser().format_help()"
    assert not loaded(code) & (HEAVY | {"grpc", "rich", "google"})


def test_list_loads_nothing_heavy(server: FakeServer) -> None:
    code = f"from mitate.clients.cli import main; main(['list', '--server', {server.address!r}])"
    assert not loaded(code) & HEAVY


def test_importing_a_client_loads_no_decoder() -> None:
    modules = loaded("import mitate.clients.client, mitate.clients.aio, mitate.clients.columns")
    assert not modules & (HEAVY - {"numpy"})


def test_a_reader_that_leaves_is_no_crash(server: FakeServer, clip: Path) -> None:
    for number in range(3):
        clip.write_bytes(b"%d" % number * 1000)
        main(["add", str(clip), "--server", server.address, "--json"])
    with subprocess.Popen(
        [*COMMAND, "list", "--json", "--server", server.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.wait(30) == 1
        assert process.stderr.read() == b""


@pytest.mark.parametrize("command", ["add", "search", "scan"])
def test_an_interrupt_ends_with_130_and_no_traceback(command: str, clip: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [*COMMAND, command, str(clip), "--server", address],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            silent.settimeout(30)
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, b"", b"mitate: interrupted\n")


def test_serve_becomes_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda *arguments: called.append(arguments))
    main(["serve", "--data", "d", "--listen", "127.0.0.1:1", "--help"])
    arguments = ["-m", "mitate.server", "serve", "--data", "d", "--listen", "127.0.0.1:1", "--help"]
    assert called == [(sys.executable, [sys.executable, *arguments])]


def terminal_output(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Run a command whose output goes to a terminal."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=terminal,
        stderr=terminal,
        cwd=folder,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(terminal)
    shown = b""
    while True:
        try:
            piece = os.read(controller, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(controller)
    return process.wait(30), shown.decode()


def test_a_terminal_shows_bars_and_whole_lines(server: FakeServer, clip: Path) -> None:
    code, shown = terminal_output(["add", clip.name, "--server", server.address], clip.parent)
    assert code == 0
    assert "━" in shown
    assert "added       0:51.4     1,234        1  clip.mp4\r\n" in shown


def test_json_on_a_terminal_is_not_mixed_with_bars(server: FakeServer, clip: Path) -> None:
    code, shown = terminal_output(
        ["add", clip.name, "--json", "--server", server.address], clip.parent
    )
    assert code == 0
    assert json.loads(shown)["status"] == "added"


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("mitate ")
