"""Comparing on a real server, through the real command line."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, mitate, running
from making_requests import at_path, uploaded
from PIL import Image, ImageDraw, ImageOps
from wire import Wire

from mitate.clients.client import Client
from mitate.clients.compared import Subject
from mitate.kernels.errors import OperationCancelled
from mitate.v1 import compare_pb2 as compare

STAGES = ["quality", "borders", "views", "pair", "distance", "agreement", "evidence"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("compare"), "--media-roots", str(drawn)) as server:
        assert server.mitate("add", drawn).returncode == 0
        yield server


@pytest.fixture(scope="module")
def episodes(server: Server) -> dict[str, int]:
    with Client(server.address) as client:
        return {one.title: one.episode_id for one in client.episodes()}


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory, drawn: Path, ffmpeg: str) -> Path:
    path = tmp_path_factory.mktemp("frame") / "frame.png"
    cut = [ffmpeg, "-v", "error", "-ss", "2.5", "-i", str(drawn / "zoom.webm"), "-frames:v", "1"]
    subprocess.run([*cut, str(path)], check=True)
    return path


@pytest.fixture
def edited(frame: Path, tmp_path: Path) -> Path:
    """The frame mirrored, cut, written over and in black bars."""
    image = ImageOps.mirror(Image.open(frame).crop((12, 8, 310, 172)))
    ImageDraw.Draw(image).text((60, 140), "a caption", fill="white", font_size=16)
    path = tmp_path / "見立て still.jpg"
    ImageOps.expand(image, (0, 40)).save(path, quality=60)
    return path


def outcomes(line: dict[str, Any]) -> dict[str, str]:
    return {stage["name"]: stage["outcome"] for stage in line["stages"]}


def test_an_edited_still_is_explained_and_drawn(
    server: Server, edited: Path, episodes: dict[str, int], tmp_path: Path
) -> None:
    target = tmp_path / "out.png"
    done = server.mitate("compare", edited, f"episode:{episodes['zoom']}", "-o", target)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("match: A shows B at 0:02.")
    assert "mirrored" in done.stdout and "見立て still.jpg" in done.stdout
    assert all(name in done.stdout for name in STAGES)
    with Image.open(target) as image:
        assert image.format == "PNG" and image.width > 1000
        image.load()


def test_the_comparison_agrees_with_the_search(
    server: Server, edited: Path, episodes: dict[str, int]
) -> None:
    (answer,) = server.answers("search", edited)
    best = answer["matches"][0]
    moment = f"episode:{best['episode_id']}@{best['at_ms'] / 1000}"
    (line,) = server.answers("compare", edited, moment)
    assert (line["verdict"], line["mirrored"]) == (best["verdict"], best["mirrored"])
    assert line["probability"] == pytest.approx(best["probability"], abs=0.02)
    (other,) = server.answers("compare", edited, f"episode:{episodes['life']}")
    assert other["verdict"] == "no_match"
    assert "failed" in outcomes(other).values()


def test_videos_are_compared_at_their_times_or_where_they_are_nearest(
    server: Server, drawn: Path, episodes: dict[str, int]
) -> None:
    zoom = drawn / "zoom.webm"
    (line,) = server.answers("compare", f"{zoom}@1.5", f"episode:{episodes['zoom']}@0:01.5")
    assert (line["verdict"], line["reference"]["at_ms"]) == ("match", 1500)
    assert abs(line["query"]["at_ms"] - 1500) <= 42
    assert line["query"]["width"] == 320 and line["query"]["kind"] == "video"
    (line,) = server.answers("compare", zoom, f"source:{line['reference']['source_id']}")
    assert line["verdict"] == "match" and line["distance"] < 100
    (line,) = server.answers("compare", zoom, drawn / "life.mkv")
    assert line["verdict"] == "no_match"


def test_a_signature_is_compared_without_the_close_look(
    server: Server, edited: Path, frame: Path, episodes: dict[str, int], tmp_path: Path
) -> None:
    signature, target = tmp_path / "a.msig", tmp_path / "a.png"
    assert mitate("sign", frame, "-o", signature).returncode == 0
    with Client(server.address) as client:
        found = client.compare(signature, Subject(episode_id=episodes["zoom"], at_ms=2500))
        assert (found.verdict, found.probability) == ("match", None)
        assert [stage.outcome for stage in found.stages][-2:] == ["skipped", "skipped"]
        target.write_bytes(found.picture)
    Image.open(target).verify()


def test_a_descriptor_in_a_file_is_compared(
    server: Server, frame: Path, episodes: dict[str, int], tmp_path: Path
) -> None:
    with Client(server.address) as client:
        descriptor = bytes(client.compute_signature(frame).layout.tolist())
    (tmp_path / "one").write_bytes(descriptor)
    (line,) = server.answers("compare", tmp_path / "one", f"episode:{episodes['zoom']}@2.5")
    assert (line["verdict"], line["query"]["descriptor"]) == ("match", list(descriptor))


def test_what_is_wrong_is_told_of_a_or_of_b(
    server: Server, frame: Path, episodes: dict[str, int], tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video")
    wrong = {
        (str(text), str(frame)): "A: no video can be read from it",
        (str(frame), str(text)): "B: no video can be read from it",
        (f"{frame}@3", str(frame)): "A: a time is given, 3 s, but it is a picture",
        (str(frame), f"episode:{episodes['zoom']}@99"): "B: it has no frame at 99 s",
        (str(frame), "episode:4711"): "B: there is no episode 4711",
        ("source:4711", str(frame)): "A: there is no source 4711",
    }
    for (a, b), message in wrong.items():
        done = server.mitate("compare", a, b)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"mitate: {message}"), done.stderr
    assert not list((server.data / "uploads").iterdir())


def test_uploads_are_kept_for_another_comparison_and_paths_are_read(
    server: Server, drawn: Path, frame: Path
) -> None:
    wire = Wire(server.address)
    media = uploaded(wire, frame)
    film = compare.Subject(media=at_path(drawn / "zoom.webm"))
    still = compare.Subject(media=media)
    for draw in (True, False):
        request = compare.CompareRequest(a=still, b=film, without_picture=not draw)
        *progress, last = wire.messages("CompareService/Compare", request)
        assert all(message.HasField("progress") for message in progress)
        found = last.comparison
        assert (found.verdict, bool(found.picture)) == (1, draw)
        assert found.reference.name == "zoom.webm" and len(found.query.descriptor) == 33
        assert {"compare", "draw"} <= set(last.diagnostics.timings_ms)
        if draw:
            Image.open(io.BytesIO(found.picture)).verify()
    wire.channel.close()
    with Client(server.address) as client:
        client.remove_upload(media.upload_id)


def test_a_caller_that_stops_frees_the_server(server: Server, drawn: Path, frame: Path) -> None:
    def stop(progress: Any) -> None:
        raise OperationCancelled("enough")

    with Client(server.address) as client:
        with pytest.raises(OperationCancelled, match="enough"):
            client.compare(drawn / "life.mkv", frame, progress=stop)
        assert client.compare(frame, frame).verdict == "match"
    assert not list((server.data / "uploads").iterdir())


def test_the_level_of_views_and_the_accepted_rate_are_settings(
    server: Server, edited: Path, frame: Path, tmp_path: Path
) -> None:
    def told(at: Server) -> tuple[str, float]:
        (line,) = at.answers("compare", edited, frame)
        stages = {stage["name"]: stage for stage in line["stages"]}
        (evidence,) = (m for m in stages["evidence"]["measures"] if m["name"] == "evidence")
        return stages["views"]["text"], evidence["least"]

    normal, needed = told(server)
    assert "centre 0.85" in normal
    with running(tmp_path, "--views", "fast", "--false-alarm-rate", "0.01") as lenient:
        fast, needed_there = told(lenient)
    assert "full, inner, each also mirrored" in fast
    assert needed_there < needed
