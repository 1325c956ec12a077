"""Arena memory (Linux 6.9, kernel/bpf/arena.c): up to 4 GiB shared with user space, named by 32-bit numbers.

A pointer to user space becomes one the program may dereference by ``addr_space_cast(x, 0, 1)``, which keeps
its low 32 bits: that *is* the register's value then, and all arithmetic on it is done in 32 bits
(kernel/bpf/verifier.c, adjust_reg_min_max_vals).  Back again, the high half of the arena's user address is
put in front, except that 0 stays 0 (arch/x86/net/bpf_jit_comp.c).

Accesses never fault.  A page that nobody allocated reads as zero and drops what is written; whether user
space has touched a page is not known here, so a load of bytes that this run wrote is abstained from, as are
atomic operations, whose result registers a fault leaves to each JIT.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeGuard

from ebpf import rules
from ebpf.maps import MapType
from oracles.interpreter.memory import Region
from oracles.interpreter.signals import Abstain
from oracles.interpreter.values import Pointer, Value

if TYPE_CHECKING:
    from oracles.interpreter.machine import Machine

U32: Final = (1 << 32) - 1
TO_KERNEL: Final = 1
"""``imm`` of a cast from address space 1 to 0."""


class ArenaRegion(Region):
    """The arena.  ``base`` is 0: an offset is the register's value.  ``user`` is its address in user
    space."""

    __slots__ = ("touched", "user")

    def __init__(self, user: int) -> None:
        super().__init__("arena", bytearray(), 0, rules.MEMORY_BOUNDS)
        self.user = user
        self.touched: set[int] = set()


def is_arena(value: Value) -> TypeGuard[Pointer]:
    """Whether ``value`` is a pointer into an arena that the program may dereference."""
    return isinstance(value, Pointer) and isinstance(value.region, ArenaRegion)


def find(m: Machine) -> ArenaRegion:
    """The program's arena, of which it may have one; a program without one has no use for its casts."""
    for chosen in m.maps:
        if chosen.spec.type is MapType.ARENA:
            if chosen.arena is None:
                chosen.arena = ArenaRegion(m.environment.user_address())
            return chosen.arena
    m.trap(rules.ARENA_MISSING, "no map of the program is an arena")


def user_pointer(m: Machine, offset: int) -> int:
    """The user-space address of the arena's byte ``offset``: only its creator knows it."""
    m.environment.used = True
    return find(m).user + (offset & U32)


def cast(m: Machine, value: Value, imm: int) -> Value:
    """The value after ``addr_space_cast``."""
    arena = find(m)
    low = m.number(value) & U32
    if imm == TO_KERNEL:
        return Pointer(arena, low)
    m.environment.used = True
    return arena.user & ~U32 | low if low else 0


def load(arena: ArenaRegion, offset: int, size: int) -> int:
    """A load: zero where this run wrote nothing."""
    if arena.touched and not arena.touched.isdisjoint(range(offset, offset + size)):
        raise Abstain("arena bytes written before: they are kept only where the page is allocated")
    return 0


def store(arena: ArenaRegion, offset: int, size: int) -> None:
    """A store: noted, so that nothing is claimed of these bytes any more."""
    arena.touched.update(range(offset, offset + size))
