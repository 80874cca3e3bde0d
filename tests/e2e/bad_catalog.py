"""Changes and questions to the catalog that an empty server refuses."""

from __future__ import annotations

from bad_requests import (
    ARGUMENT,
    MISSING,
    SIGNATURE,
    UNDECODABLE,
    UNKNOWN,
    Bad,
    bad,
    wrong_sources,
)
from google.protobuf.field_mask_pb2 import FieldMask

from mitate.v1 import catalog_pb2 as catalog
from mitate.v1 import media_pb2 as media


def of_catalog() -> list[Bad]:
    return [*of_titles(), *of_episodes(), *of_ingest()]


def of_titles() -> list[Bad]:
    service = "CatalogService"
    found = []
    for method, request in (
        ("GetTitle", catalog.GetTitleRequest),
        ("DeleteTitle", catalog.DeleteTitleRequest),
    ):
        for number, expected in ((0, ARGUMENT), (-1, ARGUMENT), (UNKNOWN, MISSING)):
            name = f"{service}/{method}"
            found.append(bad(f"title {number}", name, expected, request(title_id=number)))
    create, update, lists = (f"{service}/{name}Title" for name in ("Create", "Update", "List"))
    lists += "s"
    titles = {
        "nothing": catalog.Title(),
        "spaces": catalog.Title(name="  "),
        "a line break": catalog.Title(name="two\nlines"),
        "501 characters": catalog.Title(name="x" * 501),
        "a provider with capitals": catalog.Title(name="x", refs={"AniDB": "1"}),
        "an empty reference": catalog.Title(name="x", refs={"anidb": ""}),
        "65 references": catalog.Title(name="x", refs={f"p{i}": "1" for i in range(65)}),
    }
    for what, title in titles.items():
        found.append(bad(what, create, ARGUMENT, catalog.CreateTitleRequest(title=title)))
    some = catalog.Title(title_id=UNKNOWN, name="x")
    mask = FieldMask(paths=["created_ms"])
    return [
        *found,
        bad("no title", update, ARGUMENT, catalog.UpdateTitleRequest()),
        bad("unknown title", update, MISSING, catalog.UpdateTitleRequest(title=some)),
        bad("mask", update, ARGUMENT, catalog.UpdateTitleRequest(title=some, update_mask=mask)),
        bad("negative size", lists, ARGUMENT, catalog.ListTitlesRequest(page_size=-1)),
        bad("made-up token", lists, ARGUMENT, catalog.ListTitlesRequest(page_token="?!")),
        bad("token in bad letters", lists, ARGUMENT, catalog.ListTitlesRequest(page_token="日本")),
    ]


def of_episodes() -> list[Bad]:
    service = "CatalogService"
    found = []
    for method, request in (
        ("GetEpisode", catalog.GetEpisodeRequest),
        ("DeleteEpisode", catalog.DeleteEpisodeRequest),
    ):
        for number, expected in ((0, ARGUMENT), (-1, ARGUMENT), (UNKNOWN, MISSING)):
            name = f"{service}/{method}"
            found.append(bad(f"episode {number}", name, expected, request(episode_id=number)))
    create, update = f"{service}/CreateEpisode", f"{service}/UpdateEpisode"
    lists = f"{service}/ListEpisodes"
    orphan = catalog.Episode(title_id=UNKNOWN, episode="1")
    homeless = catalog.Episode(episode="1")
    nameless = catalog.Episode(title_id=UNKNOWN)
    some = catalog.Episode(episode_id=UNKNOWN, episode="1")
    mask = FieldMask(paths=["episode", "title_id"])
    return [
        *found,
        bad("unknown title", create, MISSING, catalog.CreateEpisodeRequest(episode=orphan)),
        bad("no title", create, ARGUMENT, catalog.CreateEpisodeRequest(episode=homeless)),
        bad("no label", create, ARGUMENT, catalog.CreateEpisodeRequest(episode=nameless)),
        bad("no episode", update, ARGUMENT, catalog.UpdateEpisodeRequest()),
        bad("unknown episode", update, MISSING, catalog.UpdateEpisodeRequest(episode=some)),
        bad("mask", update, ARGUMENT, catalog.UpdateEpisodeRequest(episode=some, update_mask=mask)),
        bad("unknown title", lists, MISSING, catalog.ListEpisodesRequest(title_id=UNKNOWN)),
        bad("negative title", lists, ARGUMENT, catalog.ListEpisodesRequest(title_id=-1)),
        bad("negative size", lists, ARGUMENT, catalog.ListEpisodesRequest(page_size=-1)),
        bad("made-up token", lists, ARGUMENT, catalog.ListEpisodesRequest(page_token="x")),
        bad("undecodable", f"{service}/GetStats", ARGUMENT, UNDECODABLE),
    ]


def of_ingest() -> list[Bad]:
    ingest, imports = "CatalogService/IngestEpisode", "CatalogService/ImportSignatures"
    found = [
        bad(what, ingest, expected, catalog.IngestEpisodeRequest(media=source))
        for what, (expected, source) in wrong_sources().items()
    ]
    two_places = catalog.Placement(episode_id=1, replace_episode_id=2)
    message = catalog.ImportSignaturesRequest
    config = message(config=catalog.ImportSignaturesConfig(file_name="a.mp4", sha256="0" * 64))
    short = message(config=catalog.ImportSignaturesConfig(file_name="a.mp4", sha256="0"))
    chunk = message(chunk=b"no signature")
    upload = media.MediaSource(upload_id="none")
    twice = catalog.IngestEpisodeRequest(media=upload, placement=two_places)
    return [
        *found,
        bad("two places", ingest, ARGUMENT, twice),
        bad("nothing", imports, ARGUMENT),
        bad("chunk first", imports, ARGUMENT, chunk),
        bad("config twice", imports, ARGUMENT, config, config),
        bad("no file", imports, SIGNATURE, config),
        bad("no signature", imports, SIGNATURE, config, chunk),
        bad("wrong digest", imports, ARGUMENT, short),
    ]
