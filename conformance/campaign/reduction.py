"""Reduction after Hypothesis: passes on the instruction list and inputs that only propose; one engine judges.

A candidate is kept when it shows a disagreement of the same signature.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from ebpf.editing import Insns, jump_field, remove
from ebpf.isa import opcodes as o
from ebpf.program import Input
from generators.programs import Generated

Pass = Callable[[Generated], Iterator[Generated]]


def reduce(generated: Generated, still_fails: Callable[[Generated], bool], seconds: float) -> Generated:
    """The smallest candidate found within ``seconds`` of repeated passes.

    A near miss keeps its instructions: with others it might break its rule no more, and nobody would notice.
    """
    passes = PASSES if generated.rule is None else (one_input, simpler_inputs)
    until = time.monotonic() + seconds
    progress = True
    while progress:
        progress = False
        for each in passes:
            for candidate in each(generated):
                if time.monotonic() > until:
                    return generated
                if still_fails(candidate):
                    generated, progress = candidate, True
                    break
    return generated


def with_instructions(generated: Generated, insns: Insns) -> Generated:
    """The same case with another program text."""
    case = replace(generated.case, program=replace(generated.case.program, instructions=insns))
    return replace(generated, case=case)


def drop_instructions(generated: Generated) -> Iterator[Generated]:
    """Runs of instructions, long ones first."""
    insns = generated.case.program.instructions
    count = max(1, len(insns) // 2)
    while count:
        for start in range(len(insns) - count, -1, -1):
            if insns[start].opcode == 0 or (start + count < len(insns) and insns[start + count].opcode == 0):
                continue
            yield with_instructions(generated, remove(insns, start, count))
        count //= 2


def simpler_constants(generated: Generated) -> Iterator[Generated]:
    """Immediates of arithmetic and comparisons become 0, 1 or halves (towards zero: half of -1 is not -1
    again)."""
    insns = generated.case.program.instructions
    for at, insn in enumerate(insns):
        cls = insn.opcode & o.CLASS_MASK
        plain = (
            cls in (o.ALU, o.ALU64, o.JMP, o.JMP32)
            and insn.opcode & o.SOURCE_MASK == o.K
            and jump_field(insn) != "imm"
        )
        if plain and insn.opcode & o.OP_MASK not in (o.END, o.CALL, o.EXIT) and insn.imm not in (0, 1):
            for imm in (0, 1, int(insn.imm / 2)):
                yield with_instructions(generated, (*insns[:at], replace(insn, imm=imm), *insns[at + 1 :]))


def one_input(generated: Generated) -> Iterator[Generated]:
    """Each input alone."""
    inputs = generated.case.inputs
    if len(inputs) > 1:
        for data in inputs:
            yield replace(generated, case=replace(generated.case, inputs=(data,)))


def simpler_inputs(generated: Generated) -> Iterator[Generated]:
    """Words of the packet and the context become zero."""
    for number, data in enumerate(generated.case.inputs):
        for field, content in (("packet", data.packet), ("context", data.context)):
            for start in range(0, len(content), 8):
                chunk = content[start : start + 8]
                if any(chunk):
                    zeroed = content[:start] + bytes(len(chunk)) + content[start + 8 :]
                    changed = (
                        replace(data, packet=zeroed) if field == "packet" else replace(data, context=zeroed)
                    )
                    yield _with_input(generated, number, changed)


def _with_input(generated: Generated, number: int, data: Input) -> Generated:
    inputs = generated.case.inputs
    return replace(
        generated, case=replace(generated.case, inputs=(*inputs[:number], data, *inputs[number + 1 :]))
    )


def no_contents(generated: Generated) -> Iterator[Generated]:
    """Maps start empty."""
    program = generated.case.program
    for at, spec in enumerate(program.maps):
        if spec.contents:
            maps = (*program.maps[:at], replace(spec, contents=()), *program.maps[at + 1 :])
            yield replace(generated, case=replace(generated.case, program=replace(program, maps=maps)))


PASSES: tuple[Pass, ...] = (one_input, drop_instructions, no_contents, simpler_constants, simpler_inputs)
"""In the order in which they are tried, again and again."""
