"""A program that is no finding, asked about as if it were: what shows is a verdict."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.machines import Machines
from conformance.observing.siblings import Siblings
from conformance.replaying.replayed import ReplayState
from ebpf.program import Case


@dataclass(frozen=True, slots=True)
class RuledCase:
    """A kernel's verdict on a case."""

    state: ReplayState
    verdict: str
    message: str


def rule(case: Case, kernel: str, wanted: KernelVerdict) -> RuledCase:
    """Ask a kernel, by name: the verdict ``wanted`` is still there, the other one is gone; one that does not
    run, or has not what the program needs, cannot tell."""
    with closing(Machines()) as machines:
        rulings = Siblings((kernel,), machines).ask(case, logged=True)
    if not rulings:
        return RuledCase(ReplayState.CANNOT_TELL, "none", machines.failures.get(kernel, ""))
    ruling = rulings[0].ruling
    message = ruling.message or ruling.reason
    if ruling.verdict not in (KernelVerdict.ACCEPT, KernelVerdict.REJECT):
        return RuledCase(ReplayState.CANNOT_TELL, ruling.verdict.value, message)
    state = ReplayState.STILL if ruling.verdict is wanted else ReplayState.GONE
    return RuledCase(state, ruling.verdict.value, message)
