"""Every constructor gives the form of the table that its text says."""

from __future__ import annotations

import pytest

from ebpf.assembly.printer import text
from ebpf.isa import Insn
from ebpf.isa import build as i
from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, R3, R7, R10, REGISTERS, Register
from ebpf.isa.table import FORMS, form_of
from ebpf.isa.table.alu import _BINARY, _SIGNED
from ebpf.isa.table.jump import COMPARISONS

SIZES = {8: o.B, 16: o.H, 32: o.W, 64: o.DW}
WRITTEN: dict[str, tuple[Insn | tuple[Insn, Insn], str]] = {
    **{f"{n}64_k": (i.alu64(op, R1, -5), f"r1 {s} -5") for n, op, s in _BINARY},
    **{f"{n}64_x": (i.alu64(op, R1, R2), f"r1 {s} r2") for n, op, s in _BINARY},
    **{f"{n}32_k": (i.alu32(op, R1, 7), f"w1 {s} 7") for n, op, s in _BINARY},
    **{f"{n}32_x": (i.alu32(op, R1, R2), f"w1 {s} w2") for n, op, s in _BINARY},
    **{f"{n}64_k": (i.alu64(op, R1, 3, signed=True), f"r1 {s} 3") for n, op, s in _SIGNED},
    **{f"{n}64_x": (i.alu64(op, R1, R2, signed=True), f"r1 {s} r2") for n, op, s in _SIGNED},
    **{f"{n}32_k": (i.alu32(op, R1, 3, signed=True), f"w1 {s} 3") for n, op, s in _SIGNED},
    **{f"{n}32_x": (i.alu32(op, R1, R2, signed=True), f"w1 {s} w2") for n, op, s in _SIGNED},
    **{f"movsx64_s{w}": (i.movsx(R1, R2, w), f"r1 = (s{w})r2") for w in (8, 16, 32)},
    **{f"movsx32_s{w}": (i.movsx(R1, R2, w, wide=False), f"w1 = (s{w})w2") for w in (8, 16)},
    "neg64": (i.neg(R3), "r3 = -r3"),
    "neg32": (i.neg(R3, wide=False), "w3 = -w3"),
    **{f"le{w}": (i.to_little_endian(R1, w), f"r1 = le{w} r1") for w in (16, 32, 64)},
    **{f"be{w}": (i.to_big_endian(R1, w), f"r1 = be{w} r1") for w in (16, 32, 64)},
    **{f"bswap{w}": (i.byte_swap(R1, w), f"r1 = bswap{w} r1") for w in (16, 32, 64)},
    **{f"{n}_k": (i.jump(op, R1, -1, 4), f"if r1 {s} 0xffffffff goto pc+4") for n, op, s in COMPARISONS},
    **{f"{n}_x": (i.jump(op, R1, R2, -4), f"if r1 {s} r2 goto pc-4") for n, op, s in COMPARISONS},
    **{f"{n}32_k": (i.jump32(op, R1, 9, 4), f"if w1 {s} 0x9 goto pc+4") for n, op, s in COMPARISONS},
    **{f"{n}32_x": (i.jump32(op, R1, R2, 4), f"if w1 {s} w2 goto pc+4") for n, op, s in COMPARISONS},
    "ja": (i.goto(-3), "goto pc-3"),
    "gotol": (i.goto_long(70000), "gotol pc+70000"),
    "gotox": (i.goto_register(R7), "gotox r7"),
    "may_goto": (i.may_goto(2), "may_goto pc+2"),
    "call_helper": (i.call("map_lookup_elem"), "call bpf_map_lookup_elem#1"),
    "call_local": (i.call_local(5), "call pc+5"),
    "call_kfunc": (i.call_kfunc(33, 1), "call kfunc#33+1"),
    "exit": (i.leave(), "exit"),
    **{f"ldx{w}": (i.load(c, R1, R10, -8), f"r1 = *(u{w} *)(r10 -8)") for w, c in SIZES.items()},
    **{f"st{w}": (i.store(c, R10, -8, 1), f"*(u{w} *)(r10 -8) = 1") for w, c in SIZES.items()},
    **{f"stx{w}": (i.store(c, R10, -8, R1), f"*(u{w} *)(r10 -8) = r1") for w, c in SIZES.items()},
    **{
        f"ldsx{w}": (i.load(c, R1, R2, 4, signed=True), f"r1 = *(s{w} *)(r2 +4)")
        for w, c in SIZES.items()
        if w < 64
    },
    **{f"ldabs{w}": (i.load_packet(c, 14), f"r0 = *(u{w} *)skb[14]") for w, c in SIZES.items() if w < 64},
    **{
        f"ldind{w}": (i.load_packet(c, 2, R7), f"r0 = *(u{w} *)skb[r7 + 2]")
        for w, c in SIZES.items()
        if w < 64
    },
    "ld_imm64": (i.load_imm64(R1, 0x8000_0001_FFFF_FFFE), "r1 = 0x80000001fffffffe"),
    "ld_map_fd": (i.load_map(R1, 2), "r1 = map[2]"),
    "ld_map_value": (i.load_map_value(R1, 2, 8), "r1 = map[2][0]+8"),
    "ld_map_idx": (i.load_map_by_index(R1, 1), "r1 = map_idx[1]"),
    "ld_map_idx_value": (i.load_map_value_by_index(R1, 1, 8), "r1 = map_idx[1][0]+8"),
    "ld_func": (i.load_function(R2, 9), "r2 = subprog[+9]"),
    "ld_btf_id": (i.load_typed(R1, 77), "r1 = btf_id[77]+0"),
    **{
        f"atomic_{n}{w}": (i.atomic(op, c, R1, 8, R2), f"lock *(u{w} *)(r1 +8) {s} r2")
        for n, op, s in (("add", o.ADD, "+="), ("or", o.OR, "|="), ("and", o.AND, "&="), ("xor", o.XOR, "^="))
        for w, c in SIZES.items()
        if w > 16
    },
    **{
        f"atomic_fetch_{n}{w}": (
            i.atomic(op | o.FETCH, SIZES[w], R1, 8, R2),
            f"r2 = atomic{k}_fetch_{n}((u{w} *)(r1 +8), r2)",
        )
        for n, op in (("add", o.ADD), ("or", o.OR), ("and", o.AND), ("xor", o.XOR))
        for w, k in ((32, ""), (64, "64"))
    },
    "atomic_xchg64": (i.atomic(o.XCHG, o.DW, R1, 8, R2), "r2 = atomic64_xchg((u64 *)(r1 +8), r2)"),
    "atomic_xchg32": (i.atomic(o.XCHG, o.W, R1, 8, R2), "r2 = atomic_xchg((u32 *)(r1 +8), r2)"),
    "atomic_cmpxchg64": (
        i.atomic(o.CMPXCHG, o.DW, R1, 8, R2),
        "r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r2)",
    ),
    "atomic_cmpxchg32": (i.atomic(o.CMPXCHG, o.W, R1, 8, R2), "r0 = atomic_cmpxchg((u32 *)(r1 +8), r0, r2)"),
    **{
        f"load_acquire{w}": (i.load_acquire(c, R0, R1, 8), f"r0 = load_acquire((u{w} *)(r1 +8))")
        for w, c in SIZES.items()
    },
    **{
        f"store_release{w}": (i.store_release(c, R1, 8, R2), f"store_release((u{w} *)(r1 +8), r2)")
        for w, c in SIZES.items()
    },
}
"""By form: what makes it, and its text in the kernel's dialect."""
MADE_BY_HAND = {"addr_space_cast_0_1", "addr_space_cast_1_0", "callx"}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_constructor_gives_its_form(name: str) -> None:
    made, expected = WRITTEN[name]
    first, second = made if isinstance(made, tuple) else (made, None)
    assert form_of(first).name == name
    assert text(first, second) == expected


def test_every_form_has_a_constructor() -> None:
    assert {form.name for form in FORMS} == WRITTEN.keys() | MADE_BY_HAND


def test_registers_are_numbers_of_their_own_type() -> None:
    assert list(REGISTERS) == list(range(11))
    assert i.mov64(R2, R10) == Insn(0xBF, 2, 10)
    assert i.mov64(R2, 10) == Insn(0xB7, 2, 0, 0, 10)
    for field in ("opcode", "dst", "src", "off", "imm"):
        assert type(getattr(i.mov64(Register.R2, Register.R10), field)) is int
