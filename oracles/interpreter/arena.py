"""Arena memory (Linux 6.9): 4 GiB that reads as zero until written; pointers into it are numbers until they are cast.

``addr_space_cast`` 1 to 0 makes a pointer the program may dereference, 0 to 1 the user-space address (Documentation/bpf,
kernel/bpf/arena.c). Accesses within the arena never fault: an unallocated page reads as zero and drops writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oracles.interpreter.signals import Abstain
from oracles.interpreter.values import Pointer, Value

if TYPE_CHECKING:
    from oracles.interpreter.machine import Machine

TO_KERNEL = 1
"""``imm`` of a cast from address space 1 to 0."""


def cast(m: Machine, value: Value, imm: int) -> Value:
    """The value after ``addr_space_cast``; abstains unless it is a number going one way and coming back."""
    if isinstance(value, int) and imm == TO_KERNEL:
        # The kernel keeps the low 32 bits as offset into the arena; a null stays null only by convention of the program.
        return Pointer(m.arena_region(), value & 0xFFFF_FFFF)
    if isinstance(value, Pointer) and value.region is m.arena_region() and imm != TO_KERNEL:
        raise Abstain("the user-space address of an arena page")
    raise Abstain("addr_space_cast of a pointer outside the arena")
