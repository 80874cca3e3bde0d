"""A scan written for editors, an upload screened, and a stream scanned live, by a real server."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import opentimelineio as otio
import pytest
from conftest import Server, running
from PIL import Image

from mitate.clients import Client
from mitate.clients.results import SearchOptions
from mitate.kernels import signature_file
from mitate.kernels.sign import sign
from mitate.kernels.signature import Signature


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("outputs")) as made:
        assert made.mitate("add", drawn).returncode == 0
        yield made


@pytest.fixture(scope="module")
def amv(tmp_path_factory: pytest.TempPathFactory, drawn: Path, ffmpeg: str) -> Path:
    """1.5 s of one video, then 2 s of another mirrored."""
    path = tmp_path_factory.mktemp("amv") / "amv.mp4"
    graph = "[0]trim=1:2.5,setpts=PTS-STARTPTS[a];[1]trim=0.5:2.5,setpts=PTS-STARTPTS,hflip[b];"
    inputs = ["-i", str(drawn / "test.mp4"), "-i", str(drawn / "zoom.webm")]
    command = [ffmpeg, "-v", "error", *inputs, "-filter_complex", f"{graph}[a][b]concat"]
    subprocess.run([*command, "-pix_fmt", "yuv420p", str(path)], check=True)
    return path


def test_a_scan_is_written_for_editors_and_tables(
    server: Server, amv: Path, tmp_path: Path
) -> None:
    exports = [tmp_path / f"amv.{suffix}" for suffix in ("otio", "edl", "csv")]
    flags = [flag for path in exports for flag in ("--export", str(path))]
    (answer,) = server.answers("scan", amv, *flags)
    assert [segment["title"] for segment in answer["segments"]] == ["test", "zoom"]
    assert all(0.5 <= segment["probability"] <= 1 for segment in answer["segments"])
    (track,) = otio.adapters.read_from_file(str(exports[0])).video_tracks()
    assert [clip.name for clip in track.find_clips()] == ["test", "zoom"]
    assert "test" in exports[1].read_text()
    rows = list(csv.DictReader(exports[2].read_text().splitlines()))
    assert [row["title"] for row in rows] == ["test", "zoom"]
    assert abs(int(rows[0]["from_ms"]) - 1000) <= 60
    assert (rows[0]["mirrored"], rows[1]["mirrored"]) == ("False", "True")


def test_a_scan_is_drawn_with_frames_of_the_video_and_of_its_sources(
    server: Server, amv: Path, tmp_path: Path
) -> None:
    target = tmp_path / "amv.png"
    (answer,) = server.answers("scan", amv, "--picture", target)
    assert answer["picture"] == str(target)
    image = Image.open(io.BytesIO(target.read_bytes()))
    with Client(server.address) as client:
        drawn = client.scan(amv, draw=True).picture
        assert client.scan(amv).picture == b""
        nothing = client.scan(amv, SearchOptions(title_ids=(999,)), draw=True)
    assert Image.open(io.BytesIO(drawn)).size == image.size
    assert nothing.segments == ()
    assert Image.open(io.BytesIO(nothing.picture)).height < image.height
    signed = tmp_path / "signed.msig"
    with signed.open("wb") as file:
        signature_file.write(sign(amv), file)
    assert server.mitate("scan", signed, "--picture", target).returncode == 0
    assert Image.open(io.BytesIO(target.read_bytes())).size == image.size


def test_an_export_that_names_no_format_is_wrong_usage(server: Server, amv: Path) -> None:
    done = server.mitate("scan", amv, "--export", "amv.prproj")
    assert done.returncode == 2
    assert "allowed are .otio, .edl, .csv" in done.stderr


def test_an_upload_made_of_the_catalog_is_refused(server: Server, amv: Path) -> None:
    done = server.mitate("screen", amv, "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["decision"] == "refuse"
    assert server.mitate("screen", amv, "--share", "1", "--seconds", "60").returncode in (0, 3)


def test_a_stream_is_scanned_while_it_is_pushed(server: Server, amv: Path) -> None:
    whole = sign(amv)

    def pushed(n_frames: int, with_runs: bool) -> Iterator[Signature]:
        for first in range(0, whole.n_frames, n_frames):
            yield whole.part(first, min(first + n_frames, whole.n_frames), with_runs=with_runs)

    with Client(server.address) as client:
        pieces, at_once, plain = (
            list(client.scan_live(pushed(*how), lag_ms=2000))
            for how in ((20, True), (whole.n_frames, True), (20, False))
        )
        timeline = client.scan(amv)
    assert pieces == at_once
    ends = [one.query_to_ms for one in timeline.segments]
    for segments in (pieces, plain):
        told = [(one.title, one.mirrored) for one in segments]
        assert told == [("test", False), ("zoom", True)]
        assert [one.query_to_ms for one in segments] == pytest.approx(ends, abs=100)
    assert all(
        one.probability != other.probability for one, other in zip(pieces, plain, strict=True)
    )
