"""Which instruction an engine gets wrong: the first whose result, put there as a constant, makes the engines
agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import msgspec

from conformance.campaign.passes import with_instructions
from conformance.observing.door import Sighting
from conformance.properties.execution import HIGH_HALF, alone
from ebpf import casefile
from ebpf.editing import insert, replace_slots
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.verifier_log.effects import is_helper_call
from generators.programs import Generated, Purpose
from reports.records import Returns, Right

MAX_TRIALS = 48


Agree: TypeAlias = Callable[[Generated], bool | None]
"""Whether every engine agrees on a program; None where it is not accepted, or that could not be told."""


def localise(sighting: Sighting, agree: Agree) -> Sighting:
    """The disagreement with its culprit, and the signature that names it; unchanged when no single
    instruction is to blame.

    Downstream of the culprit a constant helps as well, upstream none does: so the first that helps is the
    one.
    """
    observation, disagreement = sighting.observation, sighting.disagreement
    number = disagreement.input
    if number is None or number >= len(observation.runs) or HIGH_HALF in disagreement.signature.parts:
        # Whose upper half is read is the verifier's opinion, which a constant anywhere may change: nothing
        # would be learnt.
        return sighting
    trace = observation.runs[number][1]
    visits = Counter(step.at for step in trace)
    trials = 0
    for step in trace:
        insn = observation.case.program.instructions[step.at]
        value = step.registers[insn.dst] if insn.dst < 10 else None
        computes = insn.opcode & o.CLASS_MASK in (o.ALU, o.ALU64, o.LDX) or is_helper_call(insn)
        if not computes or visits[step.at] > 1 or not isinstance(value, int):
            continue
        trials += 1
        if trials > MAX_TRIALS:
            break
        if agree(with_constant(observation.generated, step.at, value)):
            signature = disagreement.signature.with_culprit(observation.form_name(step.at))
            right = _with_proof(sighting, number, step.at, agree)
            named = replace(disagreement, culprit=step.at, signature=signature, right=right)
            return replace(sighting, disagreement=named)
    return sighting


def _with_proof(sighting: Sighting, number: int, culprit: int, agree: Agree) -> Right | None:
    """What a right kernel does, with the culprit by itself where that alone makes the engines disagree."""
    right = sighting.disagreement.right
    proof = alone(sighting.observation, number, culprit)
    if not isinstance(right, Returns) or proof is None:
        return right
    if agree(Generated(casefile.from_plain(proof.case), Purpose.DARING)) is not False:
        return right
    return msgspec.structs.replace(right, alone=proof)


def with_constant(generated: Generated, at: int, value: int) -> Generated:
    """The program in which the instruction at slot ``at`` gives ``value``: a load of it into the destination,
    in place of the instruction, or behind a call, whose other effects stay."""
    insns = generated.case.program.instructions
    low, high = (half - (1 << 32) if half >> 31 else half for half in (value & 0xFFFF_FFFF, value >> 32))
    load = (Insn(o.LD_IMM64, insns[at].dst, imm=low), Insn(0, imm=high))
    behind = is_helper_call(insns[at])
    changed = insert(insns, at + 1, load) if behind else replace_slots(insns, at, 1, load)
    return with_instructions(generated, changed)
