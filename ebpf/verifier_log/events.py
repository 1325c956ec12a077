"""What a log consists of, in order: one event per line, or per block of lines that belong together.

States are kept as text (``state``): :meth:`Log.read` turns one into claims when somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class SubprogramLine:
    """``func#1 @10``: subprogram 1 starts at instruction 10."""

    number: int
    insn: int


@dataclass(frozen=True, slots=True)
class StaticDump:
    """What 7.3 prints of its static analysis before the walk."""

    lines: int


@dataclass(frozen=True, slots=True)
class LoggedSource:
    """A line of the program's source, from its BTF."""

    text: str


@dataclass(frozen=True, slots=True)
class Visit:
    """The verifier is at ``insn``.  ``state``: what it printed on the same line afterwards, None when it
    printed none."""

    insn: int
    text: str
    state: str | None


@dataclass(frozen=True, slots=True)
class StateLine:
    """A state on a line of its own.  It belongs to whatever is visited next, whatever its number says."""

    insn: int
    state: str


@dataclass(frozen=True, slots=True)
class Branch:
    """``from A to B: STATE``: a postponed branch is taken up, or, after a :class:`CallReturn`, the walk goes
    on in the caller."""

    source: int
    target: int
    state: str
    speculative: bool


@dataclass(frozen=True, slots=True)
class PruneLine:
    """``from A to B: safe`` or ``B: safe`` (source None): a state already explored covers this one."""

    source: int | None
    target: int
    speculative: bool


@dataclass(frozen=True, slots=True)
class CallEnter:
    """A call into a subprogram or callback: the caller's state after it, and the callee's at its start."""

    caller: str
    callee: str


@dataclass(frozen=True, slots=True)
class CallReturn:
    """Back to instruction ``target`` of the caller."""

    callee: str
    target: int
    caller: str


@dataclass(frozen=True, slots=True)
class PrecisionLine:
    """One line of a precision walk."""

    text: str


@dataclass(frozen=True, slots=True)
class Note:
    """A remark on the walk that neither moves it nor ends it (``SCC enter (1)``, ``old state: ...``)."""

    text: str


@dataclass(frozen=True, slots=True)
class GlobalFunction:
    """About a global subprogram, verified apart: ``assumed`` at a call, ``validating`` when its walk starts,
    ``safe`` after it."""

    what: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """The kernel's own word that its verifier is wrong: ``verifier bug``, ``REG INVARIANTS VIOLATION``."""

    text: str


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """A line of a refusal."""

    text: str


@dataclass(frozen=True, slots=True)
class FailureReport:
    """7.3's ``Verification failed: CATEGORY: PROBLEM`` block.  ``sections`` are (title, text)."""

    category: str
    problem: str
    sections: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Subprogram:
    """7.3: instructions processed in one subprogram, without and with its callees, and its stack in bytes."""

    number: int
    name: str
    kind: str
    insns_self: int
    insns_total: int
    stack: int


@dataclass(frozen=True, slots=True)
class Stats:
    """The end of a log.  ``stack_depth`` in bytes per subprogram (7.3: the maximum only); ``microseconds`` of
    verification."""

    processed: int
    limit: int
    max_states_per_insn: int
    total_states: int
    peak_states: int
    mark_read: int
    microseconds: int | None = None
    stack_depth: tuple[int, ...] = ()
    subprograms: tuple[Subprogram, ...] = ()


@dataclass(frozen=True, slots=True)
class Cut:
    """Something of the log is missing here; what is left of the lines around it, if anything."""

    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line the parser does not know.  ``line`` counts from 1."""

    line: int
    text: str


Event: TypeAlias = (
    SubprogramLine
    | StaticDump
    | LoggedSource
    | Visit
    | StateLine
    | Branch
    | PruneLine
    | CallEnter
    | CallReturn
    | PrecisionLine
    | Note
    | GlobalFunction
    | Alarm
    | RefusalLine
    | FailureReport
    | Stats
    | Cut
    | Unknown
)
