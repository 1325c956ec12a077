"""Which instruction made a register what the helper refuses: row 17 of the pipeline, without a kernel."""

from __future__ import annotations

import pytest

from conformance.checking.check import Checked, as_json
from conformance.checking.explanation import explain, lines
from ebpf.assembly import parse
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from tests.vm.talk import UNSET_CALL, hello, unset


def kprobe(source: str) -> Case:
    return Case(Program(ProgramType.KPROBE, parse([line.strip() for line in source.strip().splitlines()])))


def test_row_17_the_talks_program() -> None:
    found = explain(unset())
    assert found is not None
    assert (found.at, found.register, found.wanted, found.origin) == (UNSET_CALL, 1, "room", (2,))
    assert found.rule.name == "helper-argument"
    assert [line.strip() for line in lines(unset())][1] == "set by instruction 2: r1 = 8"


@pytest.mark.parametrize(
    ("source", "at", "register", "origin"),
    [
        (
            "r6 = 0\nr6 += 8\nr1 = r6\nr2 = 8\nr3 = 0\ncall probe_read_kernel#113\nr0 = 0\nexit",
            5,
            1,
            (2, 1, 0),
        ),
        (
            "r6 = 4096\n*(u64 *)(r10 -8) = r6\nr1 = *(u64 *)(r10 -8)\nr2 = 8\nr3 = 0\ncall "
            "probe_read_kernel#113\nr0 = 0\nexit",
            5,
            1,
            (2, 1, 0),
        ),
        (
            "call ktime_get_ns#5\nr1 = r0\nr2 = 8\nr3 = 0\ncall probe_read_kernel#113\nr0 = 0\nexit",
            4,
            1,
            (1, 0),
        ),
        ("r1 = r7\nr0 = 0\nexit", 0, 7, ()),
        ("call ktime_get_ns#5\nr0 = r3\nexit", 1, 3, (0,)),
    ],
    ids=["moves", "stack", "result", "never set", "lost in a call"],
)
def test_where_a_value_came_from(source: str, at: int, register: int, origin: tuple[int, ...]) -> None:
    found = explain(kprobe(source))
    assert found is not None
    assert (found.at, found.register, found.origin) == (at, register, origin)
    assert all(line.startswith("  ") for line in lines(kprobe(source)))


def test_the_record_of_check_tells_it_too() -> None:
    why = as_json(Checked("unset", unset()))["why"]
    assert (why["instruction"], why["register"], why["wanted"], why["origin"]) == (UNSET_CALL, 1, "room", [2])


def test_what_is_safe_needs_no_explanation() -> None:
    assert explain(hello()) is None
    assert list(lines(hello())) == []
