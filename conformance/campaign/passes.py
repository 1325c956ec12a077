"""Passes over a program: each proposes programs that are smaller or plainer.

What a near miss breaks on purpose stays, and is followed to its new place.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from conformance.campaign.reduction import Pass, reduce, restarted
from ebpf.btf.functions import kept_functions, moved_functions
from ebpf.editing import Insns, change, jump_field, target
from ebpf.isa import opcodes as o
from ebpf.isa.build import Register, mov64
from ebpf.isa.insn import Insn
from ebpf.kfuncs import moved_calls
from ebpf.map_references import is_map_load, named_maps
from ebpf.program import NO_FLAGS, Input
from ebpf.reachability import is_nothing, only, reachable
from generators.programs import Generated
from oracles.interpreter import Step, run

TRACE_LIMIT = 20_000
"""Instructions of the run that says what a register holds."""


def reduce_program(
    generated: Generated, still_fails: Callable[[Generated], bool], seconds: float
) -> Generated:
    """A smaller program."""
    return reduce(generated, PASSES, still_fails, seconds)


def reduce_inputs(
    generated: Generated, still_fails: Callable[[Generated], bool], seconds: float
) -> Generated:
    """The same program with fewer and plainer inputs."""
    return reduce(generated, (one_input, simpler_inputs), still_fails, seconds)


def with_instructions(generated: Generated, insns: Insns) -> Generated:
    """The same case with another program text; records of its functions, and the names of those that it calls
    of the kernel, go where these went."""
    program = generated.case.program
    info = program.func_info and moved_functions(program.func_info, program.instructions, insns)
    insns, kfuncs = moved_calls(program.kfuncs, program.instructions, insns)
    edited = replace(program, instructions=insns, func_info=info, kfuncs=kfuncs)
    return replace(generated, case=replace(generated.case, program=edited))


def with_slots(generated: Generated, kept: Sequence[int]) -> Generated | None:
    """The same case of these slots, as far as they can still be come by; None where that leaves out what is
    broken on purpose."""
    insns = generated.case.program.instructions
    left = reachable(only(insns, kept))
    kept = [kept[at] for at in left]
    if generated.intent is not None and generated.at not in kept:
        return None
    program = generated.case.program
    shorter, kfuncs = moved_calls(program.kfuncs, insns, only(insns, kept))
    info = program.func_info and kept_functions(program.func_info, kept, shorter)
    edited = replace(program, instructions=shorter, func_info=info, kfuncs=kfuncs)
    intent = generated.intent and replace(generated.intent, at=kept.index(generated.at))
    return replace(generated, case=replace(generated.case, program=edited), intent=intent)


def drop_instructions(generated: Generated) -> Generator[Generated, bool, None]:
    """Runs of instructions, long ones first; where one goes, the next is tried there."""
    count = max(1, len(generated.case.program.instructions) // 2)
    while count:
        start = len(generated.case.program.instructions) - count
        while start >= 0:
            insns = generated.case.program.instructions
            if start + count <= len(insns) and not _splits_wide(insns, start, count):
                kept = [*range(start), *range(start + count, len(insns))]
                shorter = with_slots(generated, kept)
                if shorter is not None and (yield shorter):
                    generated = shorter
            start -= 1 if count < 4 else count // 2
        count //= 2


def _splits_wide(insns: Insns, start: int, count: int) -> bool:
    """Whether one slot of a 64-bit immediate load would go without the other."""
    return insns[start].opcode == 0 or (start + count < len(insns) and insns[start + count].opcode == 0)


def decide_branches(generated: Generated) -> Generator[Generated, bool, None]:
    """Each branch goes one way: the other, where nothing else leads there, goes with it."""
    at = 0
    while at < len(generated.case.program.instructions):
        for decided in _decided(generated, at):
            if (yield decided):
                generated = decided
                break
        else:
            at += 1


def _decided(generated: Generated, at: int) -> Iterator[Generated]:
    insns = generated.case.program.instructions
    insn = insns[at]
    led_to = target(insn, at)
    on_purpose = generated.intent is not None and at == generated.at
    if led_to is None or insn.names_subprogram or on_purpose:
        return
    if led_to > at + 1:
        # All that it jumps over goes, and so does the jump.
        yield from _some(with_slots(generated, [*range(at), *range(led_to, len(insns))]))
    if insn.opcode & o.OP_MASK != o.JA:
        goto = change(insns, at, lambda insn: Insn(o.JA | o.JMP, off=insn.off))
        yield from _some(with_slots(with_instructions(generated, goto), range(len(insns))))
    if insn.opcode & o.OP_MASK != o.JA or is_nothing(insn):
        yield from _some(with_slots(generated, [*range(at), *range(at + 1, len(insns))]))


def _some(candidate: Generated | None) -> Iterator[Generated]:
    if candidate is not None:
        yield candidate


def constants_for_results(generated: Generated) -> Generator[Generated, bool, None]:
    """What an instruction computes is a constant: what the first input's run has there, or 0."""
    trace: list[Step] = []
    case = generated.case
    if case.inputs:
        run(case, case.inputs[0], trace=trace, limit=TRACE_LIMIT)
    held = {step.at: step.registers for step in trace}
    for at in range(len(case.program.instructions) - 1, -1, -1):
        insns = generated.case.program.instructions
        register = _result(insns[at])
        if register is None or (generated.intent is not None and at == generated.at):
            continue
        value = held[at][register] if at in held else None
        known = [value] if isinstance(value, int) and value < 1 << 31 else []
        for constant in dict.fromkeys((0, *known)):
            plain = (*insns[:at], mov64(Register(register), constant), *insns[at + 1 :])
            candidate = with_slots(with_instructions(generated, plain), range(len(insns)))
            if candidate is not None and (yield candidate):
                if len(candidate.case.program.instructions) != len(insns):
                    return
                generated = candidate
                break


def _result(insn: Insn) -> int | None:
    """The register that it gives a new value, where a constant would be plainer."""
    cls, op = insn.opcode & o.CLASS_MASK, insn.opcode & o.OP_MASK
    if insn.opcode & ~o.SOURCE_MASK == o.CALL | o.JMP:
        return 0
    if insn.opcode == o.MOV | o.K | o.ALU64:
        return None
    return insn.dst if cls in (o.ALU, o.ALU64, o.LDX) and op != o.CALL and insn.dst < 10 else None


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


def drop_maps(generated: Generated) -> Generator[Generated, bool, None]:
    """Maps that no instruction names."""
    for number in range(len(generated.case.program.maps) - 1, -1, -1):
        program = generated.case.program
        named = named_maps(program.instructions)
        if number in named:
            continue
        insns = tuple(
            replace(insn, imm=insn.imm - 1) if is_map_load(insn) and insn.imm > number else insn
            for insn in program.instructions
        )
        maps = (*program.maps[:number], *program.maps[number + 1 :])
        case = replace(generated.case, program=replace(program, instructions=insns, maps=maps))
        fewer = replace(generated, case=case, output=max(0, generated.output - (generated.output > number)))
        if (yield fewer):
            generated = fewer


def plainer_loading(generated: Generated) -> Generator[Generated, bool, None]:
    """Without load flags, and without types."""
    program = generated.case.program
    plainer = [replace(program, flags=NO_FLAGS)] if program.flags else []
    plainer += [replace(program, btf=None, func_info=None)] if program.btf else []
    for each in plainer:
        if (yield replace(generated, case=replace(generated.case, program=each))):
            return


def one_input(generated: Generated) -> Generator[Generated, bool, None]:
    """Each input alone."""
    inputs = generated.case.inputs
    for data in inputs if len(inputs) > 1 else ():
        if (yield replace(generated, case=replace(generated.case, inputs=(data,)))):
            return


def _proposed_inputs(generated: Generated) -> Iterator[Generated]:
    for number, data in enumerate(generated.case.inputs):
        for zeroes in (replace(data, packet=bytes(len(data.packet))), replace(data, context=b"")):
            if zeroes != data:
                yield _with_input(generated, number, zeroes)
        for field, content in (("packet", data.packet), ("context", data.context)):
            for start in range(0, len(content), 8):
                chunk = content[start : start + 8]
                if any(chunk):
                    zeroed = content[:start] + bytes(len(chunk)) + content[start + 8 :]
                    changed = (
                        replace(data, packet=zeroed) if field == "packet" else replace(data, context=zeroed)
                    )
                    yield _with_input(generated, number, changed)


simpler_inputs: Pass[Generated] = restarted(_proposed_inputs)
"""The packet and the context become zero, all of it or a word at a time."""


def _with_input(generated: Generated, number: int, data: Input) -> Generated:
    inputs = generated.case.inputs
    return replace(
        generated, case=replace(generated.case, inputs=(*inputs[:number], data, *inputs[number + 1 :]))
    )


def no_contents(generated: Generated) -> Generator[Generated, bool, None]:
    """Maps start empty, all of them or each."""
    every = range(len(generated.case.program.maps))
    for chosen in (every, *((at,) for at in every)):
        program = generated.case.program
        if any(program.maps[at].contents for at in chosen):
            maps = tuple(
                replace(spec, contents=()) if at in chosen else spec for at, spec in enumerate(program.maps)
            )
            emptied = replace(generated, case=replace(generated.case, program=replace(program, maps=maps)))
            if (yield emptied):
                generated = emptied


PASSES: tuple[Pass[Generated], ...] = (
    one_input, decide_branches, drop_instructions, drop_maps, constants_for_results, no_contents,
    plainer_loading, simpler_constants, simpler_inputs,
)  # fmt: skip
"""In the order in which they are tried, again and again."""
