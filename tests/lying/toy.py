"""A property over two programs, as one file: a store to R0 before anything else, which no accepted program reads,
keeps it accepted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from conformance.kernel.jobs import KernelVerdict
from conformance.observing.observation import Observation
from conformance.observing.question import Question
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from conformance.properties.property import Property
from ebpf.editing import insert
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.signature import Signature
from reports.records import Severity

KIND = "dead-store"


def variants(observation: Observation) -> list[Question]:
    """The program with R0 set to 0 before anything else."""
    if KIND in observation.variants or not observation.accepted:
        return []
    program = observation.case.program
    insns = insert(program.instructions, 0, (Insn(o.MOV | o.K | o.ALU64),))
    case = replace(observation.case, program=replace(program, instructions=insns))
    return [observation.question.about(case)]


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per program."""
    if not observation.accepted:
        yield Abstention("not accepted: it may read R0 unwritten")
    for other in observation.variants.get(KIND, ()):
        if other.ruling.verdict is KernelVerdict.REJECT:
            said = "the kernel accepts the program, and refuses it with a dead store"
            yield Disagreement(Signature(KIND, ("refused",)), said)
        else:
            yield Agreement() if other.accepted else Abstention(f"no verdict: {other.ruling.reason}")


ROW = Property(kind=KIND, severity=Severity.MEDIUM, floor=0.9, judge=judge, variants=variants, runs=False)
