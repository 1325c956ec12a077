"""Reach: counts of what programs had in them, and whether the kernel took them; and the records of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from conformance.kernel.features import Features
from conformance.kernel.features.answers import FeatureKind, is_probed
from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import Observation
from ebpf import rules
from ebpf.helper_names import HELPER_NAMES
from ebpf.isa import opcodes as o
from ebpf.isa.table import FORMS
from ebpf.program import Program
from ebpf.rules import Phase
from generators.programs import Purpose
from reports.records import Acceptance, KernelOffer, KernelReach, MissCount

if TYPE_CHECKING:
    from conformance.campaign.tally import Tally

VALID, VALID_ACCEPTED, OTHERS_ACCEPTED = "valid", "valid accepted", "others accepted"
"""What of a program is counted: the last two exclude each other."""
REFUSED, ELSEWHERE, ACCEPTED, UNJUDGED = "refused", "elsewhere", "accepted", "unjudged"
"""What became of a near miss (:class:`reports.records.MissCount`)."""
NAMED_ELSEWHERE = frozenset({
    rules.CALL_DEPTH, rules.JUMP_INTO_IMMEDIATE, rules.STACK_IN_CALLER, rules.VARIABLE_STACK,
    rules.PRIVILEGED_CALL,
})  # fmt: skip
"""Rules of whose breach the kernel names another instruction: the call that is one too many, the jump's
target, the exit, where the pointer was made, the first of several calls (Linux 7.3)."""
_CALL = o.JMP | o.CALL


def callees_in(program: Program) -> set[str]:
    """The helpers and kernel functions that it calls, by name."""
    named = {
        HELPER_NAMES[insn.imm]
        for insn in program.instructions
        if insn.opcode == _CALL and insn.src == o.CALL_HELPER and 0 < insn.imm < len(HELPER_NAMES)
    }
    named.update(name for at, name in program.kfuncs if program.instructions[at].calls_kernel)
    return named


def count_reach(tally: Tally, observation: Observation) -> None:
    """Count one judged program: some microseconds."""
    generated, program = observation.generated, observation.case.program
    if generated.intent is not None:
        tally.misses[str(generated.intent.rule), _fate(observation)] += 1
    if generated.purpose is Purpose.VALID:
        outcomes = (VALID, VALID_ACCEPTED) if observation.accepted else (VALID,)
    elif observation.accepted:
        outcomes = (OTHERS_ACCEPTED,)
    else:
        return
    kind = program.type.name.lower()
    callees = callees_in(program)
    maps = {spec.type.name.lower() for spec in program.maps}
    for outcome in outcomes:
        tally.types[kind, outcome] += 1
        tally.callees.update((kind, callee, outcome) for callee in callees)
        tally.maps.update((each, outcome) for each in maps)


def _fate(observation: Observation) -> str:
    """What became of a near miss."""
    ruling, intent = observation.ruling, observation.generated.intent
    assert intent is not None
    if observation.accepted:
        return ACCEPTED
    if ruling.verdict is not KernelVerdict.REJECT:
        return UNJUDGED
    there = (
        ruling.phase is not Phase.WALK
        or intent.rule in NAMED_ELSEWHERE
        or ruling.instruction in (None, intent.at)
    )
    return REFUSED if there and ruling.phase is intent.rule.phase_in(observation.release) else ELSEWHERE


def offer_of(features: Features) -> KernelOffer:
    """What a kernel has, by its answers to probes; instructions that every kernel has are not probed."""
    probed = set(features.names(FeatureKind.INSTRUCTION))
    return KernelOffer(
        types=features.names(FeatureKind.PROGRAM_TYPE),
        maps=features.names(FeatureKind.MAP_TYPE),
        forms=tuple(form.name for form in FORMS if not is_probed(form) or form.name in probed),
    )


def reach_of(kernel: str, tally: Tally, offer: KernelOffer | None) -> KernelReach:
    """The record of one kernel."""
    callees: dict[str, dict[str, Acceptance]] = defaultdict(dict)
    for kind, callee in sorted({(kind, callee) for kind, callee, _ in tally.callees}):
        counted = {outcome: tally.callees[kind, callee, outcome] for outcome in _OUTCOMES}
        callees[kind][callee] = _acceptance(counted)
    return KernelReach(
        kernel=kernel,
        types=_by_name(tally.types),
        callees=dict(callees),
        maps=_by_name(tally.maps),
        misses={
            rule: MissCount(*(tally.misses[rule, fate] for fate in (REFUSED, ELSEWHERE, ACCEPTED, UNJUDGED)))
            for rule in sorted({rule for rule, _ in tally.misses})
        },
        offer=offer,
    )


_OUTCOMES = (VALID, VALID_ACCEPTED, OTHERS_ACCEPTED)


def _by_name(counts: Counter[tuple[str, str]]) -> dict[str, Acceptance]:
    return {
        name: _acceptance({outcome: counts[name, outcome] for outcome in _OUTCOMES})
        for name in sorted({name for name, _ in counts})
    }


def _acceptance(counted: dict[str, int]) -> Acceptance:
    accepted = counted[VALID_ACCEPTED] + counted[OTHERS_ACCEPTED]
    return Acceptance(counted[VALID], counted[VALID_ACCEPTED], accepted)
