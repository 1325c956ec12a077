"""Which claims an instruction ends."""

from __future__ import annotations

import pytest

from ebpf.assembly import parse
from ebpf.isa.insn import Insn
from ebpf.isa.table import FORMS
from ebpf.verifier_log.effects import (
    Effect,
    calls_back,
    effect,
    is_conditional,
    is_may_goto,
    may_split,
    operands,
)

CALLER_SAVED = (0, 1, 2, 3, 4, 5)


def insn(text: str) -> Insn:
    return parse([text])[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r3 += r4", Effect((3,))),
        ("w3 = (s8)w4", Effect((3,))),
        ("r3 = *(s16 *)(r4 +2)", Effect((3,))),
        ("r3 = 0x11223344556677", Effect((3,))),
        ("*(u32 *)(r10 -8) = r1", Effect((), (-8, 4))),
        ("*(u8 *)(r10 -1) = 7", Effect((), (-1, 1))),
        ("*(u64 *)(r2 +0) = 7", Effect(any_stack=True)),
        ("lock *(u64 *)(r10 -8) += r1", Effect((), (-8, 8))),
        ("r1 = atomic64_fetch_add((u64 *)(r10 -8), r1)", Effect((1,), (-8, 8))),
        ("r0 = atomic64_cmpxchg((u64 *)(r2 +0), r0, r1)", Effect((0,), any_stack=True)),
        ("r1 = atomic64_xchg((u64 *)(r2 +0), r1)", Effect((1,), any_stack=True)),
        ("r3 = load_acquire((u64 *)(r10 -8))", Effect((3,))),
        ("store_release((u32 *)(r10 -4), r3)", Effect((), (-4, 4))),
        ("call bpf_map_lookup_elem#1", Effect(CALLER_SAVED, any_stack=True)),
        ("call pc+3", Effect(CALLER_SAVED)),
        ("if r1 > r2 goto pc+1", Effect()),
        ("goto pc+1", Effect()),
        ("may_goto pc+1", Effect()),
        ("exit", Effect()),
    ],
)
def test_effects(text: str, expected: Effect) -> None:
    assert effect(insn(text)) == expected


def test_legacy_packet_loads_clobber_like_calls() -> None:
    assert effect(Insn(0x30)) == effect(Insn(0x40)) == Effect(CALLER_SAVED)


def test_every_form_of_the_table_has_an_effect() -> None:
    for form in FORMS:
        for imm in (0, 1, 0xF1, 0x100, 0x110):
            written = effect(Insn(form.opcode, 1, 2, 0, imm)).registers
            assert set(written) <= {0, 1, 2, 3, 4, 5}


def test_kinds() -> None:
    assert is_conditional(insn("if w1 & 0x4 goto pc+1"))
    assert is_conditional(insn("may_goto pc+1"))
    assert is_may_goto(insn("may_goto pc+1"))
    others = (insn("goto pc+1"), insn("call pc+1"), insn("exit"), insn("r1 = 2"), Insn(0x06), Insn(0x0D))
    assert not any(map(is_conditional, others))
    assert operands(insn("if r1 > r2 goto pc+1")) == (1, 2)
    assert operands(insn("if r1 > 0x2 goto pc+1")) == (1,)
    assert calls_back(insn("call bpf_loop#181"))
    assert not calls_back(insn("call bpf_ktime_get_ns#5"))
    assert may_split(insn("r0 |= 7"))
    assert not may_split(insn("r0 += 7"))
