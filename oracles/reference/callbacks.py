"""bpf_loop: a helper that calls the program back, one iteration after the other."""

from __future__ import annotations

import z3

from ebpf import rules
from oracles.reference import calls
from oracles.reference.arguments import Arguments
from oracles.reference.explorer import Explorer
from oracles.reference.registers import is_pointer, number, read
from oracles.reference.state import Loop, State
from oracles.reference.terms import Term, equal, negation
from oracles.reference.values import UNDEFINED

MAX_LOOPS = 8 * 1024 * 1024
"""BPF_MAX_LOOPS, include/linux/bpf.h."""


def loop(x: Explorer, s: State, found: Arguments) -> list[State]:
    """bpf_loop(nr_loops, callback, context, flags)."""
    count, _, argument, flags = found.values[:4]
    assert found.function is not None
    number_ = number(s, count)
    turns: Term = number_ & 0xFFFF_FFFF if isinstance(number_, int) else z3.ZeroExt(32, z3.Extract(31, 0, number_))
    paths: list[State] = []
    bad, s_or_none = x.branch(s, negation(equal(number(s, flags), 0)))
    if bad is not None:
        bad.scratch()
        bad.registers[0] = -22 & (1 << 64) - 1
        bad.pc += 1
        paths.append(bad)
    if s_or_none is None:
        return paths
    over, s_or_none = x.branch(s_or_none, turns > MAX_LOOPS if isinstance(turns, int) else z3.UGT(turns, MAX_LOOPS))
    if over is not None:
        over.scratch()
        over.registers[0] = -7 & (1 << 64) - 1
        over.pc += 1
        paths.append(over)
    if s_or_none is not None:
        turn = Loop(s_or_none.pc, found.function, 0, argument, turns)
        paths = [*_turn(x, s_or_none, turn), *paths]
    return paths


def _turn(x: Explorer, s: State, turn: Loop) -> list[State]:
    """The next iteration, or the end of the loop; the current frame is the caller's."""
    turns = turn.extra
    assert isinstance(turns, int | z3.BitVecRef)
    more, done = x.branch(s, turn.iteration < turns if isinstance(turns, int) else z3.ULT(turn.iteration, turns))
    paths = []
    if more is not None:
        more.registers[1:6] = [turn.iteration, turn.argument, UNDEFINED, UNDEFINED, UNDEFINED]
        calls.enter(x, more, turn.entry, turn.call, Loop(turn.call, turn.entry, turn.iteration, turn.argument, turns))
        paths.append(more)
    if done is not None:
        done.scratch()
        done.registers[0] = turn.iteration
        done.pc = turn.call + 1
        paths.append(done)
    return paths


def called_back(x: Explorer, s: State, turn: Loop) -> list[State]:
    """A callback exits: R0 says whether the loop goes on."""
    result = read(x, s, 0)
    if is_pointer(result):
        x.violation(s, rules.RETURN_RANGE, "the callback returned a pointer")
    bits = number(s, result)
    x.require(s, 0 <= bits <= 1 if isinstance(bits, int) else z3.ULE(bits, 1), rules.RETURN_RANGE, "the callback's result")
    calls.pop(s)
    s.scratch()
    stop, on = x.branch(s, bits != 0)
    paths = []
    if on is not None:
        paths += _turn(x, on, Loop(turn.call, turn.entry, turn.iteration + 1, turn.argument, turn.extra))
    if stop is not None:
        stop.scratch()
        stop.registers[0] = turn.iteration + 1
        stop.pc = turn.call + 1
        paths.append(stop)
    return paths
