"""What a right kernel does where a finding's kernel is wrong: as much as a program needs to tell the one from
the other.

One struct per way to tell; a reproducer has a template for each, named by its tag.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec


class Refuses(msgspec.Struct, frozen=True, omit_defaults=True, tag="refuses"):
    """It refuses the program, or, where ``case`` is given, that one; with ``message``, where that is
    known."""

    case: dict[str, Any] | None = None
    message: str = ""


class Accepts(msgspec.Struct, frozen=True, omit_defaults=True, tag="accepts"):
    """It accepts the program, or, where ``case`` is given, that one, which a wrong one refuses with
    ``message``."""

    message: str
    case: dict[str, Any] | None = None


class MapEntry(msgspec.Struct, frozen=True):
    """What map number ``map`` holds at ``key``; None: nothing."""

    map: int
    key: bytes
    value: bytes | None


class AloneReturns(msgspec.Struct, frozen=True):
    """A program that needs no input, and what it returns."""

    case: dict[str, Any]
    value: int


class Returns(msgspec.Struct, frozen=True, omit_defaults=True, tag="returns"):
    """A run on the witness leaves this, whatever runs it.

    ``engines`` are those that left something else (names of :data:`reports.reproducers.judging.ENGINES`;
    empty: not recorded).  ``entries`` and ``packet`` hold what differed.  ``packet`` is what follows the
    first ``link`` bytes, which a test run clears.  ``alone`` is the instruction to blame by itself, where one
    is: a program that needs no input.  ``case`` is another program that is run, where it is not the
    finding's.
    """

    value: int
    engines: tuple[str, ...] = ()
    entries: tuple[MapEntry, ...] = ()
    packet: bytes | None = None
    link: int = 0
    alone: AloneReturns | None = None
    case: dict[str, Any] | None = None


class StoredRegister(msgspec.Struct, frozen=True):
    """A register, and what the witness run holds in it."""

    register: int
    value: int


class Holds(msgspec.Struct, frozen=True, omit_defaults=True, tag="holds"):
    """It claims nothing that a run contradicts.

    ``case`` is another program: the way that the witness run takes through the finding's, up to the claim,
    with the stores of these registers, eight bytes each, to the last map, and of 1 behind them.  ``claimed``
    is the slot of the store whose register the kernel claims something about in its log; None where it is
    wrong by never going there.  ``refused`` is a third program, which tells without being run: the same
    way to an illegal read, made where the registers hold these values.
    """

    case: dict[str, Any]
    stored: tuple[StoredRegister, ...]
    claimed: int | None = None
    refused: Refuses | None = None


class StaysQuiet(msgspec.Struct, frozen=True, tag="quiet"):
    """It says nothing of itself, neither in the verifier's log nor in its own."""


class Untellable(msgspec.Struct, frozen=True, tag="untellable"):
    """No program can tell, for this reason."""

    reason: str


Right: TypeAlias = Refuses | Accepts | Returns | Holds | StaysQuiet | Untellable
