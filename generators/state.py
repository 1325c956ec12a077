"""What is known of a program while it is being generated: the type of every register and stack slot on all
paths to here.

Ranges are unsigned intervals, narrowed only by what every kernel is known to follow (masks, comparisons with
constants, shifts, small loads): a generated access must be provable by the kernel's own means.

A state is changed by :mod:`generators.transfer` only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeVar

from ebpf.isa.build import REGISTERS, Register
from generators.resources import FrameOwner, Resource

U64 = (1 << 64) - 1
K = TypeVar("K")
GENERAL = REGISTERS[:10]
"""All but the frame pointer."""


@dataclass(frozen=True, slots=True)
class Number:
    """A scalar between ``low`` and ``high``, unsigned."""

    low: int = 0
    high: int = U64


class PointerKind(Enum):
    """What a pointer points into."""

    CONTEXT = "ctx"
    STACK = "fp"
    MAP = "map"
    MAP_VALUE = "map_value"
    PACKET = "pkt"
    PACKET_END = "pkt_end"
    MEMORY = "mem"
    SOCKET = "sock"
    SOCK_COMMON = "sock_common"
    TCP_SOCK = "tcp_sock"
    XDP_SOCK = "xdp_sock"
    STRUCTURE = "ptr_"
    OBJECT = "obj"
    FUNCTION = "func"
    ARENA = "arena"
    JUMP_TABLE = "jump table"
    INSTRUCTION = "insn"


@dataclass(frozen=True, slots=True)
class KnownPointer:
    """A pointer, and what may be done with it."""

    kind: PointerKind
    size: int = 0
    """Bytes that may be accessed from the pointer on; 0 for those that are not memory of the program."""
    nullable: bool = False
    """Until compared with 0."""
    offset: int = 0
    """From R10, or from where the packet pointers with the same ``id`` start."""
    id: int = 0
    """Nullable pointers, and packet pointers, with one id are proven together."""
    reference: int = 0
    """The resource that it stands for; 0 for none."""
    map: int = -1
    """The index of the map; -1 where it is not one map.  Of a map that was found in a map of maps, -2 minus
    the index of the outer one."""
    trusted: bool = True
    """Whether helpers take it as a pointer to a live kernel object."""
    struct: str = ""
    """Which of the kernel's structures it points to."""


Content = Number | KnownPointer
ANY = Number()
CONTEXT = KnownPointer(PointerKind.CONTEXT)


@dataclass(slots=True)
class GenerationState:
    """What holds at one point."""

    registers: dict[Register, Content] = field(default_factory=dict)
    """What R0 to R9 hold; a missing one must not be read."""
    slots: dict[int, Content] = field(default_factory=dict)
    """By offset from R10 (-8, -16, ...), eight bytes each, whole slots only."""
    pinned: frozenset[Register] = frozenset()
    """Registers that are not overwritten."""
    held: tuple[Resource, ...] = ()
    """Oldest first."""
    frame: FrameOwner = FrameOwner.MAIN
    reachable: bool = True
    """False behind an exit or a jump."""

    def copy(self) -> GenerationState:
        """An independent copy."""
        return GenerationState(
            dict(self.registers), dict(self.slots), self.pinned, self.held, self.frame, self.reachable
        )

    def numbers(self) -> list[Register]:
        """Registers that hold scalars, ascending."""
        numbers = [r for r, content in self.registers.items() if type(content) is Number]
        numbers.sort()
        return numbers

    def targets(self) -> list[Register]:
        """Registers that hold scalars and may be overwritten, ascending."""
        numbers = self.numbers()
        return [r for r in numbers if r not in self.pinned] if self.pinned else numbers

    def free(self) -> list[Register]:
        """Registers that may be overwritten, ascending: scalars and unused ones, never pinned."""
        get, pinned = self.registers.get, self.pinned
        return [r for r in GENERAL if r not in pinned and type(get(r, ANY)) is Number]

    def pointers(self, kind: PointerKind) -> list[Register]:
        """Registers that hold a non-null pointer of ``kind``, ascending."""
        return sorted([
            r
            for r, c in self.registers.items()
            if type(c) is KnownPointer and c.kind is kind and not c.nullable
        ])  # fmt: skip

    def may_lose(self, register: Register) -> bool:
        """Whether its content may be overwritten: it is not pinned, and stands for nothing that is held."""
        content = self.registers.get(register, ANY)
        return register not in self.pinned and not (isinstance(content, KnownPointer) and content.reference)

    def number(self, register: Register) -> Number:
        """What a register that holds a scalar is known to hold."""
        content = self.registers[register]
        assert isinstance(content, Number)
        return content

    def pointer(self, register: Register) -> KnownPointer:
        """What a register that holds a pointer is known to hold."""
        content = self.registers[register]
        assert isinstance(content, KnownPointer)
        return content


def entry_state() -> GenerationState:
    """What holds before a program's first instruction."""
    return GenerationState({Register.R1: CONTEXT})


def join(one: GenerationState, other: GenerationState) -> GenerationState:
    """What holds on both of two paths that meet."""
    if not one.reachable or not other.reachable:
        return (other if other.reachable else one).copy()
    assert one.held == other.held, "paths that meet hold the same"
    return GenerationState(
        _join(one.registers, other.registers), _join(one.slots, other.slots), one.pinned, one.held, one.frame
    )


def _join(one: dict[K, Content], other: dict[K, Content]) -> dict[K, Content]:
    joined: dict[K, Content] = {}
    for key in one.keys() & other.keys():
        content = _joined(one[key], other[key])
        if content is not None:
            joined[key] = content
    return joined


def _joined(a: Content, b: Content) -> Content | None:
    if a is b or a == b:
        return a
    if isinstance(a, Number) and isinstance(b, Number):
        return Number(min(a.low, b.low), max(a.high, b.high))
    if isinstance(a, KnownPointer) and isinstance(b, KnownPointer):
        both = replace(b, size=min(a.size, b.size), map=a.map if a.map == b.map else -1)
        if replace(a, size=both.size, map=both.map) == both:
            return both
    return None
