"""Near misses with kernel functions: what one gave is lost, given back twice, used afterwards, moved, not
compared with null, or taken for something else; and calls that the program may not make."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, REGISTERS, add64, jump, leave, mov64
from ebpf.kfuncs import KernelArgKind as A
from ebpf.kfuncs import KernelFunction, is_a
from generators.builder import Builder
from generators.conditions import MAY_CALL
from generators.dice import Dice
from generators.goals.chain import Place
from generators.goals.kernel_functions import KernelSupply, offered, plain
from generators.near_misses.table import RARE
from generators.releasing import STRUCT_RELEASERS, fetch, release
from generators.steps import anything_in


def _sources(b: Builder) -> list[KernelFunction]:
    """What gives something that must be released, and takes nothing of the kernel's."""
    if not b.privileged or not MAY_CALL.holds(b):
        return []
    return [
        function
        for function in offered(b, b.may_sleep)
        if function.acquires and not any(arg.kind is A.OBJECT for arg in function.args)
    ]


def _acquire(b: Builder, dice: Dice) -> tuple[KernelSupply, KernelFunction, Place] | None:
    """Something held, and where it is; where there was nothing is left to ``supply.nothing``."""
    sources = _sources(b)
    if not sources:
        return None
    supply, source = KernelSupply(b, dice, stays=False), dice.of(sources)
    place = supply.call_function(source)
    return None if place is None else (supply, source, place)


def _meet(supply: KernelSupply) -> None:
    """Nothing is held any more, or there was nothing."""
    anything_in(supply.b, R0)
    for taken in supply.nothing:
        supply.b.land(taken)


def leaked_object(b: Builder, dice: Dice) -> int | None:
    """An exit, which nearly every run takes, with a structure in hand."""
    if not _sources(b):
        return None
    b.call_helper("get_prandom_u32")
    over = b.branch(jump(o.JEQ, R0, RARE))
    held = _acquire(b, dice)
    assert held is not None
    b.emit(mov64(R0, 0))
    at = b.emit(leave())
    b.land(over)
    _meet(held[0])
    return at


def released_twice(b: Builder, dice: Dice) -> int | None:
    held = _acquire(b, dice)
    if held is None:
        return None
    supply, source, place = held
    release(b, b.state.held[-1])
    fetch(b, R1, place)
    at = b.call_kfunc(STRUCT_RELEASERS[source.gives])
    _meet(supply)
    return at


def used_after_release(b: Builder, dice: Dice) -> int | None:
    """Given to a function that only looks at it."""
    held = _acquire(b, dice)
    if held is None:
        return None
    supply, source, place = held
    readers = [
        function
        for function in offered(b, b.may_sleep)
        if function.args
        and function.args[0].kind is A.OBJECT
        and is_a(source.gives, function.args[0].struct)
        and all(arg.kind is A.NUMBER for arg in function.args[1:])
        and not (function.gives or function.releases)
    ]
    if not readers:
        return None
    reader = dice.of(readers)
    release(b, b.state.held[-1])
    for number in range(2, len(reader.args) + 1):
        b.emit(mov64(REGISTERS[number], 0))
    fetch(b, R1, place)
    at = b.call_kfunc(reader.name)
    _meet(supply)
    return at


def other_structure(b: Builder, dice: Dice) -> int | None:
    """Released as what it is not."""
    held = _acquire(b, dice)
    if held is None:
        return None
    supply, source, place = held
    releasers = [
        function.name
        for function in offered(b, b.may_sleep)
        if function.releases and is_a(source.gives, function.args[0].struct) is False
    ]
    if not releasers:
        return None
    fetch(b, R1, place)
    at = b.call_kfunc(dice.of(releasers))
    _meet(supply)
    return at


def moved_object(b: Builder, dice: Dice) -> int | None:
    """Released by a pointer into it."""
    held = _acquire(b, dice)
    if held is None:
        return None
    supply, source, place = held
    fetch(b, R1, place)
    b.emit(add64(R1, dice.of((8, 1, -8))))
    at = b.call_kfunc(STRUCT_RELEASERS[source.gives])
    if b.state.held != supply.before:
        release(b, b.state.held[-1])
    _meet(supply)
    return at


def unchecked_object(b: Builder, dice: Dice) -> int | None:
    """Released without a comparison with null."""
    sources = [each for each in _sources(b) if each.nullable and not each.args]
    sources += [each for each in _sources(b) if each.nullable and [a.kind for a in each.args] == [A.NUMBER]]
    if not sources:
        return None
    source = dice.of(sources)
    b.emit(mov64(R1, dice.pick(3)))
    b.call_kfunc(source.name)
    b.emit(mov64(R1, R0))
    at = b.call_kfunc(STRUCT_RELEASERS[source.gives])
    anything_in(b, R0)
    return at


def sleeping_function(b: Builder, dice: Dice) -> int | None:
    """One that may sleep, in a program that may not."""
    if b.may_sleep or not b.privileged or not MAY_CALL.holds(b):
        return None
    return _call(b, dice, [f for f in offered(b, True) if f.sleeps])


def without_licence(b: Builder, dice: Dice) -> int | None:
    """By a program that is not under the GPL."""
    if not b.privileged or not MAY_CALL.holds(b):
        return None
    return _call(b, dice, plain(b))


def without_privilege(b: Builder, dice: Dice) -> int | None:
    if b.privileged or not MAY_CALL.holds(b):
        return None
    return _call(b, dice, [f for f in plain(b) if not f.gives])


def _call(b: Builder, dice: Dice, options: list[KernelFunction]) -> int | None:
    """The slot of the call of one of these."""
    if not options:
        return None
    supply = KernelSupply(b, dice, stays=False)
    supply.call_function(dice.of(options))
    at = b.kfuncs[-1][0]
    supply.finish()
    return at
