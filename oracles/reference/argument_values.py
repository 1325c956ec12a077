"""What the arguments of a call turned out to be."""

from __future__ import annotations

from dataclasses import dataclass, field

from ebpf import rules
from ebpf.helpers import Arg
from ebpf.maps import MapField
from oracles.reference.explorer import Explorer
from oracles.reference.state import SymbolicState
from oracles.reference.values import Null, SymbolicPointer, Value
from oracles.terms.term import Term


@dataclass(slots=True)
class Written:
    """Memory that the helper fills: ``size`` bytes at ``pointer``."""

    pointer: SymbolicPointer
    size: Term


@dataclass(slots=True)
class Arguments:
    """What the arguments turned out to be.  ``key``: the bytes of a map key, where they are known as a term.
    ``packet``: whether the helper takes the packet for memory."""

    packet: bool = False
    values: list[Value] = field(default_factory=list)
    map: int | None = None
    key: Term | None = None
    written: list[Written] = field(default_factory=list)
    lock: tuple[int, int] | None = None
    timer_of: int | None = None
    """The map in whose value a timer is."""
    function: int | None = None
    field: MapField | None = None
    """The special field of a map's value that an argument points to."""
    released: SymbolicPointer | Null | None = None
    size: int | None = None
    string: bytes | None = None
    """A constant string, without its zero."""


def wrong(x: Explorer, s: SymbolicState, register: int, arg: Arg) -> None:
    """The argument is of another kind than the prototype says."""
    x.violation(s, rules.HELPER_ARGUMENT, f"R{register} is not a {arg.kind.value}")
