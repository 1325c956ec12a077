"""Kernel functions, as goals: what they take is given by others."""

from __future__ import annotations

from functools import cache

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R10, REGISTERS, Register, load_map, mov64, store
from ebpf.kfuncs import KFUNCS, KernelFunction, is_a
from ebpf.kfuncs import KernelArgKind as A
from ebpf.program_types import ProgramType
from ebpf.releases import Since
from generators import conditions as needs
from generators.attempts import DoesNotFit
from generators.builder import Builder
from generators.constants import immediate
from generators.dice import Dice
from generators.goals.chain import Chain, Place
from generators.layout import INPUT_BASE, INPUT_BYTES
from generators.productions.table import Production
from generators.releasing import fetch
from generators.steps import anything_in, to_stack

BUDGET = 4
"""Calls in one chain."""
_MEANT = (0, 1, 2, 3)
"""Numbers that some process, group, processor, hierarchy, key or flag has."""


@cache
def callable_functions(
    program_type: ProgramType, release: tuple[int, int], may_sleep: bool
) -> tuple[KernelFunction, ...]:
    """What such a program may call, and all of whose arguments something gives."""
    version = ".".join(map(str, release))
    known = [
        function
        for function in KFUNCS.values()
        if function.object is None
        and not function.throws
        and not any(arg.kind is A.WORKQUEUE for arg in function.args)
        and function.hook.allows(program_type, version)
        and version in Since(function.since)
        and (may_sleep or not function.sleeps)
    ]
    reached: list[KernelFunction] = []
    while True:
        given = {function.gives for function in reached if function.gives and function.step is None}
        more = [f for f in known if f not in reached and _is_supplied(f, given)]
        if not more:
            return tuple(reached)
        reached += more


@cache
def allowed_names(program_type: ProgramType, release: tuple[int, int], may_sleep: bool) -> frozenset[str]:
    """Every kernel function that such a program may call, whatever it takes."""
    version = ".".join(map(str, release))
    return frozenset(
        function.name
        for function in KFUNCS.values()
        if function.hook.allows(program_type, version)
        and version in Since(function.since)
        and (may_sleep or not function.sleeps)
    )


def offered(b: Builder, may_sleep: bool) -> tuple[KernelFunction, ...]:
    """What the program may call."""
    if not b.profile.kernel_functions:
        return ()
    return callable_functions(b.type, b.profile.linux, may_sleep)


def plain(b: Builder) -> list[KernelFunction]:
    """What the program may call by itself: whatever begins and ends no section, and is not about
    what lies on the stack."""
    return [
        f
        for f in offered(b, b.may_sleep)
        if f.begins is None and f.ends is None and f.step is None and f.dynptr is None
    ]


def _is_supplied(function: KernelFunction, given: set[str]) -> bool:
    wanted = [arg.struct for arg in function.args if arg.kind is A.OBJECT]
    return all(any(is_a(struct, each) for struct in given) for each in wanted)


@cache
def givers(
    struct: str, referenced: bool, program_type: ProgramType, release: tuple[int, int], may_sleep: bool
) -> tuple[KernelFunction, ...]:
    """What gives such a structure; ``referenced``: one that must be released."""
    return tuple(
        function
        for function in callable_functions(program_type, release, may_sleep)
        if function.step is None
        and function.gives
        and is_a(function.gives, struct)
        and (function.acquires or not referenced)
    )


class KernelSupply(Chain):
    """A goal that kernel functions reach."""

    __slots__ = ()

    def call_function(self, function: KernelFunction, budget: int = BUDGET) -> Place | None:
        """Call it; where the structure is that it gave."""
        b = self.b
        if budget == 0:
            raise DoesNotFit
        places = {
            at: self._have(arg.struct, function.releases == at, budget)
            for at, arg in enumerate(function.args, 1)
            if arg.kind is A.OBJECT
        }
        self._pass_to_function(function, places)
        b.call_kfunc(function.name)
        if not function.gives:
            # What is above the bits of its type is nobody's.
            anything_in(b, R0)
            return None
        if function.nullable:
            self.check_null()
        return self.keep()

    def have(self, struct: str, *, referenced: bool = False) -> Place:
        """Where such a structure is; ``referenced``: one that must be released."""
        return self._have(struct, referenced, BUDGET)

    def _have(self, struct: str, referenced: bool, budget: int) -> Place:
        found = self.find(lambda p: bool(p.struct) and p.trusted and bool(is_a(p.struct, struct)), referenced)
        if found is not None:
            return found
        b = self.b
        options = givers(struct, referenced, b.type, b.profile.linux, b.may_sleep)
        if not options:
            raise DoesNotFit
        place = self.call_function(self.dice.of(options), budget - 1)
        if place is None:
            raise DoesNotFit
        return place

    def _pass_to_function(self, function: KernelFunction, places: dict[int, Place]) -> None:
        """Put what it takes into R1 to R5."""
        b, dice = self.b, self.dice
        kinds = {arg.kind for arg in function.args}
        if kinds & {A.MEMORY, A.BUFFER}:
            self.fill_input()
        size = 0
        for at, arg in enumerate(function.args, 1):
            register = REGISTERS[at]
            if at in places:
                fetch(b, register, places[at])
            elif arg.kind is A.BUFFER:
                size = self._buffer(register)
            elif arg.kind is A.SIZE:
                b.emit(mov64(register, size))
            elif arg.kind is A.MEMORY:
                to_stack(b, register, INPUT_BASE)
            elif arg.kind is A.MAP:
                b.emit_wide(load_map(register, dice.pick(len(b.maps))))
            elif arg.kind is A.IGNORED:
                self._anything(register)
            else:
                b.emit(mov64(register, dice.of(_MEANT) if dice.pick(4) else immediate(dice)))

    def _buffer(self, register: Register) -> int:
        """Memory on the stack: how much of it may be used."""
        to_stack(self.b, register, INPUT_BASE)
        return 8 * (1 + self.dice.pick(INPUT_BYTES // 8))

    def _anything(self, register: Register) -> None:
        """A pointer to a string on the stack, a number, or nothing at all."""
        b, form = self.b, self.dice.pick(3)
        if form == 0:
            b.emit(store(o.DW, R10, INPUT_BASE, 0x41424344))
            to_stack(b, register, INPUT_BASE)
        elif form == 1:
            b.emit(mov64(register, self.dice.pick(256)))


def _call_something(b: Builder, dice: Dice) -> bool:
    options = plain(b) if b.gpl else []
    return bool(options) and reach(b, dice, dice.of(options))


def reach(b: Builder, dice: Dice, function: KernelFunction) -> bool:
    """Call it, and before it what gives what it takes; False where that does not fit."""
    with b.attempt() as attempt:
        supply = KernelSupply(b, dice, stays=not b.open and len(b.state.held) < 2 and dice.pick(4) == 3)
        supply.call_function(function)
        supply.finish()
        attempt.keep()
    return attempt.kept


_NEEDS = (needs.HAS_GOALS, needs.MAY_CALL, needs.OUTSIDE_LOOPS)
PRODUCTIONS = (Production("kernel-function", 10, _call_something, _NEEDS),)
