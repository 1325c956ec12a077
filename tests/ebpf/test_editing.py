"""Edits keep every jump where it led."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ebpf.assembly import parse
from ebpf.editing import Edit, guard, insert, jump_field, remove, replace_slots, rewrite, target
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn

NOP = Insn(o.MOV | o.K | o.ALU64, 0, imm=7)


def program(text: str) -> tuple[Insn, ...]:
    return parse(line.strip() for line in text.strip().splitlines())


LOOP = program("""
    r1 = 0
    r1 += 1
    if r1 < 5 goto pc-2
    goto pc+1
    r0 = 1
    r0 = 0
    exit
""")


def test_a_jump_over_what_is_removed_is_shorter() -> None:
    assert remove(LOOP, 4, 1)[3].off == 0


def test_a_jump_to_what_is_removed_leads_to_what_follows() -> None:
    assert target(remove(LOOP, 1, 1)[1], 1) == 1


def test_a_jump_to_where_something_is_inserted_leads_behind_it() -> None:
    edited = insert(LOOP, 1, (NOP, NOP))
    assert edited[1:3] == (NOP, NOP)
    assert target(edited[4], 4) == 3


def test_every_way_leads_through_a_guard() -> None:
    edited = guard(LOOP, 1, (NOP, Insn(o.JA | o.JMP, off=0)))
    assert edited[1] == NOP
    assert target(edited[4], 4) == 1
    assert target(edited[2], 2) == 3


def test_a_jump_to_what_is_replaced_leads_to_the_first_of_the_new() -> None:
    edited = replace_slots(LOOP, 1, 1, (NOP, NOP, NOP))
    assert target(edited[4], 4) == 1
    assert target(edited[5], 5) == 7


def test_calls_and_function_addresses_are_retargeted() -> None:
    functions = (
        Insn(o.CALL | o.JMP, src=o.CALL_LOCAL, imm=2),
        Insn(o.LD_IMM64, 2, o.PSEUDO_FUNC, imm=1),
        Insn(0),
        Insn(o.MOV | o.K | o.ALU64),
        Insn(o.EXIT | o.JMP),
    )
    edited = insert(functions, 3, (NOP,))
    assert [target(edited[at], at) for at in (0, 1)] == [4, 4]


@st.composite
def edits(draw: st.DrawFn) -> tuple[tuple[Insn, ...], int, int, int]:
    """A program of jumps and others, a run of slots in it, and how many are to stand there."""
    length = draw(st.integers(2, 12))
    insns = []
    for at in range(length):
        led_to = draw(st.none() | st.integers(0, length - 1))
        insns.append(NOP if led_to is None else Insn(o.JA | o.JMP, off=led_to - at - 1))
    start = draw(st.integers(0, length - 1))
    return tuple(insns), start, draw(st.integers(0, length - start)), draw(st.integers(0, 3))


@given(edits())
def test_what_is_kept_leads_to_the_same_instruction(edit: tuple[tuple[Insn, ...], int, int, int]) -> None:
    insns, start, count, new = edit
    edited = replace_slots(insns, start, count, (NOP,) * new)
    assert len(edited) == len(insns) - count + new
    slots = {at: at if at < start else at - count + new for at in range(len(insns))}
    for at, insn in enumerate(insns):
        led_to = target(insn, at)
        if start <= at < start + count or led_to is None:
            continue
        now = target(edited[slots[at]], slots[at])
        if not start <= led_to < start + count:
            assert now == slots[led_to]
        else:
            assert now in (start, start + new)
        assert jump_field(edited[slots[at]]) == jump_field(insn)


@given(edits(), st.data())
def test_edits_made_at_once_are_those_made_one_by_one(
    edit: tuple[tuple[Insn, ...], int, int, int], data: st.DataObject
) -> None:
    insns = edit[0]
    places = data.draw(st.lists(st.integers(0, len(insns) - 1), unique=True))
    made = {
        at: Edit(
            data.draw(st.integers(0, 1)), (NOP,) * data.draw(st.integers(0, 3)), data.draw(st.booleans())
        )
        for at in places
    }
    one_by_one = insns
    for at in sorted(places, reverse=True):
        one_by_one = rewrite(one_by_one, {at: made[at]})
    assert rewrite(insns, made) == one_by_one
