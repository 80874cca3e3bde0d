"""Searching through a real server: contract of the answers, streams, concurrency."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import Server, mitate, running

from mitate.clients.client import Client
from mitate.clients.results import Answer
from mitate.kernels.sign import sign

MATCH_FIELDS = {
    *("title", "title_id", "episode", "episode_id", "source_id", "query_from_ms", "query_to_ms"),
    *("from_ms", "to_ms", "at_ms", "mirrored", "speed", "distance", "similarity", "probability"),
    *("verdict", "view", "alternatives", "refs"),
}
SEARCH_FIELDS = {"file", "kind", "verdict", "matches", "exact", "timings_ms"}
SCAN_FIELDS = {"file", "duration_ms", "segments", "matched_ms"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, drawn: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("search")) as server:
        assert server.mitate("add", drawn, "--ref", "anidb=17").returncode == 0
        yield server


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory, drawn: Path, ffmpeg: str) -> Path:
    path = tmp_path_factory.mktemp("still") / "still.jpg"
    cut = [ffmpeg, "-v", "error", "-ss", "2.5", "-i", str(drawn / "test.mp4"), "-frames:v", "1"]
    subprocess.run([*cut, str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def amv(tmp_path_factory: pytest.TempPathFactory, drawn: Path, ffmpeg: str) -> Path:
    """1.5 s of one video mirrored, then 1.5 s of another."""
    path = tmp_path_factory.mktemp("amv") / "amv.mp4"
    command = [ffmpeg, "-v", "error", "-ss", "1", "-t", "1.5", "-i", str(drawn / "life.mkv")]
    command += ["-ss", "2", "-t", "1.5", "-i", str(drawn / "test.mp4"), "-filter_complex"]
    command += ["[0:v]hflip[a];[a][1:v]concat=n=2", "-crf", "28", str(path)]
    subprocess.run(command, check=True)
    return path


def test_a_picture_is_found_with_every_field_of_the_contract(server: Server, still: Path) -> None:
    (answer,) = server.answers("search", still)
    assert set(answer) >= SEARCH_FIELDS
    best = answer["matches"][0]
    assert set(best) >= MATCH_FIELDS
    assert (answer["kind"], answer["verdict"], best["title"]) == ("image", "match", "test")
    assert best["from_ms"] <= 2500 <= best["to_ms"]
    assert best["refs"] == {"anidb": "17"}
    assert 0.9 < best["probability"] <= 1
    assert 0.95 < best["similarity"] <= 1


def test_the_verdict_does_not_depend_on_how_many_matches_are_asked_for(
    server: Server, still: Path, drawn: Path, tmp_path: Path
) -> None:
    twin = tmp_path / "twin.mp4"
    twin.write_bytes((drawn / "test.mp4").read_bytes() + b"twin")
    (added,) = server.answers("add", twin)
    clip = drawn / "test.mp4"
    try:
        for query in (still, clip):
            one, many = (server.answers("search", query, "-k", k)[0] for k in ("1", "100"))
            assert one["verdict"] == many["verdict"] == "ambiguous"
            assert one["matches"][0] == many["matches"][0]
            assert len(one["matches"]) == 1
    finally:
        server.mitate("remove", str(added["episode_id"]))


def test_a_clip_and_its_signature_give_the_same_answer(
    server: Server, drawn: Path, tmp_path: Path, ffmpeg: str
) -> None:
    clip = tmp_path / "clip.mp4"
    cut = [ffmpeg, "-v", "error", "-ss", "1", "-t", "2", "-i", str(drawn / "zoom.webm")]
    subprocess.run([*cut, "-crf", "30", str(clip)], check=True)
    assert mitate("sign", clip, "-o", tmp_path / "clip.msig").returncode == 0
    (by_file,) = server.answers("search", clip)
    (by_signature,) = server.answers("search", "--signature", tmp_path / "clip.msig")
    assert by_file["matches"] == by_signature["matches"]
    best = by_file["matches"][0]
    assert (by_file["kind"], best["title"], best["mirrored"]) == ("video", "zoom", False)
    assert abs(best["from_ms"] - best["query_from_ms"] - 1000) <= 60
    assert best["speed"] == pytest.approx(1, abs=0.05)


def test_a_scan_names_the_sources_in_order(server: Server, amv: Path) -> None:
    (timeline,) = server.answers("scan", amv)
    assert set(timeline) >= SCAN_FIELDS
    segments = timeline["segments"]
    assert [(s["title"], s["mirrored"]) for s in segments] == [("life", True), ("test", False)]
    assert all(set(segment) >= MATCH_FIELDS for segment in segments)
    assert abs(segments[1]["query_from_ms"] - 1500) <= 100
    assert timeline["matched_ms"] <= timeline["duration_ms"]


def test_a_signature_is_scanned_like_its_video(server: Server, amv: Path, tmp_path: Path) -> None:
    assert mitate("sign", amv, "-o", tmp_path / "amv.msig").returncode == 0
    (by_signature,) = server.answers("scan", tmp_path / "amv.msig")
    (by_file,) = server.answers("scan", amv)
    assert by_signature["segments"] == by_file["segments"]


def test_what_a_person_reads_names_title_and_time(server: Server, still: Path, amv: Path) -> None:
    text = server.mitate("search", still).stdout
    assert "match: test at 0:02" in text
    text = server.mitate("scan", amv).stdout
    rows = [line for line in text.splitlines() if "0:0" in line]
    assert "2 segments from 2 episodes" in rows[0]
    assert "life" in rows[1] and "mirrored" in rows[1]
    assert "test" in rows[2]


def test_one_bad_file_of_several_is_reported_and_the_others_answered(
    server: Server, still: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff but no picture")
    for command in ("search", "scan"):
        done = server.mitate(command, tmp_path / "bad.jpg", tmp_path / "none.png", still, "--json")
        assert done.returncode == 1
        lines = {line["file"]: line for line in map(json.loads, done.stdout.splitlines())}
        assert lines[str(tmp_path / "bad.jpg")]["error"]["reason"] == "INVALID_MEDIA"
        assert lines[str(tmp_path / "none.png")]["error"]["reason"] == "NOT_FOUND"
        if command == "search":
            assert "error" not in lines[str(still)]
        else:
            assert "picture" in lines[str(still)]["error"]["message"]


def test_200_signatures_on_a_stream_answer_like_200_single_searches(
    server: Server, drawn: Path
) -> None:
    stored = np.concatenate([sign(path).layouts for path in sorted(drawn.iterdir())])
    draws = np.random.default_rng(5)
    layouts = stored[draws.integers(0, len(stored), 200)].copy()
    layouts[:, 1:21] = np.clip(layouts[:, 1:21] + draws.integers(-1, 2, (200, 20)), 0, 31)
    with Client(server.address) as client:
        (streamed,) = client.stream_search([layouts])
        assert streamed.hits is not None and streamed.hits.n_queries == 200
        for i in range(200):
            alone = client.search_signatures(layouts[i : i + 1])
            assert streamed.hits.of(i) == alone.of(0), i
            assert streamed.hits.verdicts[i] == alone.verdicts[0]


def test_a_bad_item_on_a_stream_gets_its_error_and_the_stream_lives(
    server: Server, drawn: Path, still: Path
) -> None:
    good = sign(drawn / "test.mp4").layouts[:3]
    with Client(server.address) as client:
        first, bad, last = client.stream_search([good, b"no picture", still])
    assert first.hits is not None and first.hits.of(2)
    assert last.hits is not None and last.hits.verdicts == ("match",)
    assert bad.hits is None and bad.error is not None and bad.error.reason == "INVALID_MEDIA"


def test_a_picture_on_a_stream_is_told_with_view_and_probability(
    server: Server, drawn: Path, still: Path
) -> None:
    layouts = sign(drawn / "test.mp4").layouts[:2]
    with Client(server.address) as client:
        alone = client.search(still)
        picture, signatures = client.stream_search([still, layouts])
    assert picture.hits is not None and signatures.hits is not None
    found = [(hit.source_id, hit.view, hit.probability) for hit in picture.hits.of(0)]
    assert [(one.source_id, one.view) for one in alone.matches] == [hit[:2] for hit in found]
    for hit, one in zip(found, alone.matches, strict=True):
        assert hit[2] == pytest.approx(one.probability, abs=1e-6)
    assert {(hit.view, hit.probability) for hit in signatures.hits.of(1)} == {("", None)}


def holders_of(answer: Answer) -> set[str]:
    """Titles that hold the best moment."""
    best = answer.matches[0]
    return {best.title, *(other.title for other in best.alternatives)}


def test_adding_removing_and_searching_at_once_shows_whole_episodes_or_none(
    server: Server, drawn: Path, still: Path, tmp_path: Path
) -> None:
    stop = threading.Event()
    failures: list[str] = []
    path = tmp_path / "again.mp4"
    path.write_bytes((drawn / "test.mp4").read_bytes() + b"\0")

    def search() -> None:
        with Client(server.address) as client:
            while not stop.is_set():
                answer = client.search_image(still)
                holders = holders_of(answer)
                if answer.verdict not in ("match", "ambiguous") or not holders <= {"test", "again"}:
                    failures.append(f"{answer.verdict} {holders}")

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    with Client(server.address) as client:
        for _ in range(8):
            added = client.add(path)
            assert added.status == "added"
            assert holders_of(client.search_image(still)) == {"test", "again"}
            client.remove_episode(added.episode_id)
            assert holders_of(client.search_image(still)) == {"test"}
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
