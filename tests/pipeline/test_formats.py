"""Row 6: what an instruction looks like, both ways, and what is said of one that no form allows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from ebpf.isa import Insn, decode, encode
from ebpf.isa.forms import Form
from ebpf.isa.table import IllegalInsn, form_of
from tests.ebpf.instructions import legal


@given(legal())
def test_row_06_encoding_and_decoding_is_the_identity(chosen: tuple[Form, tuple[Insn, ...]]) -> None:
    form, slots = chosen
    assert decode(encode(slots)) == slots
    assert form_of(slots[0]).slots == len(slots) == form.slots


def test_row_06_a_wide_immediate_takes_two_slots() -> None:
    low, high = Insn(0x18, 1, imm=0x57204650), Insn(0, imm=0x646C726F)
    assert encode((low, high)).hex() == "1801000050462057000000006f726c64"
    assert form_of(low).slots == 2


@pytest.mark.parametrize(
    ("insn", "field"),
    [
        (Insn(0xFF), "opcode"),
        (Insn(0xB7, 11), "dst"),
        (Insn(0xBF, 1, 12), "src"),
        (Insn(0xB7, 1, 0, 5), "off"),
        (Insn(0xBF, 1, 2, 0, 7), "imm"),
    ],
)
def test_row_06_an_illegal_one_names_the_field(insn: Insn, field: str) -> None:
    with pytest.raises(IllegalInsn, match="instruction 3: .*" + field) as refused:
        form_of(insn, 3)
    assert refused.value.field == field
    assert form_of(replace(Insn(0xB7, 1), imm=7)).slots == 1
