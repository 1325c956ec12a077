"""Programs from bytes, and smaller ones."""

from __future__ import annotations

import random

from conformance.campaign.source import BUFFER, program_source
from ebpf.isa import opcodes as o
from generators.profiles import Profile
from generators.programs import Generated

PROFILE = Profile()
NEG64 = o.NEG | o.ALU64


def buffers(count: int) -> list[bytes]:
    return [random.Random(number).randbytes(BUFFER) for number in range(count)]


def test_the_same_bytes_make_the_same_program() -> None:
    one, other = program_source(PROFILE), program_source(PROFILE)
    first = [one.generate(buffer) for buffer in buffers(30)]
    assert [other.generate(buffer) for buffer in reversed(buffers(30))] == first[::-1]
    assert len({repr(generated) for generated in first}) == 30


def test_too_few_bytes_make_none() -> None:
    assert program_source(PROFILE).generate(b"") is None


def has_negation(generated: Generated) -> bool:
    return any(insn.opcode == NEG64 for insn in generated.case.program.instructions)


def test_a_small_example_is_found() -> None:
    source = program_source(Profile(near_misses_in=0, daring_in=0))
    buffer = next(
        b
        for b in buffers(200)
        if (g := source.generate(b)) and has_negation(g) and len(g.case.program.instructions) > 40
    )
    before = source.generate(buffer)
    after = source.shrink(buffer, has_negation, 8.0)
    assert before is not None
    assert after is not None
    assert has_negation(after)
    assert len(after.productions) < len(before.productions)
    assert len(after.case.program.instructions) <= 40


def test_what_does_not_fail_again_is_not_shrunk() -> None:
    """A disagreement that does not repeat is no reason for the worker to stop."""
    assert program_source(PROFILE).shrink(buffers(1)[0], lambda generated: False, 2.0) is None


def test_what_stops_failing_halfway_keeps_the_smallest() -> None:
    source = program_source(PROFILE)
    answers = iter([True] * 5)
    assert source.shrink(buffers(1)[0], lambda generated: next(answers, False), 4.0) is not None


def test_no_time_is_no_example() -> None:
    assert program_source(PROFILE).shrink(buffers(1)[0], lambda generated: True, 0.0) is None
