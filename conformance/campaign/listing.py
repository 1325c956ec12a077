"""The listing of a finding: what the kernel claims at each instruction, a run held, and the reference
knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import z3

from conformance.observing.door import Sighting
from conformance.observing.observation import Observation
from conformance.observing.opinions import QUICK, paths
from ebpf import rules
from ebpf.assembly import program_listing
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec
from ebpf.program import Program
from ebpf.verifier_log.paths import Followed, PrunedAt, follow
from oracles.interpreter import Step
from oracles.interpreter.memory import Pointer, Undefined, Value
from oracles.reference import values as symbolic
from oracles.reference.state import Walked
from oracles.reference.verify import walked
from oracles.terms.assumptions import conditions
from oracles.terms.intervals import Ranges
from oracles.terms.ranges import Range
from oracles.terms.term import to_signed
from reports.records import ListingRow, Pruned


def listing_rows(sighting: Sighting) -> tuple[ListingRow, ...]:
    """The program, an instruction a row; values and claims are those of the witness run's last visit.

    What the reference knows is of the path that this run takes, or of one to the culprit where there is no
    run.
    """
    observation, disagreement = sighting.observation, sighting.disagreement
    trace = _trace(sighting)
    insns = observation.case.program.instructions
    values = {step.at: _value(insns[step.at], step) for step in trace}
    path = _reference_path(observation, [(step.frame, step.at) for step in trace], disagreement.culprit)
    taken = [(step.frame, step.at) for step in trace or path]
    claims = _claims(_followed(observation, taken), taken)
    known = dict(_known(observation.case.program, path))
    return tuple(
        ListingRow(
            index=at,
            text=line,
            claim=claims.get(at),
            value=values.get(at),
            reference=known.get(at),
            culprit=at == disagreement.culprit,
            note=disagreement.statement if at == disagreement.culprit else "",
        )
        for at, line in program_listing(observation.case.program)
    )


def pruned(sighting: Sighting) -> Pruned | None:
    """Where the kernel's log stops following the witness run because another state covers this one."""
    observation = sighting.observation
    followed = _followed(observation, [(step.frame, step.at) for step in _trace(sighting)])
    if followed is None or not isinstance(followed.stop, PrunedAt) or observation.main is None:
        return None
    at = followed.stop.insn
    said = re.compile(rf"(from \d+ to )?{at}( \(speculative execution\))?: safe")
    lines = observation.main.log.split("\n")
    line = next((number for number, text in enumerate(lines, 1) if said.match(text)), None)
    return None if line is None else Pruned(at, line)


def _trace(sighting: Sighting) -> tuple[Step, ...]:
    number, runs = sighting.disagreement.input, sighting.observation.case.inputs
    return sighting.observation.runs[number][1] if number is not None and number < len(runs) else ()


def _followed(observation: Observation, taken: Sequence[tuple[int, int]]) -> Followed | None:
    """Along these (frame, slot)."""
    if observation.exploration is None or not taken:
        return None
    return follow(observation.exploration, taken)


def _claims(followed: Followed | None, taken: Sequence[tuple[int, int]]) -> dict[int, str]:
    shown: dict[int, str] = {}
    for claims in followed.claims if followed is not None else ():
        if 0 <= claims.step < len(taken) and claims.node.entry:
            shown[taken[claims.step][1]] = " ".join(text.strip() for text in claims.node.entry)
    return shown


def _shown_register(insn: Insn) -> int | None:
    """The register that a row is about: what is computed, or what is stored; None for a constant that is."""
    if insn.opcode & o.CLASS_MASK == o.ST:
        return None
    if insn.opcode & o.CLASS_MASK == o.STX:
        return insn.src
    register = (
        0 if insn.opcode & ~o.SOURCE_MASK == o.CALL | o.JMP or insn.opcode == o.EXIT | o.JMP else insn.dst
    )
    return register if register < o.REGISTERS else None


def _value(insn: Insn, step: Step) -> str | None:
    register = _shown_register(insn)
    value: Value = Undefined() if register is None else step.registers[register]
    if isinstance(value, Undefined):
        return None
    return f"R{register}={value:#x}" if isinstance(value, int) else f"R{register}={_pointer(value)}"


def _pointer(value: Pointer) -> str:
    """As the kernel writes it: stack from the frame's end."""
    if value.region.bounds is rules.STACK_BOUNDS:
        return f"fp{value.offset - o.STACK_SIZE:+d}" if value.offset != o.STACK_SIZE else "fp0"
    return repr(value)


def _known(program: Program, path: list[Walked]) -> Iterator[tuple[int, str]]:
    for step in path:
        register = _shown_register(program.instructions[step.at])
        if register is not None and register < len(step.registers):
            text = _describe(step.registers[register], step, program.maps)
            if text:
                yield step.at, f"R{register}={text}"


def _reference_path(
    observation: Observation, taken: list[tuple[int, int]], culprit: int | None
) -> list[Walked]:
    """The longest stretch that a path of the reference shares with the run, or a path that comes by the
    culprit."""
    budget = observation.question.budget or QUICK
    best: list[Walked] = []
    for state in paths(observation.case, budget).walks:
        steps = walked(state)
        if not taken:
            if culprit is None or any(step.at == culprit for step in steps):
                return steps
            continue
        shared = 0
        for step, there in zip(steps, taken, strict=False):
            if (step.frame, step.at) != there:
                break
            shared += 1
        if shared > len(best):
            best = steps[:shared]
    return best


def _describe(value: symbolic.Value, step: Walked, maps: Sequence[MapSpec]) -> str:
    if isinstance(value, int):
        return f"{value:#x}"
    if isinstance(value, z3.BitVecRef):
        return _scalar(Ranges(conditions(step.assumed)).of(value))
    if isinstance(value, symbolic.SymbolicPointer):
        return _symbolic_pointer(value, step, maps)
    if isinstance(value, symbolic.Null):
        return "0 (null)"
    return ""


def _scalar(known: Range) -> str:
    """In the words of the kernel's log."""
    if known.constant is not None:
        return f"{known.constant:#x}"
    parts = [f"umin={known.low:#x}"] * (known.low > 0)
    parts += [f"umax={known.high:#x}"] * (known.high < (1 << known.bits) - 1)
    half = 1 << (known.bits - 1)
    if known.high >= half:
        parts += [f"smin={known.least:#x}"] * (known.least > -half)
        parts += [f"smax={known.most:#x}"] * (known.most < half - 1)
    if known.unknown not in ((1 << known.bits) - 1, (1 << known.high.bit_length()) - 1):
        parts.append(f"var_off=({known.value:#x}; {known.unknown:#x})")
    return f"scalar({','.join(parts)})"


def _symbolic_pointer(pointer: symbolic.SymbolicPointer, step: Walked, maps: Sequence[MapSpec]) -> str:
    region = pointer.region
    name = region.kind.value
    if region.map is not None and region.map < len(maps):
        name = f"{name}(map={maps[region.map].name})"
    name = "pkt_end" if pointer.end else name
    offset = pointer.offset
    if not isinstance(offset, int):
        return f"{name}+{_scalar(Ranges(conditions(step.assumed)).of(offset))}"
    distance = to_signed(offset, 64) - (o.STACK_SIZE if region.kind is symbolic.RegionKind.STACK else 0)
    if region.kind is symbolic.RegionKind.STACK:
        return f"fp{distance:+d}" if distance else "fp0"
    return f"{name}{distance:+d}" if distance else name
