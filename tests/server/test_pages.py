from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mitate.kernels.errors import InvalidArgument
from mitate.server.pages import check_page_size, last_id_of, token_after


@given(st.sampled_from(["titles", "episodes/0", "episodes/12"]), st.integers(1, 2**63 - 1))
def test_token_leads_back_to_its_id(scope: str, last_id: int) -> None:
    assert last_id_of(scope, token_after(scope, last_id)) == last_id


@given(st.text(min_size=1))
def test_any_other_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument, match="page_token"):
        last_id_of("titles", token)


def test_token_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="belongs to another list"):
        last_id_of("episodes/1", token_after("episodes/2", 5))


def test_page_size_is_defaulted_bounded_and_never_negative() -> None:
    assert [check_page_size(size) for size in (0, 1, 1000, 1001, 2**31)] == [
        100,
        1,
        1000,
        1000,
        1000,
    ]
    with pytest.raises(InvalidArgument, match="page_size is -1"):
        check_page_size(-1)
