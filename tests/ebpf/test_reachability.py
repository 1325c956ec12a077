"""Unreachable slots, and programs without slots."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebpf.assembly import parse
from ebpf.editing import remove
from ebpf.isa.build import R0, leave, mov64
from ebpf.isa.insn import Insn
from ebpf.reachability import is_nothing, only, reachable


def test_what_no_way_leads_to_is_unreachable() -> None:
    insns = parse(["r0 = 0x123456789abcdef0", "goto pc+1", "r0 = 1", "call pc+1", "exit", "exit", "r1 = 0"])
    assert reachable(insns) == [0, 1, 2, 4, 5, 6]


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_what_is_left_is_what_one_removal_after_another_leaves(kept: list[bool]) -> None:
    insns = (*(mov64(R0, at) for at in range(len(kept) - 1)), leave())
    expected = insns
    for at in range(len(kept) - 1, -1, -1):
        if not kept[at]:
            expected = remove(expected, at, 1)
    assert only(insns, [at for at, stays in enumerate(kept) if stays]) == expected


def test_jumps_over_what_goes_lead_where_they_led() -> None:
    insns = parse(["if r1 == 0x0 goto pc+2", "r0 = 1", "r0 = 2", "exit"])
    assert only(insns, (0, 2, 3)) == parse(["if r1 == 0x0 goto pc+1", "r0 = 2", "exit"])


def test_a_jump_to_the_next_instruction_does_nothing() -> None:
    assert is_nothing(Insn(0x05))
    assert is_nothing(Insn(0x06))
    assert not is_nothing(Insn(0x05, off=1))
    assert not is_nothing(Insn(0x15))
