"""Corpus programs with one operand, offset or size changed: near what people write, and often just wrong."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from conformance.corpus.records import Record
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.isa.table import IllegalInsn, form_of
from ebpf.program import Case

IMMEDIATES = (
    0,
    1,
    -1,
    2,
    7,
    8,
    9,
    63,
    64,
    255,
    256,
    511,
    512,
    513,
    0x7FFF,
    0xFFFF,
    1 << 29,
    0x7FFF_FFFF,
    -0x8000_0000,
)
OFFSETS = (-1, 1, -4, 4, -8, 8, 2, -512, 512)


@dataclass(frozen=True, slots=True)
class Mutant:
    """``change``: what became of which instruction of which record."""

    id: str
    change: str
    case: Case


def mutants(records: tuple[Record, ...], count: int, seed: int) -> Iterator[Mutant]:
    """``count`` of them, the same for the same seed."""
    rng = random.Random(seed)
    made = 0
    while made < count:
        record = rng.choice(records)
        case = (
            record.unprivileged
            if record.unprivileged is not None and rng.random() < 0.3
            else record.privileged
        )
        changed = _changed(case, rng)
        if changed is not None:
            at, insn = changed
            insns = case.program.instructions
            program = replace(case.program, instructions=(*insns[:at], insn, *insns[at + 1 :]))
            mode = "unprivileged" if case.capabilities == () else "privileged"
            change = f"{mode}, {at}: {insns[at].encode().hex()} -> {insn.encode().hex()}"
            yield Mutant(record.id, change, replace(case, program=program))
            made += 1


def _changed(case: Case, rng: random.Random) -> tuple[int, Insn] | None:
    """A slot and the instruction for it; None when the draw made no legal other one."""
    insns = case.program.instructions
    at = rng.randrange(len(insns))
    insn = insns[at]
    try:
        form = form_of(insn)
    except IllegalInsn:
        return None
    if form.slots == 2 or (
        insn.opcode & 7 in (o.JMP, o.JMP32) and insn.opcode & o.OP_MASK in (o.CALL, o.EXIT, o.JA)
    ):
        return None
    other = _one_change(insn, rng)
    try:
        form_of(other)
    except IllegalInsn:
        return None
    return None if other == insn else (at, other)


def _one_change(insn: Insn, rng: random.Random) -> Insn:
    match rng.choice(("imm", "off", "size", "dst", "src")):
        case "imm":
            return replace(insn, imm=rng.choice((*IMMEDIATES, insn.imm + 1 if insn.imm < 0x7FFF_FFFF else 0)))
        case "off" if insn.opcode & 7 in (o.LDX, o.ST, o.STX):
            return replace(insn, off=max(-(1 << 15), min((1 << 15) - 1, insn.off + rng.choice(OFFSETS))))
        case "size" if insn.opcode & 7 in (o.LDX, o.ST, o.STX):
            return replace(insn, opcode=insn.opcode & ~o.SIZE_MASK | rng.choice((o.B, o.H, o.W, o.DW)))
        case "dst":
            return replace(insn, dst=rng.randrange(11))
        case "src" if insn.opcode & o.X or insn.opcode & 7 in (o.LDX, o.STX):
            return replace(insn, src=rng.randrange(11))
    return insn
