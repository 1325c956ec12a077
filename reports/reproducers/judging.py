"""How a reproducer judges: by what a right kernel does (:mod:`reports.records.right`), a row for each way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ebpf import casefile
from ebpf.program import NO_FLAGS, Case, Input, LoadFlag
from reports.records import Accepts, Finding, Holds, Refuses, Returns, Right, StaysQuiet, Untellable


@dataclass(frozen=True, slots=True)
class Engine:
    """Who runs an accepted program: ``net.core.bpf_jit_enable`` and ``bpf_jit_harden``, and load flags."""

    name: str
    jit: int
    harden: int = 0
    flags: LoadFlag = NO_FLAGS


ENGINES = (
    Engine("JIT", 1),
    Engine("kernel interpreter", 0),
    Engine("hardened JIT", 1, 2, LoadFlag.TEST_RND_HI32),
)


@dataclass(frozen=True, slots=True)
class Judging:
    """What the program that judges is made of."""

    template: str
    runs: bool
    """Whether it runs what it loaded."""
    reads_maps: bool
    expected: str
    """A sentence."""
    engines: tuple[Engine, ...] = ()
    note: str = ""
    """Above the instructions, where they are not the finding's."""


def right_of(finding: Finding) -> Right:
    """What a right kernel does; of a record made before that was kept, as far as its other fields tell."""
    if finding.right is not None:
        return finding.right
    if finding.should_accept is False:
        return Refuses()
    if finding.expected_return is not None:
        return Returns(finding.expected_return)
    return Untellable("the record does not say what a right kernel does")


def subject(right: Right, case: Case, witness: int | None) -> tuple[Case, Input]:
    """The case whose program is loaded, and the input it is run on."""
    own: dict[str, Any] | None = getattr(right, "case", None)
    if own is not None:
        case, witness = casefile.from_plain(own), 0
    number = witness if witness is not None and witness < len(case.inputs) else 0
    return case, case.inputs[number] if case.inputs else Input()


def judging(right: Right) -> Judging:
    """The row of what a right kernel does."""
    return _ROWS[type(right)](right)


def _refuses(right: Refuses) -> Judging:
    note = "" if right.case is None else "Not the finding's program, but one made of it that must be refused."
    return Judging("judge/refuses.c.j2", False, False, "A right kernel refuses the program.", note=note)


def _accepts(right: Accepts) -> Judging:
    note = "" if right.case is None else "Not the finding's program, but one that does the same."
    return Judging("judge/accepts.c.j2", False, False, "A right kernel accepts the program.", note=note)


def _returns(right: Returns) -> Judging:
    engines = tuple(each for each in ENGINES if each.name in right.engines) or ENGINES
    expected = f"A right kernel returns 0x{right.value:x} from it, and leaves what is below."
    note = "" if right.case is None else "Not the finding's program, but one that does the same."
    return Judging("judge/returns.c.j2", True, bool(right.entries), expected, engines, note)


def _holds(right: Holds) -> Judging:
    return Judging(
        "judge/holds.c.j2",
        True,
        True,
        "A right kernel claims nothing that a run contradicts."
        if right.claimed is not None
        else "A right kernel goes where a jump leads.",
        note="The way of the run through the finding's program, straight, and the store of what it holds.",
    )


def _quiet(right: StaysQuiet) -> Judging:
    return Judging("judge/quiet.c.j2", True, False, "A right kernel says nothing of itself.")


def _untellable(right: Untellable) -> Judging:
    expected = f"No program tells a right kernel from a wrong one: {right.reason}."
    return Judging("judge/untellable.c.j2", False, False, expected)


_ROWS: dict[type[Right], Callable[[Any], Judging]] = {
    Refuses: _refuses,
    Accepts: _accepts,
    Returns: _returns,
    Holds: _holds,
    StaysQuiet: _quiet,
    Untellable: _untellable,
}
