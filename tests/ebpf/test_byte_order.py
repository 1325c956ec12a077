"""Numbers as bytes, both ways, in both orders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebpf.byte_order import ByteOrder


@given(st.sampled_from(ByteOrder), st.integers(0, (1 << 64) - 1))
def test_numbers_come_back(order: ByteOrder, number: int) -> None:
    data = order.bytes(number, 8)
    assert order.number(data) == number
    assert order.layout("Q").unpack(data) == (number,)


def test_the_orders_are_each_others_reverse() -> None:
    assert ByteOrder.LITTLE.bytes(0x0102, 2) == bytes(reversed(ByteOrder.BIG.bytes(0x0102, 2))) == b"\2\1"
    assert ByteOrder.BIG.number(b"\xff\xfe", signed=True) == -2
    with pytest.raises(OverflowError):
        ByteOrder.LITTLE.bytes(256, 1)
