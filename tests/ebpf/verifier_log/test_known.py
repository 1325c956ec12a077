"""Older claims: what keeps them and what ends them."""

from __future__ import annotations

from ebpf.assembly import parse
from ebpf.isa.insn import Insn
from ebpf.verifier_log import LogDialect
from ebpf.verifier_log.known import Known, constant_of, disagree
from ebpf.verifier_log.states import parse_state


def known(*states: str) -> Known:
    found = Known()
    for text in states:
        found = found.with_state(parse_state(text, LogDialect.LINUX_6_12))
    return found


def insn(text: str) -> Insn:
    return parse([text])[0]


BOTH = known(" R1=1 R6=6 R10=fp0 fp-8=1 fp-16=2 fp-24=mmmmmmmm", " frame1: R1=11 R7=17 fp-8=3")


def slots(claims: Known, frame: int) -> list[int]:
    return sorted(claims.frame(frame).slots)


def test_newer_claims_go_over_older_ones() -> None:
    claims = known(" R1=1 R2=2", " R1=3")
    assert (constant_of(claims, 0, 1), constant_of(claims, 0, 2)) == (3, 2)
    assert constant_of(claims, 4, 1) is None


def test_a_store_ends_the_slots_it_overlaps_in_its_own_frame() -> None:
    after = BOTH.after(insn("*(u32 *)(r10 -12) = 5"), 0, 0)
    assert slots(after, 0) == [-24, -8]
    assert slots(after, 1) == [-8]
    assert slots(BOTH.after(insn("*(u8 *)(r10 -8) = 5"), 1, 1), 0) == [-24, -16, -8]
    assert slots(BOTH.after(insn("*(u64 *)(r10 -20) = 5"), 0, 0), 0) == [-8]


def test_a_store_anywhere_ends_all_slots() -> None:
    after = BOTH.after(insn("*(u64 *)(r1 +0) = 5"), 1, 1)
    assert slots(after, 0) == slots(after, 1) == []
    assert constant_of(after, 0, 6) == 6


def test_returning_keeps_what_the_callee_must_preserve() -> None:
    after = BOTH.after(insn("exit"), 1, 0)
    assert (constant_of(after, 0, 6), constant_of(after, 0, 1)) == (6, None)
    assert len(after.frames) == 1
    assert slots(after, 0) == [-24, -16, -8]


def test_a_call_starts_a_frame_without_old_claims() -> None:
    after = BOTH.after(insn("call pc+3"), 0, 1)
    assert after.frame(1) == Known().frame(1)
    assert constant_of(after, 0, 1) is None


def test_constants_that_differ_disagree_unless_a_jump_refined_them() -> None:
    state = parse_state(" R1=2 R6=6", LogDialect.LINUX_6_12)
    assert disagree(BOTH, state, ())
    assert not disagree(BOTH, state, (1,))
    assert not disagree(BOTH, parse_state(" R6=scalar(umax=3)", LogDialect.LINUX_6_12), ())
