"""A property over two programs, as one file: a dead store changes no verdict."""

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
    if KIND in observation.variants:
        return []
    program = observation.case.program
    insns = insert(program.instructions, 0, (Insn(o.MOV | o.K | o.ALU64),))
    case = replace(observation.case, program=replace(program, instructions=insns))
    return [observation.question.about(case)]


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per program."""
    verdict = observation.ruling.verdict
    for other in observation.variants[KIND]:
        if {verdict, other.ruling.verdict} <= {KernelVerdict.ACCEPT, KernelVerdict.REJECT}:
            if verdict is other.ruling.verdict:
                yield Agreement()
            else:
                said = f"{verdict.value}, and with a dead store {other.ruling.verdict.value}"
                yield Disagreement(Signature(KIND, (verdict.value,)), f"the kernel says {said}")
        else:
            yield Abstention("no verdict")


ROW = Property(kind=KIND, severity=Severity.MEDIUM, floor=0.9, judge=judge, variants=variants, runs=False)
