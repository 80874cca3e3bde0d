"""The arguments of every command."""

from __future__ import annotations

import argparse
import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from mitate.clients import cli_values as values
from mitate.clients.address import DEFAULT_ADDRESS
from mitate.clients.cli_access import add_access

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_COMMANDS = "mitate.clients.cli_"
SERVER_COMMANDS = {
    "serve": "run the server: --data DIR --listen HOST:PORT",
    "config": "show the settings of a server and where each comes from",
    "key": "make an API key for a server",
    "backup": "copy all that a server stores, while it runs",
    "restore": "make a data directory from a backup",
    "group": "tell which files here show the same title or episode: DIR",
    "plan": "tell what memory, disk and time hours of video need",
    "verify": "compare all that a server stores with its checksums, while it runs",
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="mitate",
        description="Find which episode, and which moment of it, a picture or a video comes from.",
        epilog="`mitate COMMAND --help` tells the rest.",
    )
    parser.add_argument("--version", action="version", version=f"mitate {version('mitate')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, text in SERVER_COMMANDS.items():
        commands.add_parser(name, help=text)
    for add in (
        _add,
        _search,
        _scan,
        _screen,
        _compare,
        _sign,
        _list,
        _show,
        _remove,
        _stats,
        _doctor,
    ):
        add(commands)
    return parser


def _command(
    commands: Commands, name: str, run: str, text: str, *, server: bool = True
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    parser.set_defaults(run=_COMMANDS + run, parser=parser)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object per line and nothing else"
    )
    if server:
        parser.add_argument(
            "--server",
            metavar="HOST:PORT",
            type=values.addresses,
            default=os.environ.get("MITATE_SERVER") or DEFAULT_ADDRESS,
            help=f"address of the server; MITATE_SERVER or {DEFAULT_ADDRESS} without it",
        )
        add_access(parser)
    return parser


def _add(commands: Commands) -> None:
    parser = _command(commands, "add", "add:add", "store videos and pictures to be found later")
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="file, or directory that is searched for media"
    )
    parser.add_argument(
        "--title",
        type=values.text,
        metavar="NAME",
        help="title that the files belong to; each file's stem without it",
    )
    parser.add_argument("--episode", type=values.text, metavar="LABEL", help="label of the episode")
    parser.add_argument(
        "--ref",
        dest="refs",
        type=values.reference,
        action="append",
        default=[],
        metavar="PROVIDER=ID",
        help="external reference, for example anidb=23; may be repeated",
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--episode-id",
        type=values.id_number,
        metavar="ID",
        help="add another source to this episode",
    )
    place.add_argument(
        "--replace",
        type=values.id_number,
        metavar="EPISODE_ID",
        help="put the file in the place of all that this episode holds",
    )
    parser.add_argument(
        "--partial",
        action="store_true",
        help="store the readable beginning of a file that is cut off",
    )
    parser.add_argument(
        "--local", action="store_true", help="decode here and send the signature only"
    )


def _search(commands: Commands) -> None:
    parser = _command(
        commands, "search", "search:search", "find the moment that pictures and videos show"
    )
    parser.add_argument("files", nargs="*", default=[], metavar="FILE", help="picture or video")
    parser.add_argument(
        "--signature",
        dest="signatures",
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="signature file of `mitate sign`, or file with one descriptor",
    )
    parser.add_argument(
        "-k",
        type=values.count,
        metavar="N",
        help="candidates to show, 1 to 100; without it 10 with --json, else 5 at most, and below "
        "a match only what matches, too",
    )


def _scan(commands: Commands) -> None:
    parser = _command(
        commands, "scan", "search:scan", "tell which sources the parts of a video come from"
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="video")
    parser.add_argument(
        "--export",
        dest="exports",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="write the timeline as .otio, .edl or .csv too; of several files each gets its own",
    )
    parser.add_argument(
        "--picture",
        type=values.png,
        metavar="FILE.png",
        help="draw the timeline, too; of several files each gets its own, STEM-FILE.png beside it",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=24.0,
        metavar="FPS",
        help="frames per second of exported timelines; 24 without it",
    )


def _screen(commands: Commands) -> None:
    parser = _command(
        commands, "screen", "screen:screen", "decide whether files show what is in the catalog"
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="video or picture")
    parser.add_argument(
        "--share",
        type=values.share,
        default=0.5,
        metavar="S",
        help="refuse a video of which so much is recognised, 0 to 1; 0.5 without it; what is "
        "uncertain does not count",
    )
    parser.add_argument(
        "--seconds",
        type=values.seconds,
        metavar="N",
        help="refuse a video also when one episode is shown for so long, in all",
    )


def _compare(commands: Commands) -> None:
    parser = _command(
        commands, "compare", "compare:compare", "tell why a search for A does or does not find B"
    )
    for name, text in (
        (
            "a",
            "picture, video or signature file, or something stored: episode:ID or source:ID; "
            "@TIME behind it, such as clip.mkv@12.5 or episode:3@1:02.5, names a moment, without "
            "it the nearest one is compared",
        ),
        ("b", "the same"),
    ):
        parser.add_argument(name, metavar=name.upper(), help=text)
    parser.add_argument(
        "-o", dest="output", type=values.png, metavar="FILE.png", help="draw it into this file"
    )


def _sign(commands: Commands) -> None:
    parser = _command(
        commands, "sign", "sign:sign", "make signature files here, uploading nothing", server=False
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="video or picture")
    parser.add_argument(
        "-o",
        dest="output",
        metavar="PATH",
        help="where the signature goes; a directory for several files; STEM.msig here without it",
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument(
        "--every",
        type=values.count,
        default=1,
        metavar="N",
        help="describe every Nth frame only, 1 to 100; all are decoded",
    )
    chosen.add_argument(
        "--keyframes", action="store_true", help="decode and describe key frames only"
    )


def _list(commands: Commands) -> None:
    _command(commands, "list", "catalog:list_titles", "list the titles and their episodes")


def _show(commands: Commands) -> None:
    parser = _command(commands, "show", "catalog:show", "show episodes with their sources")
    parser.add_argument("episode_ids", nargs="+", type=values.id_number, metavar="EPISODE_ID")


def _remove(commands: Commands) -> None:
    parser = _command(commands, "remove", "catalog:remove", "remove episodes and their sources")
    parser.add_argument("episode_ids", nargs="+", type=values.id_number, metavar="EPISODE_ID")


def _stats(commands: Commands) -> None:
    _command(commands, "stats", "catalog:stats", "tell how much is stored and how the server is")


def _doctor(commands: Commands) -> None:
    parser = _command(
        commands, "doctor", "doctor:doctor", "tell what works on this machine", server=False
    )
    parser.add_argument(
        "--gpu", action="store_true", help="fail unless decoding and searching run on a GPU"
    )
