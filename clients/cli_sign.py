"""`mitate sign`."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from mitate.clients.cli_files import Job, check_apart, write_file
from mitate.clients.cli_output import OnProgress, Output
from mitate.clients.cli_run import for_each
from mitate.clients.cli_text import clock, counted, shown
from mitate.clients.media import local_file
from mitate.clients.signing import file_bytes, sign_path
from mitate.kernels.errors import InvalidArgument, MitateError

if TYPE_CHECKING:
    from mitate.kernels.signature import Signature

SUFFIX = ".msig"


def sign(arguments: Namespace) -> bool:
    """Sign files; returns whether all went well.

    Raises:
        InvalidArgument: `-o` names a file for several files, or one of those that are read.
    """
    targets = _targets(arguments.files, arguments.output)
    for target in targets.values():
        check_apart(target, targets)
    output = Output(arguments.json)

    def work(file: str, tell: OnProgress) -> tuple[Path, Signature]:
        signature = sign_path(
            local_file(file).path, tell, every=arguments.every, keys_only=arguments.keyframes
        )
        target = targets[file]
        write_file(target, file_bytes(signature))
        return target, signature

    def done(file: str, outcome: tuple[Path, Signature] | MitateError) -> None:
        if isinstance(outcome, MitateError):
            output.failure(file, outcome, {"file": file})
            return
        target, signature = outcome
        text = (
            f"{shown(file)} → {shown(str(target))}  "
            f"{counted(signature.n_frames, 'frame')}, {clock(signature.duration_ms)}"
            f"{', cut off' if signature.partial else ''}"
        )
        output.result(
            _data(file, target, signature), lambda console: console.print(text, soft_wrap=True)
        )

    jobs = [Job(file) for file in targets]
    with output.bars(len(jobs)) as bar:
        for_each(jobs, work, bar, done, parallel=os.cpu_count() or 1)
    return output.all_well


def _data(file: str, target: Path, signature: Signature) -> dict[str, object]:
    return {
        "file": file,
        "signature": str(target),
        "kind": signature.kind,
        "frames": signature.n_frames,
        "kept": signature.n_kept,
        "duration_ms": signature.duration_ms,
        "width": signature.width,
        "height": signature.height,
        "descriptor_version": signature.descriptor_version,
        "preprocessing_version": signature.preprocessing_version,
        "partial": signature.partial,
    }


def _targets(files: list[str], output: str | None) -> dict[str, Path]:
    """Return where the signature of each file goes; equal stems are numbered."""
    files = list(dict.fromkeys(files))
    folder = Path(output or ".")
    if output is not None and not folder.is_dir():
        if len(files) == 1 and not output.endswith(os.sep):
            return {files[0]: folder}
        if folder.exists():
            raise InvalidArgument(f"-o {output} is a file; a directory takes several signatures")
    targets: dict[str, Path] = {}
    for file in files:
        stem, number = Path(file).stem, 1
        target = folder / (stem + SUFFIX)
        while target in targets.values():
            number += 1
            target = folder / f"{stem}-{number}{SUFFIX}"
        targets[file] = target
    return targets
