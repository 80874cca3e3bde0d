from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from conformance import CASES, DECORD_FAILS, Case

from mitate.kernels.decode import open_media
from mitate.kernels.errors import InvalidMedia


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("corpus")


def file_of(name: str, corpus: Path, ffmpeg: str) -> Path:
    case = CASES[name]
    folder = corpus / name.replace(" ", "_").replace(":", "")
    path = folder / f"file.{case.suffix}"
    if not folder.exists():
        folder.mkdir()
        case.make(ffmpeg, path)
    return path


def n_frames_of(path: Path, backend: str) -> int:
    with open_media(path, backend=backend) as decoder:
        return sum(1 for _ in decoder.frames())


def check(path: Path, case: Case, backend: str) -> None:
    if case.refused is not None:
        with pytest.raises(InvalidMedia, match=case.refused) as caught:
            n_frames_of(path, backend)
        assert "\n" not in caught.value.message
        return
    with open_media(path, backend=backend) as decoder:
        pictures = [(p.time_ms, p.planes[0].buffer.sum(dtype=np.int64)) for p in decoder.frames()]
        partial, end_ms = decoder.partial, decoder.end_ms
    times = [time_ms for time_ms, _ in pictures]
    assert len(times) in case.n_frames
    assert all(one < other for one, other in pairwise(times))
    assert end_ms >= times[-1]
    assert partial == case.partial
    assert len({int(total) for _, total in pictures}) >= case.distinct * len(pictures)
    if case.times_ms is not None:
        np.testing.assert_allclose(times, case.times_ms, atol=case.tolerance_ms)


@pytest.mark.parametrize("name", CASES)
def test_the_default_decoder_conforms(name: str, corpus: Path, ffmpeg: str) -> None:
    check(file_of(name, corpus, ffmpeg), CASES[name], "auto")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.xfail(reason=DECORD_FAILS[name], strict=True))
        if name in DECORD_FAILS
        else name
        for name in CASES
    ],
)
def test_decord_conforms(name: str, corpus: Path, ffmpeg: str) -> None:
    pytest.importorskip("decord")
    case = CASES[name]
    if case.refused is not None:  # it has words of its own
        case = case._replace(refused="not a video that decord can read|the file is empty")
    check(file_of(name, corpus, ffmpeg), case, "decord")
