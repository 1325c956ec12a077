"""Health: the kernel itself says that something is wrong, or takes what it must not take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from conformance.kernel.crash import crash_site
from conformance.kernel.jobs import LossReason, Lost
from conformance.kernel.verdicts import judge as judge_load
from conformance.observing.loss import Loss
from conformance.observing.object_observation import ObjectObservation
from conformance.observing.observation import Observation
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf.program_rules import COMPLEXITY_LIMIT
from ebpf.signature import Signature
from reports.records import Refuses, StaysQuiet

KIND = "health"

_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-f]{8,}\b|-?\d+")
_STAMP = re.compile(r"\s*\[ *\d+\.\d+\] *")
_SLOW = re.compile(r"INFO: (?:rcu|task)|soft lockup|workqueue lockup|clocksource")
"""What a kernel says on a host too busy to run it: symptoms of time, not of the program."""
_FRAME = re.compile(r"-+\[ (?:cut here|end trace)")


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per case."""
    found = False
    for judgement in warned(observation.answer.splats):
        found |= isinstance(judgement, Disagreement)
        yield judgement
    for alarm in observation.log.alarms if observation.log else ():
        found = True
        yield Disagreement(
            Signature(KIND, (_plain(alarm),)), f"the verifier calls itself wrong: {alarm}", right=StaysQuiet()
        )
    for loaded in observation.answer.attempts:
        if judge_load(loaded).alarm is not None and not found:
            found = True
            yield Disagreement(
                Signature(KIND, ("EFAULT",)),
                "BPF_PROG_LOAD failed with EFAULT, which no program may cause",
                right=StaysQuiet(),
            )
        if loaded.errno == 0 and (loaded.verified or 0) > COMPLEXITY_LIMIT:
            found = True
            yield Disagreement(
                Signature(KIND, ("complexity-limit",)),
                f"a program was accepted after {loaded.verified} processed instructions; the limit is "
                f"{COMPLEXITY_LIMIT}",
                right=Refuses(),
            )
    if not found:
        yield Agreement()


def judge_object(observation: ObjectObservation) -> Iterator[Judgement]:
    """What the kernel said while libbpf opened and loaded an object."""
    if isinstance(observation.theirs, Lost):
        yield from judge_loss(Loss(observation.theirs, None))
    else:
        yield from warned(observation.theirs.splats)


def judge_loss(loss: Loss) -> Iterator[Judgement]:
    """A virtual machine that went away, with the case alone too.  No answer in time is no verdict."""
    reason = loss.lost.reason
    if reason in (LossReason.PANIC, LossReason.EXITED):
        site = crash_site(loss.lost.console)
        where = f" in {site}" if site else ""
        yield Disagreement(
            Signature(KIND, ("lost", reason.value, *([site] if site else []))),
            f"the kernel goes down ({reason.value}{where}), alone on a fresh virtual machine too",
            right=StaysQuiet(),
        )
    else:
        yield Abstention("the virtual machine was lost")


def warned(splats: Iterable[str]) -> Iterator[Judgement]:
    """What the kernel's log says while it was asked."""
    for splat in splats:
        line = _telling(splat)
        if _SLOW.search(line):
            yield Abstention("the guest was starved")
        else:
            yield Disagreement(
                Signature(KIND, ("splat", _plain(line))), f"the kernel warned: {line}", right=StaysQuiet()
            )


def _telling(splat: str) -> str:
    """The line that says what is wrong: the first without its time stamp, below the one that says to cut
    here."""
    lines = (_STAMP.sub("", line, count=1).strip() for line in splat.splitlines())
    return next((line for line in lines if line and not _FRAME.match(line)), "splat")


def _plain(line: str) -> str:
    """The line without its numbers, paths and times: the same for the same cause."""
    return _NUMBERS.sub("N", line)[:100]
