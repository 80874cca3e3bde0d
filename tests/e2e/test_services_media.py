"""Files over the wire: uploads, paths at the server, signatures made elsewhere."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from bad_requests import ARGUMENT, MISSING, REFUSED
from conftest import Server, running
from making_requests import CHUNK_BYTES, added, at_path, ingest, upload, uploaded, wait
from wire import Wire

from mitate.kernels import signature_file
from mitate.kernels.sign import sign
from mitate.v1 import catalog_pb2 as catalog
from mitate.v1 import media_pb2 as media


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server may read."""
    return tmp_path_factory.mktemp("media root")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("media"), "--media-roots", str(root)) as server:
        yield server


@pytest.fixture(scope="module")
def wire(server: Server) -> Iterator[Wire]:
    wire = Wire(server.address)
    yield wire
    wire.channel.close()


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 7])
@pytest.mark.parametrize("announced", [True, False])
def test_an_upload_is_there_until_it_is_deleted(
    wire: Wire, server: Server, size: int, announced: bool
) -> None:
    content = bytes(i * i % 251 for i in range(251)) * (size // 251 + 1)
    content = content[:size]
    made = upload(wire, content, "folder/a b.mp4", None if announced else 0)
    assert (made.size_bytes, made.complete, made.file_name) == (size, True, "a b.mp4")
    assert made.sha256 == hashlib.sha256(content).hexdigest()
    request = media.GetUploadRequest(upload_id=made.upload_id)
    assert wire.call("MediaService/GetUpload", request) == made
    for _ in range(2):  # deleting what is gone is no error
        wire.call("MediaService/DeleteUpload", media.DeleteUploadRequest(upload_id=made.upload_id))
    refusal = wire.refusal("MediaService/GetUpload", request)
    assert (refusal.status, refusal.reason) == MISSING
    assert not list((server.data / "uploads").iterdir())


@pytest.mark.parametrize("sent", [3, 5])
def test_an_upload_of_another_size_than_announced_leaves_nothing(
    wire: Wire, server: Server, sent: int
) -> None:
    start = media.UploadMediaRequest(start=media.UploadStart(file_name="a.mp4", total_bytes=4))
    chunk = media.UploadMediaRequest(chunk=bytes(sent))
    refusal = wire.refusal("MediaService/UploadMedia", start, chunk)
    assert (refusal.status, refusal.reason) == ARGUMENT
    assert "4" in refusal.message
    assert not list((server.data / "uploads").iterdir())


def test_an_upload_is_added_and_used_up(wire: Wire, server: Server, drawn: Path) -> None:
    source = uploaded(wire, drawn / "test.mp4")
    result = added(wire, source, title="Wire", episode="E1", refs={"anidb": "3"})
    assert result.status == catalog.INGEST_STATUS_ADDED
    assert (result.episode.title, result.episode.episode) == ("Wire", "E1")
    assert dict(result.episode.refs) == {"anidb": "3"}
    assert (result.source.file_name, result.source.frame_count) == ("test.mp4", 96)
    assert (result.source.width, result.source.height) == (320, 180)
    assert result.source.sha256 == hashlib.sha256((drawn / "test.mp4").read_bytes()).hexdigest()
    request = catalog.GetEpisodeRequest(episode_id=result.episode.episode_id)
    assert list(wire.call("CatalogService/GetEpisode", request).sources) == [result.source]
    refusal = wire.refusal(
        "CatalogService/IngestEpisode", catalog.IngestEpisodeRequest(media=source)
    )
    assert (refusal.status, refusal.reason) == MISSING
    again = added(wire, uploaded(wire, drawn / "test.mp4"))
    assert (again.status, again.source) == (catalog.INGEST_STATUS_EXISTS, result.source)
    assert not list((server.data / "uploads").iterdir())


def test_a_file_below_a_media_root_is_added_and_stays(wire: Wire, root: Path, drawn: Path) -> None:
    path = root / "season" / "life.mkv"
    path.parent.mkdir()
    path.write_bytes((drawn / "life.mkv").read_bytes())
    result = added(wire, at_path(path))
    assert (result.status, result.source.frame_count) == (catalog.INGEST_STATUS_ADDED, 96)
    assert (result.episode.title, result.source.file_name) == ("life", "life.mkv")
    assert path.exists()


def test_a_path_that_leads_out_of_the_media_roots_is_refused(
    wire: Wire, root: Path, drawn: Path
) -> None:
    (root / "link.mp4").symlink_to(drawn / "test.mp4")
    (root / "ours.mp4").symlink_to(root / "missing.mp4")
    outside = {
        "elsewhere": str(drawn / "test.mp4"),
        "a link": str(root / "link.mp4"),
        "dots": f"{root}/../{drawn.name}/test.mp4",
        "a neighbour with the same beginning": f"{root}2/test.mp4",
        "relative": "test.mp4",
    }
    for what, path in outside.items():
        request = catalog.IngestEpisodeRequest(media=media.MediaSource(path=path))
        refusal = wire.refusal("CatalogService/IngestEpisode", request)
        assert (refusal.status, refusal.reason) == REFUSED, what
        assert str(root) in refusal.message
    for missing in (root / "none.mp4", root, root / "ours.mp4"):
        request = catalog.IngestEpisodeRequest(media=at_path(missing))
        refusal = wire.refusal("CatalogService/IngestEpisode", request)
        assert (refusal.status, refusal.reason) == MISSING, missing


def test_an_operation_on_a_file_without_a_picture_ends_with_the_reason(
    wire: Wire, server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "text.mp4"
    path.write_text("this is no video\n" * 50)
    operation = wait(wire, ingest(wire, uploaded(wire, path)).name)
    assert operation.done and operation.error.code == 3
    assert b"INVALID_MEDIA" in operation.error.details[0].value
    assert not list((server.data / "uploads").iterdir())


def test_an_unknown_episode_ends_the_operation_and_adds_nothing(wire: Wire, drawn: Path) -> None:
    before = wire.call("CatalogService/GetStats", catalog.GetStatsRequest()).source_count
    source = uploaded(wire, drawn / "zoom.webm", b"nowhere")
    operation = wait(wire, ingest(wire, source, replace_episode_id=999_999).name)
    assert operation.error.code == 5
    assert "999999" in operation.error.message
    after = wire.call("CatalogService/GetStats", catalog.GetStatsRequest()).source_count
    assert after == before


def test_a_signature_made_elsewhere_is_imported_once(wire: Wire, drawn: Path) -> None:
    path, file = drawn / "zoom.webm", io.BytesIO()
    signature_file.write(sign(path), file)
    config = catalog.ImportSignaturesConfig(
        file_name=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest()
    )
    message, content = catalog.ImportSignaturesRequest, file.getvalue()
    parts = [message(chunk=content[i : i + 5000]) for i in range(0, len(content), 5000)]
    imports = "CatalogService/ImportSignatures"
    result = wire.call(imports, message(config=config), *parts)
    assert (result.status, result.source.frame_count) == (catalog.INGEST_STATUS_ADDED, 96)
    again = wire.call(imports, message(config=config), *parts)
    assert (again.status, again.source) == (catalog.INGEST_STATUS_EXISTS, result.source)
    config.placement.episode_id = 999_999
    refusal = wire.refusal(imports, message(config=config), *parts)
    assert (refusal.status, refusal.reason) == MISSING
    damaged = content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
    config.sha256, config.placement.episode_id = "1" * 64, 0
    refusal = wire.refusal(imports, message(config=config), message(chunk=damaged))
    assert (refusal.status, refusal.reason) == ("INVALID_ARGUMENT", "INVALID_SIGNATURE")
