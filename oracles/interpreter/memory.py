"""Values and the memory they point into.

A value is a 64-bit number, a pointer into a region, or nothing yet.  A region is a run of bytes with its own
bounds; a pointer never leaves the region it came from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ebpf import rules
from ebpf.byte_order import ByteOrderWord
from ebpf.maps import MapField
from ebpf.rules import Rule
from ebpf.wording import in_bytes
from oracles.interpreter.arithmetic import U64
from oracles.interpreter.signals import Trap


class Undefined:
    """The content of a register that was never written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


class PlacedObject:
    """What the kernel keeps on a stack, until it is overwritten."""

    __slots__ = ("name", "size")

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.size = size


class Region:
    """A run of ``len(data)`` bytes at the fake address ``base``.

    ``bounds`` is the rule that an access outside breaks.  Eight bytes that hold a pointer keep it in
    ``pointers`` (by offset); ``data`` then holds its address.  ``remains`` are the bytes of addresses that
    were partly overwritten.  ``written`` has one byte per byte of data, 1 once it was written, or is None
    when all are defined.  ``special`` are the fields of a map value that only their own helpers may touch.
    ``kept``, by offset, are the kernel pointers among them, once they are known; None is null.  ``linked``,
    by offset, are the objects in the lists and trees among them that a run put there.
    ``objects``, by offset, are what the kernel keeps in a stack.  ``gone`` is the rule that any access breaks
    once the region is no longer the program's.
    """

    __slots__ = (
        "base",
        "bounds",
        "data",
        "gone",
        "kept",
        "linked",
        "name",
        "objects",
        "pointers",
        "readable",
        "remains",
        "special",
        "version",
        "writable",
        "written",
    )

    def __init__(
        self,
        name: str,
        data: bytearray,
        base: int,
        bounds: Rule,
        *,
        writable: bool = True,
        defined: bool = True,
    ) -> None:
        self.name = name
        self.data = data
        self.base = base
        self.bounds = bounds
        self.writable = writable
        self.pointers: dict[int, Pointer] = {}
        self.remains: set[int] = set()
        self.written: bytearray | None = None if defined else bytearray(len(data))
        self.version = 0
        self.readable = True
        self.special: tuple[MapField, ...] = ()
        self.kept: dict[int, Pointer | None] = {}
        self.linked: dict[int, list[Region]] = {}
        self.gone: Rule | None = None
        self.objects: dict[int, PlacedObject] = {}

    def place(self, offset: int, kept: PlacedObject, data: bytes) -> None:
        """Put what the kernel keeps there, whose bytes are ``data``; what it overlaps is gone."""
        self.store(offset, data)
        self.objects[offset] = kept

    def take(self, offset: int) -> None:
        """What the kernel kept there is no more, and nothing is defined in its place."""
        size = self.objects.pop(offset).size
        self.store(offset, bytes(size))
        if self.written is not None:
            self.written[offset : offset + size] = bytes(size)

    def check_objects(self, offset: int, size: int) -> None:
        """Trap where a read of those bytes shows what the kernel keeps there."""
        for at, kept in self.objects.items():
            if at < offset + size and offset < at + kept.size:
                raise Trap(rules.STACK_OBJECT, f"{in_bytes(size)} of a {kept.name} are read")

    def check_special(self, offset: int, size: int) -> None:
        """Trap where those bytes overlap a special field."""
        for field in self.special:
            if field.offset < offset + size and offset < field.offset + field.kind.size:
                raise Trap(
                    rules.SPECIAL_FIELD,
                    f"{in_bytes(size)} at {self.name}{offset:+d}, where a {field.kind.value} is",
                )

    def holds(self, offset: int, size: int) -> bool:
        """Whether ``size`` bytes from ``offset`` lie inside."""
        return 0 <= offset <= len(self.data) - size

    def defined(self, offset: int, size: int) -> bool:
        """Whether those bytes were all written."""
        return self.written is None or 0 not in self.written[offset : offset + size]

    def store(self, offset: int, data: bytes) -> None:
        """Overwrite bytes; pointers they overlap are pointers no more."""
        end = offset + len(data)
        if self.objects:
            for at in [at for at, kept in self.objects.items() if at < end and offset < at + kept.size]:
                del self.objects[at]
        self.data[offset:end] = data
        if self.written is not None:
            self.written[offset:end] = b"\1" * len(data)
        if self.pointers:
            for at in [at for at in self.pointers if at < end and offset < at + 8]:
                del self.pointers[at]
                self.remains.update(range(at, at + 8))
        if self.remains:
            self.remains.difference_update(range(offset, end))
        self.version += 1

    def shows_address(self, offset: int, size: int) -> bool:
        """Whether those bytes, read as a number, show a part of an address."""
        return any(
            at < offset + size and offset < at + 8 for at in self.pointers
        ) or not self.remains.isdisjoint(range(offset, offset + size))

    def store_pointer(self, offset: int, pointer: Pointer, word: ByteOrderWord) -> None:
        """Store eight bytes, in that order, that remain a pointer."""
        self.store(offset, pointer.address.to_bytes(8, word))
        self.pointers[offset] = pointer


@dataclass(frozen=True, slots=True)
class Pointer:
    """``offset`` bytes (any signed number) from the start of ``region``."""

    region: Region
    offset: int

    @property
    def address(self) -> int:
        """The fake 64-bit address: what the pointer is when treated as a number."""
        return (self.region.base + self.offset) & U64

    def __repr__(self) -> str:
        return f"{self.region.name}{self.offset:+d}"


Value = int | Pointer | Undefined


@dataclass(frozen=True, slots=True)
class Stack:
    """A frame's stack at one moment: byte ``i`` is at R10 - 512 + i."""

    data: bytes
    written: bytes
    pointers: dict[int, Pointer]
    version: int
