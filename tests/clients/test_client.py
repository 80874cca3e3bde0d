"""Both clients against a server with canned answers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_answers import State, hit_columns

from mitate.clients.columns import hits
from mitate.clients.results import Progress, SearchOptions, Verdict
from mitate.kernels.errors import (
    AlreadyExists,
    CorruptData,
    InvalidMedia,
    InvalidSignature,
    NotFound,
    OperationCancelled,
)

SERVICE = "/mitate.v1."
LAYOUTS = np.zeros((3, 33), np.uint8)


def test_a_picture_is_searched_by_path_and_by_content(client: Any, picture: Path) -> None:
    answer = client.search_image(picture)
    assert answer == client.search_image(picture.read_bytes())
    assert (answer.kind, answer.verdict, answer.exact) == ("image", Verdict.MATCH, True)
    first, second = answer.matches
    assert (first.title, first.episode, first.episode_id) == ("Tears of Steel", "S01E01", 1)
    assert (first.from_ms, first.to_ms, first.at_ms) == (12_400, 13_100, 12_800)
    assert first.probability == pytest.approx(0.9)
    assert second.probability is None
    assert second.mirrored
    assert first.alternatives[0].episode_id == 2
    assert first.refs == {"anidb": "23"}
    assert answer.timings_ms == {"search": 1.5}


def test_options_travel_with_a_search(client: Any, picture: Path, state: State) -> None:
    options = SearchOptions(k=1, title_ids=(1, 2), excluded_episode_ids=(9,), keep_borders=True)
    assert len(client.search_image(picture, options).matches) == 1
    sent = state.requests[SERVICE + "SearchService/SearchImage"][0][0].options
    assert (sent.top_k, list(sent.title_ids)) == (1, [1, 2])
    assert (list(sent.excluded_episode_ids), sent.keep_borders) == ([9], True)


def test_a_clip_is_sent_in_chunks_and_its_progress_told(client: Any, clip: Path) -> None:
    told: list[Progress] = []
    answer = client.search_video(clip, progress=told.append)
    assert (answer.kind, answer.verdict, answer.exact) == ("video", Verdict.MATCH, False)
    assert answer.matches[0].speed == -1.0
    sent = [one.fraction for one in told if one.stage == "send"]
    assert (sent[0], sent[-1], len(sent)) == (0.0, 1.0, 4)
    assert Progress("read", 0.5, 25, 1000, 2000) in told


def test_search_decides_by_content(client: Any, clip: Path, picture: Path, state: State) -> None:
    renamed = picture.rename(picture.with_suffix(".mp4"))
    assert client.search(renamed).kind == "image"
    assert client.search(clip).kind == "video"
    assert state.calls[SERVICE + "SearchService/SearchImage"] == 1
    assert state.calls[SERVICE + "SearchService/SearchVideo"] == 1


def test_many_signatures_are_answered_in_columns(client: Any) -> None:
    hits = client.search_signatures(LAYOUTS)
    assert (hits.n_queries, hits.from_ms.shape) == (3, (3, 2))
    assert hits.verdicts == (Verdict.MATCH,) * 3
    (hit,) = hits.of(2)
    assert (hit.title, hit.episode, hit.from_ms, hit.to_ms) == ("Sintel", "S01E07", 2000, 2040)
    assert hit.refs == {"mal": "5"}


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((2, 32), np.uint8), np.zeros((0, 33), np.uint8), np.full((1, 33), 64), LAYOUTS / 2],
)
def test_wrong_descriptors_are_refused_before_they_are_sent(client: Any, wrong: Any) -> None:
    with pytest.raises(InvalidSignature):
        client.search_signatures(wrong)


def test_a_stream_answers_every_item_and_survives_a_bad_one(client: Any, picture: Path) -> None:
    first, second, third = client.stream_search([LAYOUTS, b"bad", picture])
    assert (first.sequence, first.hits.n_queries) == (0, 3)
    assert (second.sequence, second.hits) == (1, None)
    assert isinstance(second.error, InvalidMedia)
    assert (third.sequence, third.error) == (2, None)


def test_an_error_among_the_items_of_a_stream_reaches_the_caller(client: Any) -> None:
    def items() -> Any:
        yield LAYOUTS
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        list(client.stream_search(items()))


def test_the_server_makes_the_signature_of_a_picture(client: Any, picture: Path) -> None:
    computed = client.compute_signature(picture)
    assert computed.layout.tolist() == list(range(33))
    assert (computed.quality, computed.preprocessing_version) == (200, "rgb/1")


def test_adding_uploads_waits_and_tidies_up(client: Any, clip: Path, state: State) -> None:
    told: list[Progress] = []
    added = client.add(
        clip, title="Sintel", episode="S01E01", refs={"mal": "5"}, progress=told.append
    )
    assert (added.status, added.title, added.episode) == ("added", "Sintel", "S01E01")
    assert (added.kind, added.frames, added.duration_ms) == ("video", 1234, 51_400)
    assert client.episode(added.episode_id).refs == {"mal": "5"}
    assert [one.stage for one in told][-1] == "read"
    assert not state.uploads
    assert client.add(clip).status == "exists"


def test_a_file_can_join_or_replace_an_episode(client: Any, clip: Path) -> None:
    first = client.add(clip)
    clip.write_bytes(b"other")
    second = client.add(clip, episode_id=first.episode_id)
    assert len(client.episode(first.episode_id).sources) == 2
    clip.write_bytes(b"third")
    third = client.add(clip, replace_episode_id=first.episode_id)
    assert (second.status, third.status) == ("added", "replaced")
    assert len(client.episode(first.episode_id).sources) == 1


def test_a_refused_file_raises_the_server_s_error(client: Any, clip: Path, state: State) -> None:
    clip.write_bytes(b"bad")
    with pytest.raises(InvalidMedia, match=r"clip\.mp4: no video stream in it"):
        client.add(clip)
    assert not state.uploads


def test_a_callback_can_stop_adding_here_and_at_the_server(
    client: Any, clip: Path, state: State
) -> None:
    def stop(progress: Progress) -> None:
        if progress.stage == "read":
            raise OperationCancelled("enough")

    with pytest.raises(OperationCancelled, match="enough"):
        client.add(clip, progress=stop)
    assert state.calls["/google.longrunning.Operations/CancelOperation"] == 1
    assert not state.uploads


def test_a_callback_can_stop_an_upload(client: Any, clip: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.fraction > 0:
            raise OperationCancelled("enough")

    with pytest.raises(OperationCancelled, match="enough"):
        client.upload(clip, progress=stop)


def test_a_scan_tells_segments_as_they_are_found(client: Any, clip: Path, state: State) -> None:
    told: list[Progress] = []
    found: list[Any] = []
    timeline = client.scan(clip, progress=told.append, on_segment=found.append)
    assert (timeline.duration_ms, timeline.matched_ms) == (2000, 1800)
    assert [one.query_from_ms for one in timeline.segments] == [0, 1000]
    assert [one.episode_id for one in found] == [1]
    assert told[-1].fraction == 0.5
    assert not state.uploads


def test_a_refused_scan_raises_the_server_s_error(client: Any, clip: Path) -> None:
    clip.write_bytes(b"bad")
    with pytest.raises(InvalidMedia):
        client.scan(clip)


def test_an_upload_can_be_kept_looked_up_and_deleted(client: Any, clip: Path) -> None:
    upload = client.upload(clip)
    assert upload.sha256 == hashlib.sha256(clip.read_bytes()).hexdigest()
    assert client.get_upload(upload.upload_id) == upload
    client.remove_upload(upload.upload_id)
    with pytest.raises(NotFound):
        client.get_upload(upload.upload_id)


def test_the_catalog_is_listed_over_all_pages(client: Any, clip: Path) -> None:
    for number in range(5):
        clip.write_bytes(b"%d" % number)
        client.add(clip, title=f"title {number}")
    assert [one.title for one in client.titles()] == [f"title {n}" for n in range(5)]
    assert len(client.episodes()) == 5
    assert [one.title for one in client.episodes(title_id=2)] == ["title 1"]


def test_titles_and_episodes_are_made_changed_and_removed(client: Any) -> None:
    title = client.create_title("Sintel", {"mal": "5"})
    assert client.title(title.title_id) == title
    with pytest.raises(AlreadyExists):
        client.create_title("Sintel")
    renamed = client.update_title(title.title_id, name="Sintel 2")
    assert (renamed.title, renamed.refs) == ("Sintel 2", {"mal": "5"})
    episode = client.create_episode(title.title_id, "S01E01", {"anidb": "1"})
    assert client.update_episode(episode.episode_id, refs={}).refs == {}
    client.remove_episode(episode.episode_id)
    with pytest.raises(NotFound):
        client.episode(episode.episode_id)
    client.remove_title(title.title_id, force=True)
    assert client.titles() == ()


def test_stats_tell_how_much_is_stored(client: Any) -> None:
    stats = client.stats()
    assert (stats.titles, stats.episodes, stats.frames, stats.index) == (1, 2, 3000, "numpy")


def test_hits_of_a_picture_have_views_and_probabilities_or_the_answer_is_damaged() -> None:
    message = hit_columns(1)
    message.views.append("inner")
    message.probabilities = np.array([0.75, np.nan], "<f4").tobytes()
    (hit,) = hits(message).of(0)
    assert (hit.view, hit.probability) == ("inner", 0.75)
    (plain,) = hits(hit_columns(1)).of(0)
    assert (plain.view, plain.probability) == ("", None)
    message.views.append("full")
    with pytest.raises(CorruptData, match="2 views for 1 hits"):
        hits(message)
