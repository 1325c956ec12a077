"""The instruction table: complete, without overlap, and exact about every field."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.isa import Insn, decode, encode
from ebpf.isa.forms import Form, Free, Group
from ebpf.isa.table import FORMS, IllegalInsn, form_of
from tests.ebpf.instructions import legal

RFC_9669 = {
    # Appendix A: opcode numbers by hundreds of hexadecimal, as its table lists them; call and 64-bit
    # immediates once each.
    *range(0x04, 0xE0, 0x08),
    *range(0x07, 0xE0, 0x08),  # ALU, ALU64
    0x05,
    *range(0x15, 0x80, 0x08),
    0x85,
    0x95,
    *range(0xA5, 0xE0, 0x08),  # JMP
    0x06,
    *range(0x16, 0x80, 0x08),
    *range(0xA6, 0xE0, 0x08),  # JMP32
    0x18,
    0x20,
    0x28,
    0x30,
    0x40,
    0x48,
    0x50,  # LD
    0x61,
    0x69,
    0x71,
    0x79,
    0x81,
    0x89,
    0x91,  # LDX
    0x62,
    0x6A,
    0x72,
    0x7A,
    0x63,
    0x6B,
    0x73,
    0x7B,  # ST, STX
    0xC3,
    0xDB,  # atomic
} - {
    0x8C,
    0x8F,  # NEG has no register form
    0xDF,  # END of ALU64 has no register form
    0x0D,
    0x0E,  # JA has none either
}


def test_every_opcode_of_the_rfc_is_there_and_what_is_beyond_is_the_kernels() -> None:
    ours = {form.opcode for form in FORMS}
    assert RFC_9669 - ours == set()
    beyond = {opcode: {form.name for form in FORMS if form.opcode == opcode} for opcode in ours - RFC_9669}
    assert beyond == {
        0x0D: {"gotox"},
        0xE5: {"may_goto"},
        0x8D: {"callx"},
        0xC3 + 0x10: {"load_acquire8", "store_release8"},
        0xC3 + 0x08: {"load_acquire16", "store_release16"},
    }


def test_names_are_unique() -> None:
    assert len({form.name for form in FORMS}) == len(FORMS)


def _values(allowed: Free | tuple[int, ...]) -> set[int] | None:
    return None if isinstance(allowed, Free) else set(allowed)


def _may_both_fit(one: Form, other: Form) -> bool:
    for name in ("dst", "src", "off", "imm"):
        a, b = _values(getattr(one, name)), _values(getattr(other, name))
        if a is not None and b is not None and not a & b:
            return False
    return one.opcode == other.opcode


def test_no_two_forms_overlap() -> None:
    pairs = [(a.name, b.name) for i, a in enumerate(FORMS) for b in FORMS[:i] if _may_both_fit(a, b)]
    assert pairs == []


@given(legal())
def test_a_legal_instruction_finds_its_own_form(chosen: tuple[Form, tuple[Insn, ...]]) -> None:
    form, slots = chosen
    assert form_of(slots[0]) is form
    assert decode(encode(slots)) == slots


@given(legal(), st.sampled_from(["dst", "src", "off", "imm"]), st.data())
def test_a_field_that_is_not_free_is_named_when_it_is_wrong(
    chosen: tuple[Form, tuple[Insn, ...]], name: str, data: st.DataObject
) -> None:
    _form, (insn, *_) = chosen
    low, high = {
        "dst": (0, 15),
        "src": (0, 15),
        "off": (-(1 << 15), (1 << 15) - 1),
        "imm": (-(1 << 31), (1 << 31) - 1),
    }[name]
    wrong = replace(insn, **{name: data.draw(st.integers(low, high))})
    fits = {f.name for f in FORMS if f.opcode == wrong.opcode and f.misfit(wrong) is None}
    if fits:
        assert fits == {form_of(wrong).name}
        return
    with pytest.raises(IllegalInsn, match="instruction 7") as caught:
        form_of(wrong, 7)
    same_opcode = [f for f in FORMS if f.opcode == insn.opcode]
    if len(same_opcode) == 1:
        assert caught.value.field == name
        assert f"{name} not allowed with opcode 0x{insn.opcode:02x}: {getattr(wrong, name)}" in str(
            caught.value
        )
    assert caught.value.field in ("dst", "src", "off", "imm")


@pytest.mark.parametrize(
    ("insn", "field"),
    [
        (Insn(0xB7, 11), "dst"),
        (Insn(0xB7, 0, 1), "src"),
        (Insn(0xB7, 0, 0, 8), "off"),
        (Insn(0x0F, 1, 2, 0, 1), "imm"),
        (Insn(0xBF, 0, 11), "src"),
        (Insn(0xD4, 1, 0, 0, 24), "imm"),
        (Insn(0xBC, 1, 2, 32), "off"),
        (Insn(0x37, 1, 0, 2), "off"),
        (Insn(0x3F, 1, 2, 1, 1), "imm"),
        (Insn(0x87, 1, 0, 0, 1), "imm"),
        (Insn(0x95, 0, 0, 0, 1), "imm"),
        (Insn(0x05, 1), "dst"),
        (Insn(0x06, 0, 0, 1), "off"),
        (Insn(0x85, 0, 3), "src"),
        (Insn(0x18, 0, 7), "src"),
        (Insn(0xDB, 1, 2, 0, 0x20), "imm"),
        (Insn(0xD3, 1, 2, 0, 0), "imm"),
        (Insn(0x30, 0, 1), "src"),
        (Insn(0x62, 1, 1), "src"),
        (Insn(0x61, 1, 2, 0, 1), "imm"),
        (Insn(0xBF, 1, 2, 1, 2), "imm"),
    ],
)
def test_illegal_fields(insn: Insn, field: str) -> None:
    with pytest.raises(IllegalInsn) as caught:
        form_of(insn)
    assert caught.value.field == field


@pytest.mark.parametrize("opcode", sorted(set(range(256)) - {form.opcode for form in FORMS}))
def test_unknown_opcodes(opcode: int) -> None:
    with pytest.raises(IllegalInsn, match=f"unknown opcode 0x{opcode:02x}") as caught:
        form_of(Insn(opcode))
    assert caught.value.field == "opcode"


def test_groups() -> None:
    """RFC 9669, section 2.4 and the appendix."""
    of = {form.name: form.group for form in FORMS}
    assert {name for name, group in of.items() if group is Group.PACKET} == {
        f"ld{m}{w}" for m in ("abs", "ind") for w in (8, 16, 32)
    }
    for bits in ("32", "64"):
        group = Group("divmul" + bits)
        expected = {f"{op}{bits}_{s}" for op in ("mul", "div", "mod", "sdiv", "smod") for s in "kx"}
        assert {name for name, found in of.items() if found is group} == expected
        atomic = Group("atomic" + bits)
        names = {"atomic_xchg", "atomic_cmpxchg"} | {
            f"atomic_{f}{op}" for f in ("", "fetch_") for op in ("add", "or", "and", "xor")
        }
        assert {name for name, found in of.items() if found is atomic} == {name + bits for name in names}
    assert (
        of["ldx64"]
        is of["ldsx8"]
        is of["call_helper"]
        is of["exit"]
        is of["ja"]
        is of["bswap64"]
        is of["be64"]
        is Group.BASE64
    )
    assert (
        of["ldx32"]
        is of["st8"]
        is of["gotol"]
        is of["jeq32_k"]
        is of["le16"]
        is of["add32_x"]
        is Group.BASE32
    )
    assert {name.rstrip("0123456789_") for name, group in of.items() if group is Group.KERNEL} == {
        "addr_space_cast",
        "gotox",
        "may_goto",
        "load_acquire",
        "store_release",
    }


def test_since() -> None:
    of = {form.name: form.since for form in FORMS}
    assert (of["jlt_k"], of["jeq32_x"], of["atomic_add64"], of["atomic_fetch_add64"]) == (
        "4.14",
        "5.1",
        "3.18",
        "5.12",
    )
    assert (of["sdiv64_k"], of["movsx64_s32"], of["bswap16"], of["ldsx8"], of["gotol"]) == ("6.6",) * 5
    assert (of["may_goto"], of["addr_space_cast_0_1"], of["load_acquire8"], of["gotox"]) == (
        "6.9",
        "6.9",
        "6.15",
        "6.19",
    )


def test_reserved_fields() -> None:
    of = {form.name: form.reserved() for form in FORMS}
    assert of["exit"] == ("dst", "src", "off", "imm")
    assert of["add64_x"] == ("off", "imm")
    assert of["ldx8"] == ("imm",)
