"""What a run gives: it returned, it trapped, or the interpreter abstains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ebpf.rules import Rule
from oracles.interpreter.memory import Stack, Value

MapContents = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """The program exited.

    ``r0`` is 64 bits unsigned.  ``maps`` holds, per map in the program's order, its (key, value) pairs sorted
    by key, or None when the interpreter does not follow that type's contents.  ``predictable`` is False when
    something above depends on a value that no second run can be held to: an address, time, a random number,
    an uninitialised stack byte.
    """

    r0: int
    maps: tuple[MapContents | None, ...]
    packet: bytes
    predictable: bool = True


@dataclass(frozen=True, slots=True)
class Trapped:
    """The instruction at slot ``at`` broke ``rule``; ``detail`` says with which values."""

    at: int
    rule: Rule
    detail: str
    predictable: bool = True


@dataclass(frozen=True, slots=True)
class Abstained:
    """No answer: ``reason`` names the feature not modelled, or the step limit, at slot ``at``."""

    at: int
    reason: str
    predictable: bool = True


Outcome = Returned | Trapped | Abstained


class Step(NamedTuple):
    """One executed instruction: the frame it ran in (0: main), its slot, and all registers and the frame's
    stack after it.

    ``registers`` and ``stack`` are those of the frame that is current *after* the instruction, ``depth``
    deep.
    """

    frame: int
    at: int
    depth: int
    registers: tuple[Value, ...]
    stack: Stack
