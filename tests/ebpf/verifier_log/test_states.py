"""States: registers, slots and what trails them."""

from __future__ import annotations

import pytest

from ebpf.byte_order import ByteOrder
from ebpf.domains import ScalarRange, Tnum
from ebpf.verifier_log import LogDialect, NotUnderstood, PointerClaim, ScalarClaim, SlotClaim, StackObject
from ebpf.verifier_log.claims import narrowed
from ebpf.verifier_log.states import parse_slot, parse_state

OLD, MIDDLE, NEW = LogDialect.LINUX_6_1, LogDialect.LINUX_6_12, LogDialect.LINUX_7_3


def test_a_whole_state() -> None:
    state = parse_state(
        " frame1: R0_w=1 R6_rw=scalar(umax=3,var_off=(0x0; 0x3)) R10=fp0 fp-8_w=mmmm0000 refs=2,3 cb", MIDDLE
    )
    assert state.frame == 1
    assert [number for number, _ in state.registers] == [0, 6, 10]
    assert state.slots == (SlotClaim(-8, "mmmm0000"),)
    assert (state.references, state.callback, state.leftover) == ((2, 3), True, "")
    assert state.register(0) == ScalarClaim(ScalarRange.constant(1))
    assert state.register(3) is None


def test_an_empty_delta_claims_nothing() -> None:
    assert not parse_state(" ", NEW).registers
    assert not parse_state("", NEW).registers


def test_what_is_not_understood_is_left_over() -> None:
    assert parse_state(" R0=1 R1", MIDDLE).leftover == "R1"
    assert parse_state(" R0=1 zebra=3", MIDDLE).leftover == "zebra=3"


@pytest.mark.parametrize(
    ("text", "letters", "width"),
    [
        ("????0", "????rrrr", 4),
        ("mmmm20", "mmmmrrrr", 4),
        ("??????scalar()", "??????rr", 2),
        ("???????42", "???????r", 1),
        ("272", "rrrrrrrr", 8),
        ("scalar(id=1)", "rrrrrrrr", 8),
        ("mmmmpkt(r=0)", "mmmmrrrr", 4),
        ("map_value(ks=4,vs=8)", "rrrrrrrr", 8),
        ("mmmmmem(sz=8)", "mmmmrrrr", 4),
        ("fp-16", "rrrrrrrr", 8),
        ("00000", "0000rrrr", 4),
    ],
)
def test_spills(text: str, letters: str, width: int) -> None:
    slot = parse_slot(-8, text, MIDDLE)
    assert (slot.letters, slot.width) == (letters, width)
    assert not isinstance(slot.value, NotUnderstood)


@pytest.mark.parametrize("text", ["00000000", "mmmmmmmm", "????0000", "dddddddd", "pppp????", "ffffffff"])
def test_letters(text: str) -> None:
    assert parse_slot(-8, text, NEW) == SlotClaim(-8, text)


def test_6_1_hides_how_much_was_spilled() -> None:
    assert parse_slot(-8, "272", OLD).stored == ScalarRange(umax=255, tnum=Tnum(16, 0))
    assert parse_slot(-8, "", OLD).stored is None, "a spilled scalar that is not constant"
    assert isinstance(parse_slot(-8, "ctx", OLD).value, PointerClaim)


def test_objects_in_slots() -> None:
    assert isinstance(parse_slot(-16, "dynptr_ringbuf(id=2,parent_id=1)", NEW).value, StackObject)


def test_a_strange_slot_is_no_claim() -> None:
    slot = parse_slot(-8, "mmmmm", MIDDLE)
    assert isinstance(slot.value, NotUnderstood)
    assert slot.stored is None


def test_bytes_held_against_a_slot() -> None:
    half = parse_slot(-8, "mm00scalar(umax=4)", MIDDLE)
    assert half.excluded_by(bytes([4, 0, 0, 0, 0, 0, 9, 9]), ByteOrder.LITTLE) is None
    assert half.excluded_by(bytes([5, 0, 0, 0, 0, 0, 9, 9]), ByteOrder.LITTLE) == "umax=4"
    assert half.excluded_by(bytes([4, 0, 0, 0, 1, 0, 9, 9]), ByteOrder.LITTLE) == "byte -4 is zero"
    assert SlotClaim(-8, "mmmm????").excluded_by(bytes(range(8)), ByteOrder.LITTLE) is None


def test_a_narrow_spill_keeps_only_the_low_bytes() -> None:
    wide = ScalarRange(umin=1 << 33, umax=1 << 40, umin32=3, tnum=Tnum(1, ((1 << 41) - 1) & ~1))
    low = narrowed(wide, 4)
    assert low.contains(5)
    assert not low.contains(1)  # umin32
    assert not low.contains(4)  # the lowest bit is known
    assert narrowed(wide, 2).contains(1), "umin32 says nothing of 16 bits"
    assert narrowed(ScalarRange(umin=3, umax=9), 1) == ScalarRange(umin=3, umax=9)
