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

from typing import Final, TypeGuard

from ebpf import rules
from oracles.interpreter.memory import Pointer, Region, Value
from oracles.interpreter.signals import Abstain

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


def load(arena: ArenaRegion, offset: int, size: int) -> int:
    """A load: zero where this run wrote nothing."""
    if arena.touched and not arena.touched.isdisjoint(range(offset, offset + size)):
        raise Abstain("arena bytes written before: they are kept only where the page is allocated")
    return 0


def store(arena: ArenaRegion, offset: int, size: int) -> None:
    """A store: noted, so that nothing is claimed of these bytes any more."""
    arena.touched.update(range(offset, offset + size))
