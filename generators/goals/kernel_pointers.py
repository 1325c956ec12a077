"""Kernel pointers in map values: a structure is put there, taken out, or looked at where it is."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.build import R0, R1, R2, REGISTERS, Register, add64, load, mov64
from ebpf.kfuncs import KEPT_IN_MAPS, TAKE_PROTECTED, KernelFunction, is_a
from ebpf.kfuncs import KernelArgKind as A
from ebpf.maps import MapFieldKind
from generators import conditions as needs
from generators.builder import Builder
from generators.dice import Dice
from generators.goals.chain import Place
from generators.goals.kernel_functions import KernelSupply, givers, offered
from generators.goals.map_templates import KERNEL_POINTER_AT, add_map, holding
from generators.productions.table import Production
from generators.releasing import STRUCT_RELEASERS, fetch
from generators.resources import ResourceKind
from generators.steps import anything_in, constant_key, map_and_key


def structures(b: Builder) -> list[str]:
    """The structures that the program can get, give back, and so keep in a map's value."""
    if not b.has_helper("kptr_xchg"):
        return []
    names = {function.name for function in offered(b, b.may_sleep)}
    return [
        struct
        for struct in sorted(KEPT_IN_MAPS)
        if STRUCT_RELEASERS[struct] in names and givers(struct, True, b.type, b.profile.linux, b.may_sleep)
    ]


class ValueSupply(KernelSupply):
    """A goal with a map's value that holds a kernel pointer."""

    __slots__ = ("struct", "value")
    struct: str
    value: Place

    def find_value(self, struct: str, kind: MapFieldKind = MapFieldKind.KPTR) -> None:
        """Look one up; where there is none the goal ends."""
        b = self.b
        constant_key(b, self.dice.pick(2))
        map_and_key(b, add_map(b, self.dice.of(holding(struct, kind))))
        b.call_helper("map_lookup_elem")
        self.check_null()
        self.struct = struct
        self.value = self.keep()

    def point(self, register: Register, offset: int = KERNEL_POINTER_AT) -> None:
        """Let the register point to the kernel pointer in the value, or elsewhere."""
        fetch(self.b, register, self.value)
        self.b.emit(add64(register, offset))

    def exchange(self, given: Place | None) -> int:
        """Put what lies there, or null, into the value; R0 is what was there, or null.  The call's slot."""
        b = self.b
        if given is None:
            b.emit(mov64(R2, 0))
        else:
            fetch(b, R2, given)
        self.point(R1)
        return b.call_helper("kptr_xchg")

    def look(self) -> None:
        """R0 is what the value holds, which may be null, and is not held."""
        fetch(self.b, R1, self.value)
        self.b.emit(load(o.DW, R0, R1, KERNEL_POINTER_AT))
        self.b.drop(R1)

    def finish(self) -> None:
        """The value is not used any more."""
        if isinstance(self.value, Register):
            self.b.drop(self.value)
        else:
            self.b.drop_slot(self.value)
        super().finish()


def readers(b: Builder, struct: str) -> list[KernelFunction]:
    """What takes such a structure, though only RCU keeps it, and numbers, and gives a number."""
    return [
        function
        for function in offered(b, b.may_sleep)
        if function.args
        and function.args[0].kind is A.OBJECT
        and is_a(struct, function.args[0].struct)
        and all(arg.kind is A.NUMBER for arg in function.args[1:])
        and function.name in TAKE_PROTECTED
        and not function.gives
    ]


def call_reader(b: Builder, dice: Dice, function: KernelFunction) -> int:
    """Call it with the structure that R0 points to and return the slot; R0 is a number."""
    b.emit(mov64(R1, R0))
    for at in range(2, len(function.args) + 1):
        b.emit(mov64(REGISTERS[at], dice.pick(3)))
    at = b.call_kfunc(function.name)
    anything_in(b, R0)
    return at


def acquirers(b: Builder, struct: str) -> list[KernelFunction]:
    """What holds such a structure that only RCU keeps."""
    return [
        function
        for function in offered(b, b.may_sleep)
        if function.name in TAKE_PROTECTED
        and function.acquires
        and function.gives == struct
        and [arg.struct for arg in function.args] == [struct]
    ]


def _exchange(supply: ValueSupply, struct: str) -> None:
    """Put one there, or null, and take what was there."""
    given = supply.have(struct, referenced=True) if supply.dice.pick(4) else None
    supply.exchange(given)
    supply.check_null()
    supply.keep()


def _look(supply: ValueSupply, struct: str) -> None:
    """Look at what is there, and ask something of it, or hold it."""
    b, dice = supply.b, supply.dice
    supply.look()
    supply.check_null()
    holds, reads = acquirers(b, struct), readers(b, struct)
    if holds and (not reads or dice.pick(2)):
        b.emit(mov64(R1, R0))
        b.call_kfunc(dice.of(holds).name)
        supply.check_null()
        supply.keep()
    elif reads:
        call_reader(b, dice, dice.of(reads))
    else:
        anything_in(b, R0)


def protects(b: Builder) -> bool:
    """Whether this is inside an RCU read-side critical section."""
    return not b.sleepable or any(resource.kind is ResourceKind.RCU for resource in b.state.held)


def _keep_structure(b: Builder, dice: Dice) -> bool:
    possible = structures(b) if b.gpl else []
    if not possible:
        return False
    with b.attempt() as attempt:
        supply = ValueSupply(b, dice, stays=False)
        struct = dice.of(possible)
        supply.find_value(struct)
        (_look if protects(b) and dice.pick(3) == 2 else _exchange)(supply, struct)
        supply.finish()
        attempt.keep()
    return attempt.kept


_NEEDS = (needs.HAS_GOALS, needs.MAY_CALL, needs.OUTSIDE_LOOPS)
PRODUCTIONS = (Production("kernel-pointer", 5, _keep_structure, _NEEDS),)
