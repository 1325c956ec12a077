"""What a path took from the world, in order: a witness has to bring it about again."""

from __future__ import annotations

from dataclasses import dataclass

import z3

from oracles.reference.values import SymbolicRegion
from oracles.terms.term import Term


@dataclass(frozen=True, slots=True, eq=False)
class ContextRead:
    """``size`` bytes of the context at ``offset`` were ``value`` (64 bits)."""

    offset: int
    size: int
    value: Term


@dataclass(frozen=True, slots=True, eq=False)
class PacketRead:
    """A packet byte at ``offset`` was ``value`` (8 bits)."""

    offset: Term
    value: z3.BitVecRef


@dataclass(frozen=True, slots=True, eq=False)
class MapRead:
    """``size`` bytes at ``offset`` of a map's value were ``value`` (64 bits)."""

    region: SymbolicRegion
    offset: Term
    size: int
    value: Term


@dataclass(frozen=True, slots=True, eq=False)
class MapWritten:
    """The low ``size`` bytes of ``value`` were stored at ``offset`` of a map's value (None: something unknown
    was)."""

    region: SymbolicRegion
    offset: Term
    size: int
    value: Term | None


@dataclass(frozen=True, slots=True, eq=False)
class LookedUp:
    """Map number ``map`` was asked for ``key`` (little-endian, as wide as keys are; None where the key is
    unknown) and gave ``region``, or null."""

    map: int
    key: Term | None
    region: SymbolicRegion | None


@dataclass(frozen=True, slots=True, eq=False)
class Scripted:
    """A helper's result that nothing determines: a number, or for pointers 0 and 1."""

    value: Term


@dataclass(frozen=True, slots=True, eq=False)
class Chance:
    """Something no input can bring about: an address, a byte of stack never written."""

    what: str


Event = ContextRead | PacketRead | MapRead | MapWritten | LookedUp | Scripted | Chance


@dataclass(frozen=True, slots=True, eq=False)
class Happened:
    """A list of events that grows at its head and is shared between paths that were one."""

    event: Event
    earlier: Happened | None
