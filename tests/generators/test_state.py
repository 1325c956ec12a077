"""The state: copies, joins, and that it only ever knows less where paths meet or something is forgotten."""

from __future__ import annotations

import pytest

from ebpf.isa.build import R0, R1, R2, R3, R4, R5, R7, R9
from generators.resources import Resource, ResourceKind
from generators.state import ANY, CONTEXT, GenerationState, KnownPointer, Number, PointerKind, join
from generators.transfer.calls import clobber
from generators.transfer.forgetting import drop, shrink, widen

HELD = (Resource(ResourceKind.SOCKET, 1),)


def test_join_keeps_what_holds_on_both_paths() -> None:
    one = GenerationState(
        {R0: Number(1, 5), R1: KnownPointer(PointerKind.PACKET, 72), R2: ANY, R3: CONTEXT, R4: Number()},
        {-8: Number(0, 1)},
        frozenset({R9}),
    )
    other = GenerationState(
        {R0: Number(4, 9), R1: KnownPointer(PointerKind.PACKET, 14), R3: ANY, R4: Number(), R5: ANY},
        {-8: Number(7, 7), -16: ANY},
    )
    assert join(one, other) == GenerationState(
        {R0: Number(1, 9), R1: KnownPointer(PointerKind.PACKET, 14), R4: ANY},
        {-8: Number(0, 7)},
        frozenset({R9}),
    )


def test_values_of_two_maps_become_a_value_of_some_map() -> None:
    one, other = (GenerationState({R7: KnownPointer(PointerKind.MAP_VALUE, 16, map=m)}) for m in (0, 3))
    assert join(one, other).registers == {R7: KnownPointer(PointerKind.MAP_VALUE, 16)}
    null = GenerationState({R7: KnownPointer(PointerKind.MAP_VALUE, 16, nullable=True)})
    assert join(one, null).registers == {}


def test_a_path_that_ended_has_no_say_in_a_join() -> None:
    ended, other = GenerationState({R0: ANY}, reachable=False), GenerationState({R2: ANY}, held=HELD)
    assert join(ended, other) == join(other, ended) == other
    assert join(ended, other) is not other


def test_paths_that_meet_hold_the_same() -> None:
    with pytest.raises(AssertionError, match="hold the same"):
        join(GenerationState(held=HELD), GenerationState())


def test_a_copy_of_a_state_is_independent() -> None:
    state = GenerationState({R0: ANY, R7: ANY}, {-8: ANY}, held=HELD)
    copy = state.copy()
    assert copy == state
    clobber(copy)
    copy.slots.clear()
    assert (state.registers, state.slots, copy.registers) == ({R0: ANY, R7: ANY}, {-8: ANY}, {R7: ANY})


def test_forgetting_never_adds_knowledge() -> None:
    state = GenerationState({R0: Number(3, 9), R1: KnownPointer(PointerKind.PACKET, 14), R2: ANY})
    widen(state, R0, Number(0, 15))
    shrink(state, R1, 8)
    drop(state, (R2, R3))
    assert state.registers == {R0: Number(0, 15), R1: KnownPointer(PointerKind.PACKET, 8)}
    with pytest.raises(AssertionError, match="wider"):
        widen(state, R0, Number(0, 14))
    with pytest.raises(AssertionError, match="know less"):
        shrink(state, R1, 9)
