"""Expected messages: substrings and expressions, in order, absent ones between their neighbours."""

from __future__ import annotations

import pytest

from conformance.corpus.selftests.messages import ExpectedMessage, unmet
from ebpf.errors import InputError

LOG = "0: (b7) r0 = 1\n1: (95) exit\nR2 off=-512 size=8\nprocessed 2 insns (limit 1000000)\n"


@pytest.mark.parametrize(
    "patterns",
    [
        (),
        ("r0 = 1",),
        ("r0 = 1", "exit"),
        ("(limit 1000000)",),
        ("off={{-[0-9]+}} size=8",),
        ("R{{[[:digit:]]}} off",),
        ("{{^1: }}",),
    ],
)
def test_what_the_log_says_in_order_is_met(patterns: tuple[str, ...]) -> None:
    assert unmet(tuple(map(ExpectedMessage, patterns)), LOG) is None


@pytest.mark.parametrize(
    ("patterns", "missed"),
    [
        (("exit", "r0 = 1"), "r0 = 1"),
        (("r0 . 1",), "r0 . 1"),
        (("off={{[0-9]+}} size",), "off={{[0-9]+}} size"),
        (("r0 = 1", "r0 = 1"), "r0 = 1"),
        (("{{r0.*exit}}",), "{{r0.*exit}}"),
    ],
)
def test_what_is_not_there_or_out_of_order_is_named(patterns: tuple[str, ...], missed: str) -> None:
    unfound = unmet(tuple(map(ExpectedMessage, patterns)), LOG)
    assert unfound == ExpectedMessage(missed)


def test_an_absent_message_counts_only_between_its_neighbours() -> None:
    first, last, no_exit = (
        ExpectedMessage("r0 = 1"),
        ExpectedMessage("off=-512"),
        ExpectedMessage("exit", absent=True),
    )
    assert unmet((first, no_exit, last), LOG) == no_exit
    assert unmet((last, no_exit), LOG) is None
    assert unmet((no_exit, first), LOG) is None


def test_an_expression_without_end_is_an_error() -> None:
    with pytest.raises(InputError, match="without"):
        ExpectedMessage("off={{[0-9]+").compiled()
