"""Reduction: passes that only propose something smaller; one engine judges.

A pass is a generator of candidates that is told of each whether it was kept, and goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from typing import TypeVar

from ebpf.btf.functions import moved_functions
from ebpf.editing import Insns, jump_field, remove
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.kfuncs import moved_calls
from ebpf.program import Input
from generators.programs import Generated
from generators.recipes import ObjectRecipe, Recipe, smaller, smaller_objects

T = TypeVar("T")
Pass = Callable[[T], Generator[T, bool, None]]


def reduce(start: T, passes: tuple[Pass[T], ...], still_fails: Callable[[T], bool], seconds: float) -> T:
    """The smallest candidate found within ``seconds`` of repeated passes."""
    until = time.monotonic() + seconds
    progress = True
    while progress:
        progress = False
        for each in passes:
            candidates = each(start)
            candidate = next(candidates, None)
            while candidate is not None:
                if time.monotonic() > until:
                    return start
                kept = still_fails(candidate)
                if kept:
                    start, progress = candidate, True
                try:
                    candidate = candidates.send(kept)
                except StopIteration:
                    break
    return start


def reduce_recipe(recipe: Recipe, still_fails: Callable[[Recipe], bool], seconds: float) -> Recipe:
    """A smaller recipe: what it makes is valid by construction, and a near miss still breaks its rule."""
    return reduce(recipe, (_fewer_or_simpler,), still_fails, seconds)


def reduce_object(
    recipe: ObjectRecipe, still_fails: Callable[[ObjectRecipe], bool], seconds: float
) -> ObjectRecipe:
    """A smaller recipe of an object."""
    return reduce(recipe, (_restarted(smaller_objects),), still_fails, seconds)


def reduce_program(
    generated: Generated, still_fails: Callable[[Generated], bool], seconds: float
) -> Generated:
    """A smaller program.

    A near miss keeps its instructions: with others it might break its rule no more, and nobody would notice.
    """
    passes = PASSES if generated.rule is None else (one_input, simpler_inputs)
    return reduce(generated, passes, still_fails, seconds)


def _fewer_or_simpler(recipe: Recipe) -> Generator[Recipe, bool, None]:
    """Half of the productions at first, then single ones, then simpler ones."""
    count = len(recipe.seeds) // 2
    while count:
        start = len(recipe.seeds) - count
        while start >= 0:
            candidate = replace(recipe, seeds=recipe.seeds[:start] + recipe.seeds[start + count :])
            if (yield candidate):
                recipe = candidate
            start -= count
        count //= 2
    yield from _restarted(smaller)(recipe)


def _restarted(propose: Callable[[T], Iterator[T]]) -> Pass[T]:
    """A pass that begins anew with each candidate that is kept."""

    def candidates(start: T) -> Generator[T, bool, None]:
        progress = True
        while progress:
            progress = False
            for candidate in propose(start):
                if (yield candidate):
                    start, progress = candidate, True
                    break

    return candidates


def with_instructions(generated: Generated, insns: Insns) -> Generated:
    """The same case with another program text; records of its functions, and the names of those that it calls
    of the kernel, go where these went."""
    program = generated.case.program
    info = program.func_info and moved_functions(program.func_info, program.instructions, insns)
    insns, kfuncs = moved_calls(program.kfuncs, program.instructions, insns)
    edited = replace(program, instructions=insns, func_info=info, kfuncs=kfuncs)
    return replace(generated, case=replace(generated.case, program=edited))


def drop_instructions(generated: Generated) -> Generator[Generated, bool, None]:
    """Runs of instructions, long ones first; where one goes, the next is tried there."""
    insns = generated.case.program.instructions
    count = max(1, len(insns) // 2)
    while count:
        start = len(insns) - count
        while start >= 0:
            if not _splits_wide(insns, start, count):
                shorter = remove(insns, start, count)
                if (yield with_instructions(generated, shorter)):
                    insns = shorter
            start -= 1 if count < 4 else count // 2
        count //= 2


def _splits_wide(insns: Insns, start: int, count: int) -> bool:
    """Whether one slot of a 64-bit immediate load would go without the other."""
    return insns[start].opcode == 0 or (start + count < len(insns) and insns[start + count].opcode == 0)


def simpler_constants(generated: Generated) -> Generator[Generated, bool, None]:
    """Immediates of arithmetic and comparisons become 0, 1 or halves (towards zero: half of -1 is not -1
    again)."""
    insns = generated.case.program.instructions
    for at in range(len(insns)):
        while _has_constant(insns[at]):
            for imm in dict.fromkeys((0, 1, int(insns[at].imm / 2))):
                simpler = (*insns[:at], replace(insns[at], imm=imm), *insns[at + 1 :])
                if (yield with_instructions(generated, simpler)):
                    insns = simpler
                    break
            else:
                break


def _has_constant(insn: Insn) -> bool:
    plain = insn.opcode & o.CLASS_MASK in (o.ALU, o.ALU64, o.JMP, o.JMP32)
    of_value = plain and insn.opcode & o.SOURCE_MASK == o.K and jump_field(insn) != "imm"
    return of_value and insn.opcode & o.OP_MASK not in (o.END, o.CALL, o.EXIT) and insn.imm not in (0, 1)


def one_input(generated: Generated) -> Generator[Generated, bool, None]:
    """Each input alone."""
    inputs = generated.case.inputs
    for data in inputs if len(inputs) > 1 else ():
        if (yield replace(generated, case=replace(generated.case, inputs=(data,)))):
            return


def _proposed_inputs(generated: Generated) -> Iterator[Generated]:
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


simpler_inputs: Pass[Generated] = _restarted(_proposed_inputs)
"""Words of the packet and the context become zero."""


def _with_input(generated: Generated, number: int, data: Input) -> Generated:
    inputs = generated.case.inputs
    return replace(
        generated, case=replace(generated.case, inputs=(*inputs[:number], data, *inputs[number + 1 :]))
    )


def no_contents(generated: Generated) -> Generator[Generated, bool, None]:
    """Maps start empty."""
    for at in range(len(generated.case.program.maps)):
        program = generated.case.program
        spec = program.maps[at]
        if spec.contents:
            maps = (*program.maps[:at], replace(spec, contents=()), *program.maps[at + 1 :])
            emptied = replace(generated, case=replace(generated.case, program=replace(program, maps=maps)))
            if (yield emptied):
                generated = emptied


PASSES: tuple[Pass[Generated], ...] = (
    one_input, drop_instructions, no_contents, simpler_constants, simpler_inputs
)  # fmt: skip
"""In the order in which they are tried, again and again."""
