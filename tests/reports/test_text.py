"""Numbers and bytes as people read them."""

from __future__ import annotations

import pytest

from reports.text import duration, hexdump, moment, number, one_line, percent, shortened


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (24813, "24,813"), (27.0, "27"), (27.5, "27.5")])
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "–"), (0, 10, "0.0 %"), (10, 10, "100.0 %"), (99999, 100000, "99.9 %"), (1, 100000, "0.1 %")],
)
def test_percent_does_not_round_to_all_or_nothing(part: int, whole: int, text: str) -> None:
    assert percent(part, whole) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(601.2, "10 min 1 s"), (3600, "1 h"), (0.2, "0.2 s"), (59.9, "1 min")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_moment() -> None:
    assert moment("2026-11-22T14:50:00Z") == "2026-11-22 14:50:00 UTC"
    assert moment("yesterday") == "yesterday"


def test_hexdump_folds_repeated_lines_and_shows_the_last() -> None:
    assert hexdump(b"") == ""
    dump = hexdump(bytes(64) + b"ABC\xff").split("\n")
    assert [line[:4] for line in dump] == ["0000", "*", "0040"]
    assert dump[-1] == "0040  41 42 43 ff              " + " " * 23 + "  |ABC.|"
    assert hexdump(bytes(48)).split("\n")[-1].startswith("0020")


def test_one_line() -> None:
    assert one_line("a\n b\x1b[1m\tc") == "a b [1m c"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("debian:6.12.117-1", "debian:6.12.117-1"),
        ("/srv/kernels/7.3/arch/x86/boot/bzImage-bugs", "/srv/kernels/7.3/a…/boot/bzImage-bugs"),
        ("/a-very-long-directory-name/another/bzImage-clean", "/a-very-long-direc…ther/bzImage-clean"),
    ],
)
def test_a_path_is_shortened_in_its_middle(path: str, text: str) -> None:
    assert len(shortened(path, 37)) <= 37
    assert shortened(path, 37) == text
