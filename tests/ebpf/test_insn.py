"""One slot: eight bytes both ways."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.byte_order import ByteOrder
from ebpf.errors import InputError
from ebpf.isa import Insn, decode, encode

INSNS = st.builds(
    Insn,
    st.integers(0, 255),
    st.integers(0, 15),
    st.integers(0, 15),
    st.integers(-(1 << 15), (1 << 15) - 1),
    st.integers(-(1 << 31), (1 << 31) - 1),
)


@pytest.mark.parametrize(
    ("insn", "code"),
    [
        (Insn(0xB7, 1, 0, 0, 0x12345678), "b701000078563412"),
        (Insn(0x6B, 10, 1, -8), "6b1af8ff00000000"),
        (Insn(0x85, 0, 0, 0, 6), "8500000006000000"),
        (Insn(0x0F, 2, 9), "0f92000000000000"),
        (Insn(0x05, 0, 0, -32768, -1), "05000080ffffffff"),
    ],
)
def test_layout(insn: Insn, code: str) -> None:
    assert insn.encode().hex() == code
    assert decode(bytes.fromhex(code)) == (insn,)


@pytest.mark.parametrize(
    ("insn", "code"),
    [
        (Insn(0xB7, 1, 0, 0, 0x12345678), "b710000012345678"),
        (Insn(0x6B, 10, 1, -8), "6ba1fff800000000"),
        (Insn(0x0F, 2, 9), "0f29000000000000"),
    ],
)
def test_on_a_big_endian_machine_the_registers_are_the_other_way_round_too(insn: Insn, code: str) -> None:
    """As struct bpf_insn's bit-fields are laid out there: llvm-objdump of a bpfeb object shows the same."""
    assert insn.encode(ByteOrder.BIG).hex() == code
    assert decode(bytes.fromhex(code), ByteOrder.BIG) == (insn,)


@given(st.lists(INSNS, max_size=8), st.sampled_from(ByteOrder))
def test_encode_then_decode(insns: list[Insn], order: ByteOrder) -> None:
    assert decode(encode(insns, order), order) == tuple(insns)


@given(st.binary(max_size=64).filter(lambda code: len(code) % 8 == 0))
def test_decode_then_encode(code: bytes) -> None:
    assert encode(decode(code)) == code


@pytest.mark.parametrize(
    ("insn", "field"),
    [
        (Insn(256), "opcode = 256"),
        (Insn(0, 0, 0, 1 << 15), "off = 32768 is not in -32768..32767"),
        (Insn(0, 0, 0, 0, 1 << 31), "imm = 2147483648"),
        (Insn(0, 0, 16), "src = 16 is not in 0..15"),
        (Insn(0, 16), "dst = 16 is not in 0..15"),
        (Insn(0, -1), "dst = -1 is not in 0..15"),
    ],
)
def test_a_field_that_does_not_fit_is_named(insn: Insn, field: str) -> None:
    with pytest.raises(InputError, match=field.replace(".", r"\.")):
        insn.encode()


@pytest.mark.parametrize("length", [1, 7, 9, 20])
def test_half_a_slot(length: int) -> None:
    with pytest.raises(InputError, match=rf"{length} bytes end inside slot {length // 8}"):
        decode(bytes(length))
