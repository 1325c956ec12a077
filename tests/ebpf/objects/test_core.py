"""CO-RE: the arithmetic of bpf_core_calc_relo on pairs of types written here, and what it does to
instructions."""

from __future__ import annotations

import pytest

from ebpf.btf import Btf, BtfBuilder, BtfError
from ebpf.btf.core import CoreKind, CoreRelocation, KernelTypes, Relocated, relocate
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.objects.core_patches import POISON, _patch


def types(
    members: list[tuple[str, str, int]], size: int, name: str = "task", more: int = 0
) -> tuple[Btf, int]:
    """One struct of (name, type, offset), after ``more`` others; (types, its id)."""
    builder = BtfBuilder()
    known = {"int": builder.integer("int", 4, signed=True), "long": builder.integer("long", 8, signed=True)}
    known["ints"] = builder.array(known["int"], known["int"], 4)
    known["pointer"] = builder.pointer(0)
    known["inside"] = builder.struct("", 8, [("deep", known["int"], 4)])
    for number in range(more):
        builder.struct(f"other{number}", 4, [("x", known["int"], 0)])
    struct = builder.struct(name, size, [(member, known[kind], offset) for member, kind, offset in members])
    return Btf(builder.build()), struct


LOCAL, ROOT = types([("pid", "int", 0), ("flags", "long", 8), ("list", "ints", 16)], 32, name="task___mine")


def asked(access: str, kind: CoreKind, members: list[tuple[str, str, int]], size: int = 64) -> Relocated:
    kernel, _ = types(members, size)
    return relocate(LOCAL, CoreRelocation("socket", 0, ROOT, access, kind), KernelTypes(kernel))


def test_a_field_is_where_the_kernel_has_it() -> None:
    assert asked("0:1", CoreKind.BYTE_OFFSET, [("flags", "long", 40)]) == Relocated(8, 40, True, 8, 8)
    assert asked("0:0", CoreKind.BYTE_OFFSET, [("pid", "long", 24)]) == Relocated(0, 24, True, 4, 8)


def test_a_field_may_have_moved_into_an_anonymous_struct() -> None:
    builder = BtfBuilder()
    number = builder.integer("int", 4, signed=True)
    inner = builder.struct("", 8, [("pid", number, 4)])
    builder.struct("task", 32, [("", inner, 16)])
    kernel = KernelTypes(Btf(builder.build()))
    assert relocate(LOCAL, CoreRelocation("socket", 0, ROOT, "0:0", CoreKind.BYTE_OFFSET), kernel).new == 20


def test_an_element_counts_from_its_array() -> None:
    assert asked("0:2:3", CoreKind.BYTE_OFFSET, [("list", "ints", 32)]).new == 44


def test_sizes_and_existence() -> None:
    assert asked("0:0", CoreKind.BYTE_SIZE, [("pid", "long", 0)]).new == 8
    assert asked("0:0", CoreKind.EXISTS, [("pid", "int", 0)]).new == 1
    assert asked("0:0", CoreKind.EXISTS, [("tgid", "int", 0)]).new == 0
    assert asked("0", CoreKind.TYPE_SIZE, [("pid", "int", 0)], size=72).new == 72
    assert asked("0", CoreKind.TYPE_EXISTS, [("pid", "int", 0)]).new == 1
    assert asked("0:0", CoreKind.SIGNED, [("pid", "int", 0)]).new == 1
    assert asked("0:0", CoreKind.RSHIFT, [("pid", "int", 0)]).new == 32


def test_what_the_kernel_has_not_has_no_value() -> None:
    assert asked("0:1", CoreKind.BYTE_OFFSET, [("pid", "int", 0)]).new is None
    assert asked("0:1", CoreKind.BYTE_OFFSET, [("flags", "pointer", 0)]).new is None


def test_a_type_is_named_by_the_kernels_own_id() -> None:
    kernel, number = types([("pid", "int", 0)], 8, more=3)
    found = relocate(
        LOCAL, CoreRelocation("socket", 0, ROOT, "0", CoreKind.TYPE_ID_TARGET), KernelTypes(kernel)
    )
    assert (found.old, found.new) == (ROOT, number)


@pytest.mark.parametrize("access", ["0:9", "0:0:0", "x"])
def test_a_path_that_leads_nowhere_is_an_error(access: str) -> None:
    with pytest.raises(BtfError):
        asked(access, CoreKind.BYTE_OFFSET, [("pid", "int", 0)])


def test_loads_take_the_new_offset_and_width() -> None:
    insns = [Insn(o.LDX | o.MEM | o.W, 1, 2, 0, 0)]
    _patch(insns, 0, Relocated(0, 24, True, 4, 8))
    assert insns == [Insn(o.LDX | o.MEM | o.DW, 1, 2, 24, 0)]


def test_immediates_take_the_new_value() -> None:
    insns = [Insn(o.ALU64 | o.MOV, 1, 0, 0, 8)]
    _patch(insns, 0, Relocated(8, 40))
    assert insns[0].imm == 40


def test_an_instruction_that_holds_something_else_is_an_error() -> None:
    with pytest.raises(BtfError, match="holds 9, its types say 8"):
        _patch([Insn(o.ALU64 | o.MOV, 1, 0, 0, 9)], 0, Relocated(8, 40))


def test_what_is_missing_becomes_a_call_of_nothing() -> None:
    insns = [Insn(o.LDX | o.MEM | o.W, 1, 2, 0, 0)]
    _patch(insns, 0, Relocated(0, None))
    assert insns == [POISON]
