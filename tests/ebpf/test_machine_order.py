"""BTF and func_info as a big-endian machine takes them."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from ebpf.btf.machine_order import btf_for, func_info_for
from ebpf.byte_order import ByteOrder
from generators.function_types import function_types

BTF, FUNC_INFO = function_types([0, 7], objects=False)


def test_words_change_and_strings_do_not() -> None:
    swapped = btf_for(ByteOrder.BIG, BTF)
    assert struct.unpack_from(">HBB5I", swapped) == struct.unpack_from("<HBB5I", BTF)
    *_, length, begin, size = struct.unpack_from("<HBB5I", BTF)
    assert struct.unpack_from(f">{length // 4}I", swapped, 24) == struct.unpack_from(
        f"<{length // 4}I", BTF, 24
    )
    assert swapped[24 + begin : 24 + begin + size] == BTF[24 + begin : 24 + begin + size] == swapped[-size:]
    assert struct.unpack(">4I", func_info_for(ByteOrder.BIG, FUNC_INFO)) == struct.unpack("<4I", FUNC_INFO)


def test_a_little_endian_machine_takes_them_as_they_are() -> None:
    assert btf_for(ByteOrder.LITTLE, BTF) == BTF
    assert func_info_for(ByteOrder.LITTLE, FUNC_INFO) == FUNC_INFO


@given(st.binary(max_size=80), st.integers(0, len(BTF)))
def test_what_is_broken_goes_to_the_kernel_as_it_is(garbage: bytes, cut: int) -> None:
    for data in (garbage, BTF[:cut], BTF[:24] + garbage):
        assert len(btf_for(ByteOrder.BIG, data)) == len(data)
