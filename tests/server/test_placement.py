from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitate.kernels.errors import InvalidArgument
from mitate.server.placement import (
    MAX_NAME_CHARS,
    Placement,
    check_id,
    check_name,
    check_refs,
    check_sha256,
    file_label,
)


def test_names_lose_outer_spaces_and_are_composed() -> None:
    assert check_name("title", "  Cafe\N{COMBINING ACUTE ACCENT} ") == "Café"
    assert Placement(title=" 見立て ", refs={"mal": " 5 "}).checked() == Placement(
        title="見立て", refs={"mal": "5"}
    )


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("", "title is empty"),
        ("   ", "title is empty"),
        ("n" * (MAX_NAME_CHARS + 1), "has 501 characters"),
        ("two\nlines", "control characters"),
        ("zero\0", "control characters"),
        ("half \ud800", "control characters"),
    ],
)
def test_bad_name_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        check_name("title", name)


@pytest.mark.parametrize(
    "refs",
    [
        {"": "1"},
        {"AniDB": "1"},
        {"ani db": "1"},
        {"mal\n": "1"},
        {"p" * 41: "1"},
        {"mal": ""},
        {"mal": " "},
        {"mal": "i" * 201},
        {"mal": "1\n2"},
        {f"p{i}": "1" for i in range(65)},
    ],
)
def test_bad_reference_is_refused(refs: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument, match="reference"):
        check_refs(refs)


@pytest.mark.parametrize("number", [0, -1, 2**63])
def test_impossible_id_is_refused(number: int) -> None:
    with pytest.raises(InvalidArgument, match=f"episode_id is {number}; ids are 1 to"):
        check_id("episode_id", number)


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "g" * 64, "0" * 64 + "\n"])
def test_bad_sha256_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="64 hexadecimal digits"):
        check_sha256(text)


def test_sha256_is_lower_case() -> None:
    assert check_sha256("AB" * 32) == "ab" * 32


@pytest.mark.parametrize(
    "placement",
    [
        Placement(episode_id=1, replace_episode_id=1),
        Placement(episode_id=1, title="a"),
        Placement(replace_episode_id=1, episode="a"),
    ],
)
def test_two_places_are_refused(placement: Placement) -> None:
    with pytest.raises(InvalidArgument, match="given together"):
        placement.checked()


@pytest.mark.parametrize(
    ("file_name", "name", "stem"),
    [
        ("a/b/Show 01.mkv", "Show 01.mkv", "Show 01"),
        ("no suffix", "no suffix", "no suffix"),
        (".mp4", ".mp4", ".mp4"),
        (" .mp4", ".mp4", ".mp4"),
        ("new\nline.mp4", "new�line.mp4", "new�line"),
        ("bad\udcff.mp4", "bad�.mp4", "bad�"),
        ("x" * 600 + ".mp4", "x" * 500, "x" * 500),
    ],
)
def test_file_gives_name_and_stem(file_name: str, name: str, stem: str) -> None:
    assert file_label(file_name) == (name, stem)


@pytest.mark.parametrize("file_name", ["", "/", "  "])
def test_file_without_a_name_is_refused(file_name: str) -> None:
    with pytest.raises(InvalidArgument, match="file name is empty"):
        file_label(file_name)


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs", "Cc", "Mn"]), max_size=700))
def test_any_file_name_gives_names_that_are_allowed_or_is_refused(file_name: str) -> None:
    try:
        name, stem = file_label(file_name)
    except InvalidArgument:
        return
    assert check_name("file name", name) == name
    assert check_name("title", stem) == stem
