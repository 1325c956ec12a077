"""Releases: read as uname, Debian and tables write them, and compared by number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.errors import InputError
from ebpf.releases import Before, Release, Since, at_least

NUMBERS = st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99))


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("6.12.107+deb13-cloud-amd64", Release(6, 12, 107)),
        ("6.1", Release(6, 1)),
        ("7.3.4-1~bpo13+1", Release(7, 3, 4)),
        ("7.3-rc2", Release(7, 3)),
        ("5.10.0-28-cloud-amd64", Release(5, 10)),
    ],
)
def test_a_release_is_read_and_says_what_it_was_read_from(text: str, release: Release) -> None:
    assert Release.parse(text) == release
    assert str(Release.parse(text)) == text


@pytest.mark.parametrize("text", ["", "lying", "v6.1", "9" * 5000])
def test_what_is_no_release_is_an_error_and_older_than_all(text: str) -> None:
    with pytest.raises(InputError, match="is not a release of Linux"):
        Release.parse(text)
    assert text not in Since("0.0")
    assert text not in Before("99.0")


@given(NUMBERS, NUMBERS)
def test_order_is_that_of_the_numbers(one: tuple[int, int, int], other: tuple[int, int, int]) -> None:
    first, second = Release(*one), Release(*other)
    assert (first < second) == (one < other)
    assert (first in Since(str(second))) == (one >= other) == at_least(str(first), str(second))
    assert (first in Before(str(second))) == (one < other)
    assert Release.parse(str(first)) == first


def test_since_counts_patch_levels_and_nothing_is_since_never() -> None:
    assert "6.12.107+deb13-cloud-amd64" in Since("6.12")
    assert "6.9.12" not in Since("6.12")
    assert "6.1.170" not in Since("6.1.176")
    assert "99.0" not in Since("")
    assert Release.parse("6.12.107").series == Release(6, 12)
