"""Memory that helpers read or fill: which they may, and what of it is defined."""

from __future__ import annotations

from typing import NamedTuple

from ebpf import rules
from ebpf.program_types import ProgramType
from ebpf.wording import in_bytes
from oracles.interpreter.accesses import locate
from oracles.interpreter.arena import ArenaRegion
from oracles.interpreter.context import ContextRegion
from oracles.interpreter.machine import Machine
from oracles.interpreter.maps import JumpTable, MapHandle
from oracles.interpreter.memory import Pointer, Region, Value
from oracles.interpreter.objects import KernelRegion, SocketRegion
from oracles.interpreter.signals import Abstain

_NOT_MEMORY = ContextRegion | ArenaRegion | JumpTable | MapHandle | SocketRegion | KernelRegion


class Span(NamedTuple):
    """``size`` bytes from ``at``."""

    region: Region
    at: int
    size: int

    def fill(self, data: bytes) -> None:
        """Put ``data`` at its start."""
        self.region.store(self.at, data)


def span(m: Machine, pointer: Value, size: int, what: str) -> Span:
    """``size`` bytes of memory that a helper may be given; traps where no prototype allows them."""
    if isinstance(pointer, Pointer) and pointer.region is m.context and m.program.type is ProgramType.SYSCALL:
        # As much of it as the program reaches is there (kernel/bpf/syscall.c, max_ctx_offset).
        if not m.context.holds(pointer.offset, size):
            raise Abstain(f"a context of more than {len(m.context.data)} bytes")
        return Span(m.context, pointer.offset, size)
    if (
        not isinstance(pointer, Pointer)
        or isinstance(pointer.region, _NOT_MEMORY)
        or pointer.region is m.code_region
    ):
        m.trap(rules.HELPER_ARGUMENT, f"{what} is not memory a helper may use")
    region, at = locate(m, pointer, 0, size)
    region.check_special(at, size)
    return Span(region, at, size)


def readable(m: Machine, pointer: Value, size: int, what: str) -> bytes:
    """``size`` bytes a helper reads."""
    region, at, _ = span(m, pointer, size, what)
    if not region.readable:
        m.trap(rules.WRITE_ONLY, f"{what}: {in_bytes(size)} read at {region.name}{at:+d}")
    region.check_objects(at, size)
    if region.shows_address(at, size):
        m.environment.used = True
    if not region.defined(at, size):
        if not m.privileged and region.bounds is rules.STACK_BOUNDS:
            m.trap(
                rules.UNINITIALISED_STACK,
                f"{what}: {in_bytes(size)} at {region.name}{at - len(region.data):+d}",
            )
        m.environment.drawn = True
    return bytes(region.data[at : at + size])


def room(m: Machine, pointer: Value, size: int, what: str) -> Span:
    """``size`` bytes a helper fills."""
    found = span(m, pointer, size, what)
    if not found.region.writable:
        m.trap(rules.READ_ONLY, f"{in_bytes(size)} written at {found.region.name}{found.at:+d}")
    return found
