"""The path machine computes what the interpreter does, on numbers and on symbols."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import pairwise

import pytest
import z3

from conformance.properties.transfer.inputs import header, words_of
from ebpf.assembly import parse
from ebpf.byte_order import ByteOrder
from ebpf.isa import opcodes as o
from ebpf.machine import TargetMachine
from ebpf.program import Case
from ebpf.program_types import ProgramType
from generators.experiments import WIDTH, build
from generators.profiles import Profile
from oracles.interpreter import Returned, Step, run
from oracles.interpreter.runs import STEP_LIMIT
from oracles.paths import NotModelled, PathMachine, symbols
from oracles.terms.term import Condition, z

PROFILE = Profile(linux=(7, 3), inputs=4)
SKIPPED = header(ProgramType.SOCKET_FILTER) or 0


ORDERS = pytest.mark.parametrize("order", ByteOrder, ids=lambda order: order.value)


def drawn(seed: int, order: ByteOrder) -> Case:
    rng, profile = random.Random(seed), replace(PROFILE, machine=TargetMachine(order))
    return build(rng.getrandbits(64), [rng.getrandbits(WIDTH) for _ in range(1 + seed % 4)], profile).case


def driven(
    case: Case, trace: list[Step], words: tuple[z3.BitVecRef | int, ...]
) -> tuple[PathMachine, list[Condition]]:
    """The machine after the run's path, and the conditions under which it is taken."""
    machine, conditions = PathMachine(words, case.program.byte_order), []
    insns = case.program.instructions
    for step, following in pairwise(trace):
        insn = insns[step.at]
        if insn.opcode & o.CLASS_MASK in (o.JMP, o.JMP32) and insn.opcode & o.OP_MASK not in (o.CALL, o.JA):
            taken = machine.condition(insn)
            fell = following.at == step.at + 1
            conditions.append(
                z3.Not(taken)
                if fell and not isinstance(taken, bool)
                else (taken is not fell if fell else taken)
            )
        else:
            machine.step(insn, insns[step.at + 1])
        for register, value in enumerate(step.registers):
            mine = machine.registers[register]
            if isinstance(mine, int) and isinstance(value, int):
                assert mine == value, (step.at, register)
    return machine, conditions


@ORDERS
@pytest.mark.parametrize("seed", range(120))
def test_numbers(seed: int, order: ByteOrder) -> None:
    """Every register after every instruction of every run."""
    case = drawn(seed, order)
    for data in case.inputs:
        words, trace = words_of(data, SKIPPED, order), list[Step]()
        assert isinstance(run(case, data, trace=trace, limit=STEP_LIMIT), Returned)
        if words is not None:
            _, conditions = driven(case, trace, words)
            assert all(condition is True for condition in conditions)


@ORDERS
@pytest.mark.parametrize("seed", range(40))
def test_symbols(seed: int, order: ByteOrder) -> None:
    """The terms, with the run's input put in, are the run's values; its path condition holds."""
    case = drawn(seed, order)
    for data in case.inputs:
        words, trace = words_of(data, SKIPPED, order), list[Step]()
        run(case, data, trace=trace, limit=STEP_LIMIT)
        if words is None:
            continue
        machine, conditions = driven(case, trace, symbols(8))
        given = [(z(symbol), z3.BitVecVal(word, 64)) for symbol, word in zip(symbols(8), words, strict=True)]
        for condition in conditions:
            assert condition is True or z3.is_true(z3.simplify(z3.substitute(condition, *given)))
        for register, value in enumerate(trace[-2].registers):
            mine = machine.registers[register]
            if isinstance(value, int) and isinstance(mine, int | z3.BitVecRef):
                assert z3.simplify(z3.substitute(z(mine), *given)).as_long() == value


@pytest.mark.parametrize(
    "text",
    [
        "r1 *= 2",
        "r0 = *(u32 *)(r1 +8)",
        "r0 = *(u64 *)(r10 -8)",
        "call bpf_ktime_get_ns#5",
        "r2 = r10\nr2 -= r1",
        "r2 = 0\nr2 += r3",
        "*(u64 *)(r1 +8) = 1",
    ],
)
def test_what_is_not_modelled_is_said(text: str) -> None:
    machine = PathMachine(symbols(8), ByteOrder.LITTLE)
    *before, last = parse(text.splitlines())
    for insn in before:
        machine.step(insn, None)
    with pytest.raises(NotModelled):
        machine.step(last, None)


def test_what_the_kernel_decides_is_not_modelled() -> None:
    (jump,) = parse(["may_goto pc+1"])
    with pytest.raises(NotModelled):
        PathMachine(symbols(8), ByteOrder.LITTLE).condition(jump)


def test_a_fork_is_independent() -> None:
    machine = PathMachine(symbols(8), ByteOrder.LITTLE)
    other = machine.fork()
    for insn in parse(["r0 = 1", "*(u8 *)(r10 -8) = 7"]):
        machine.step(insn, None)
    assert machine.registers[0] == 1
    assert machine.read(-8, 1) == 7
    assert other.registers[0] is None
    assert other.read(-8, 1) is None
