"""Which instruction an engine gets wrong: the first whose result, put there as a constant, makes the engines
agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from conformance.campaign.reduction import jump_field, with_instructions
from conformance.properties.execution import HIGH_HALF
from conformance.properties.judgement import Disagreement
from conformance.properties.observation import Observation
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from generators.programs import Generated

MAX_TRIALS = 48


def localise(
    seen: Observation, what: Disagreement, judge: Callable[[Generated], Disagreement | None]
) -> Disagreement:
    """``what`` with its culprit, and the signature that names it; unchanged when no single instruction is to
    blame.

    Downstream of the culprit a constant helps as well, upstream none does: so the first that helps is the
    one.
    """
    if what.input is None or what.input >= len(seen.runs) or what.signature.endswith(f":{HIGH_HALF}"):
        # Whose upper half is read is the verifier's opinion, which a constant anywhere may change: nothing
        # would be learnt.
        return what
    trace = seen.runs[what.input][1]
    visits = Counter(step.at for step in trace)
    trials = 0
    for step in trace:
        insn = seen.case.program.instructions[step.at]
        value = step.registers[insn.dst] if insn.dst < 10 else None
        computes = insn.opcode & o.CLASS_MASK in (o.ALU, o.ALU64, o.LDX)
        if not computes or visits[step.at] > 1 or step.depth or not isinstance(value, int):
            continue
        trials += 1
        if trials > MAX_TRIALS:
            break
        if judge(with_constant(seen.generated, step.at, value)) is None:
            signature = what.signature.rsplit(":", 1)[0] + f":{seen.form_name(step.at)}"
            return replace(what, culprit=step.at, signature=signature)
    return what


def with_constant(generated: Generated, at: int, value: int) -> Generated:
    """The program with the instruction at slot ``at`` replaced by a load of ``value`` into its
    destination."""
    insns = generated.case.program.instructions
    low, high = (half - (1 << 32) if half >> 31 else half for half in (value & 0xFFFF_FFFF, value >> 32))
    load = (Insn(o.LD_IMM64, insns[at].dst, imm=low), Insn(0, imm=high))
    # One slot becomes two: open the gap with the same arithmetic on jumps that closes one.
    return with_instructions(generated, widen(insns, at, load))


def widen(insns: tuple[Insn, ...], at: int, pair: tuple[Insn, Insn]) -> tuple[Insn, ...]:
    """``insns`` with slot ``at`` replaced by two; jumps keep their targets."""
    changed: list[Insn] = []
    for here, insn in enumerate(insns):
        if here == at:
            changed.extend(pair)
            continue
        field = jump_field(insn)
        if field is not None:
            target = here + 1 + getattr(insn, field)
            crossing = (target > at) - (here > at)
            insn = replace(insn, **{field: getattr(insn, field) + crossing})
        changed.append(insn)
    return tuple(changed)
