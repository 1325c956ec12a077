"""Precision: the kernel refuses a program that is safe, and no rule of its own explains it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import Observation
from conformance.observing.opinions import linux
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf.program import Case, Input
from ebpf.signature import Signature
from oracles.interpreter import Trapped, run
from oracles.reference import ReferenceVerdict

KIND = "precision"
PERFMON = {"CAP_PERFMON", "CAP_SYS_ADMIN"}
"""Either spares a program the measures against speculation (include/linux/bpf.h, bpf_bypass_spec_v1)."""


HELPER_MISSING = re.compile("unknown func |cannot use helper ")
"""What kernels say of a helper that they or the program type lack (check_helper_call, kernel/bpf/verifier.c,
6.1 to 7.3)."""
RUNS, STEPS = 1_000, 1_000
"""Runs before a refusal is called imprecise, and instructions of each."""
EDGES = (0, 1, 0x7F, 0x80, 0xFF)


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per refused program.

    A *finding* is a refusal that the kernel's own means (intervals and tnums, no relations between values)
    would have avoided; any other is a *gap*: no verifier accepts everything that is safe.
    """
    if observation.ruling.verdict is not KernelVerdict.REJECT:
        yield Abstention("not refused")
        return
    if observation.case.capabilities is not None and PERFMON.isdisjoint(observation.case.capabilities):
        # For fear of speculation: sanitize_speculative_path, kernel/bpf/verifier.c.
        yield Abstention("without privilege kernels also follow branches that no run takes")
        return
    if HELPER_MISSING.search(observation.ruling.message or ""):
        yield Abstention("which helpers a kernel has depends on its configuration")
        return
    answer = observation.reference
    if answer is None:
        yield Abstention("the reference verifier was not asked")
        return
    if answer.verdict is not ReferenceVerdict.SAFE:
        yield (
            Agreement()
            if answer.verdict is ReferenceVerdict.UNSAFE
            else Abstention(f"reference: {answer.reason}")
        )
        return
    if answer.refused_by(linux(observation.release)):
        yield Agreement()
        return
    if any(isinstance(outcome, Trapped) for outcome, _ in observation.runs) or _traps(observation.case):
        yield Abstention("a run traps")
        return
    message = observation.ruling.message or ""
    finding = observation.provable
    yield Disagreement(
        # Shrinking keeps the signature, and must not make a gap of a finding.
        Signature(KIND, (*(() if finding else ("gap",)), shape(message))),
        f"the kernel refuses a safe program ({message}); "
        + (
            "intervals and tnums prove every access"
            if finding
            else "the proof needs relations between values"
        ),
        observation.ruling.instruction,
        None,
        gap=not finding,
    )


def _traps(case: Case) -> bool:
    """Whether one of many runs on packets of all sorts traps: the proof of safety would be wrong."""
    rng = random.Random(0)
    for number in range(RUNS):
        size = rng.randrange(14, 256)
        packet = bytes([rng.choice(EDGES)] * size) if number % 4 == 0 else rng.randbytes(size)
        outcome = run(
            case,
            Input(packet, rng.randbytes(64) if case.inputs and case.inputs[0].context else b""),
            limit=STEPS,
        )
        if isinstance(outcome, Trapped):
            return True
    return False


def shape(message: str) -> str:
    """The message with its numbers and registers left out: what two refusals for one reason share."""
    return re.sub(r"-?\b(0x[0-9a-f]+|\d+)\b", "N", re.sub(r"\bR\d+", "R", message)).replace(":", " ").strip()
