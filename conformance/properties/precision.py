"""Precision: the kernel refuses a program that is safe, no rule of its own explains it, and another kernel
accepts it."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import lru_cache

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import Observation
from conformance.observing.opinions import linux
from conformance.observing.siblings import SiblingRuling
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Gap, Judgement
from ebpf.changes import documented_change
from ebpf.kfuncs.objects import MAY_BE_EMPTY
from ebpf.program import Case, Input
from ebpf.releases import Release
from ebpf.signature import Signature
from oracles.interpreter import Trapped, run
from oracles.reference import ReferenceVerdict
from reports.records import Accepts

KIND = "precision"
PERFMON = {"CAP_PERFMON", "CAP_SYS_ADMIN"}
"""Either spares a program the measures against speculation (include/linux/bpf.h, bpf_bypass_spec_v1)."""


HELPER_MISSING = re.compile("unknown func |cannot use helper |calling kernel function .* is not allowed")
"""What kernels say of a helper or kernel function that they or the program type lack (check_helper_call,
check_kfunc_call, kernel/bpf/verifier.c, 6.1 to 7.3)."""
OF_ATTRIBUTES = re.compile(
    "programs? can only be sleepable|can be sleepable|is not sleepable|attach_btf_id|must provide btf_id"
    "|[Ss]truct_ops programs must|expected_attach_type|attach_prog_fd|Cannot find target|invalid attach type"
    "|is not modifiable"
)
"""What kernels say of attributes of the load, not of the program (check_attach_btf_id,
bpf_prog_load_check_attach)."""
_EMPTY = "|".join(sorted(MAY_BE_EMPTY))
LACKS_A_MEMBER = re.compile(rf"is of type (?:{_EMPTY}) but .* is expected|access beyond struct ")
"""What kernels say of a structure that is shorter in their own types than elsewhere (btf_struct_walk,
kernel/bpf/btf.c)."""
RUNS, STEPS = 1_000, 1_000
"""Runs before a refusal is called imprecise, and instructions of each."""
EDGES = (0, 1, 0x7F, 0x80, 0xFF)


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per refused program.

    A refusal of a safe program is a *finding* where another kernel accepts the same program: an older one, or
    another build of the same version.  Any other is a *gap*: no verifier accepts everything that is safe.
    """
    settled = _settled(observation)
    yield settled if settled is not None else _compare(observation)


def needs_siblings(observation: Observation) -> bool:
    """Whether it hangs on what other kernels say."""
    return _settled(observation) is None


def fits(observation: Observation, signature: Signature) -> bool:
    """Whether the kernel refuses the program for that reason, and, where others were asked, one that is no
    newer accepts it."""
    ruling = observation.ruling
    if ruling.verdict is not KernelVerdict.REJECT or shape(ruling.message or "") not in signature.parts:
        return False
    return not observation.elsewhere or bool(_witnesses(observation))


def _witnesses(observation: Observation) -> list[SiblingRuling]:
    """The kernels that accept the program and are no newer; the oldest first."""
    own = Release.parse(observation.release)
    return [
        sibling
        for sibling in observation.elsewhere
        if sibling.ruling.verdict is KernelVerdict.ACCEPT and sibling.release <= own
    ]


def _settled(observation: Observation) -> Judgement | None:
    """What can be said without other kernels; None where the program is safe and the kernel refuses it."""
    ruling = observation.ruling
    if ruling.verdict is not KernelVerdict.REJECT:
        return Abstention("not refused")
    reason = of_configuration(observation.case, ruling.message or "")
    if reason:
        return Abstention(reason)
    answer = observation.reference
    if answer is None:
        return Abstention("the reference verifier was not asked")
    if answer.verdict is ReferenceVerdict.UNSAFE or answer.refused_by(linux(observation.release)):
        return Agreement()
    if answer.verdict is ReferenceVerdict.UNKNOWN:
        return Abstention(f"reference: {answer.reason}")
    if any(isinstance(outcome, Trapped) for outcome, _ in observation.runs):
        return Abstention("a run traps")
    return None


def of_configuration(case: Case, message: str) -> str:
    """Why a refusal says nothing of the verifier's knowledge: it hangs on how the machine is set up or the
    program loaded; empty where it does not."""
    if case.capabilities is not None and PERFMON.isdisjoint(case.capabilities):
        # For fear of speculation: sanitize_speculative_path, kernel/bpf/verifier.c.
        return "without privilege kernels also follow branches that no run takes"
    if HELPER_MISSING.search(message):
        return "which helpers a kernel has depends on its configuration"
    if LACKS_A_MEMBER.search(message):
        return "what the kernel's structures hold depends on its configuration"
    return "a rule about load attributes" if OF_ATTRIBUTES.search(message) else ""


def is_safe(observation: Observation) -> bool:
    """Whether the reference verifier and all our runs hold the program for safe."""
    return _settled(observation) is None


def _compare(observation: Observation) -> Judgement:
    ruling = observation.ruling
    message = ruling.message or ""
    own = Release.parse(observation.release)
    witnesses = _witnesses(observation)
    refusal = f"the kernel refuses a safe program ({message})"
    if witnesses:
        last = witnesses[-1]
        change = documented_change(
            message, observation.release, last.release, last.pruned, observation.case.program
        )
        if change is not None:
            return Abstention(f"a documented change: {change.reason}")
        if _traps(observation.case):
            return Abstention("one of many runs traps")
        return Disagreement(
            Signature(KIND, (shape(message), when(last.release, own))),
            f"{refusal} that {_name(observation, witnesses, own)}",
            ruling.instruction,
            right=Accepts(message),
        )
    later = next(
        (
            sibling
            for sibling in observation.elsewhere
            if sibling.ruling.verdict is KernelVerdict.ACCEPT and sibling.release > own
        ),
        None,
    )
    gap = Gap(str(later.release.series) if later else "", observation.provable)
    told = f"; {later.kernel} accepts it" if later else "; no kernel that was asked accepts it"
    proven = "; intervals and tnums prove every access" if gap.proven else ""
    return Disagreement(
        Signature(KIND, ("gap", shape(message))), refusal + told + proven, ruling.instruction, gap=gap
    )


def when(last: Release, own: Release) -> str:
    """Between which kernels the verdict changed: two regressions with one message are two bugs."""
    return "in one version" if last == own else f"after {last.major}.{last.minor}"


def _name(observation: Observation, witnesses: list[SiblingRuling], own: Release) -> str:
    """Which kernels accept it, and where the first that refuses stands."""
    last = witnesses[-1]
    if last.release == own:
        return f"another build of {own.major}.{own.minor}.{own.patch} accepts: {last.kernel}"
    refusing = [
        sibling
        for sibling in observation.elsewhere
        if sibling.ruling.verdict is KernelVerdict.REJECT and last.release < sibling.release <= own
    ]
    first = f"; the first to refuse it, of those asked, is {refusing[0].kernel}" if refusing else ""
    return f"{last.kernel} accepts{first}"


@lru_cache(maxsize=8)
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
