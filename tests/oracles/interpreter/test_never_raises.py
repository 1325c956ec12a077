"""Whatever the bytes, a run ends in an outcome."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st

from ebpf.assembly import parse
from ebpf.helper_names import HELPER_NAMES, HELPER_NUMBERS
from ebpf.isa import Insn, decode
from ebpf.isa.table import FORMS
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from ebpf.rules import RULES
from oracles.interpreter import Abstained, Returned, Step, Trapped, run
from oracles.interpreter.environment import Addresses
from oracles.interpreter.runs import STEP_LIMIT

OPCODES = st.one_of(st.sampled_from([form.opcode for form in FORMS]), st.integers(0, 255))
NEAR = st.one_of(st.integers(-12, 12), st.sampled_from([-32768, 32767]), st.integers(-600, 600))
IMMEDIATES = st.one_of(
    st.integers(-12, 200),
    st.sampled_from(
        [16, 32, 64, 1 << 16, 0xE1, 0xF1, 0x100, 0x110, -0x100000, -0x200001, 0x7FFFFFFF, -0x80000000]
    ),
)
PLAUSIBLE = st.builds(Insn, OPCODES, st.integers(0, 12), st.integers(0, 12), NEAR, IMMEDIATES)
ANYTHING = st.binary(min_size=8, max_size=8).map(lambda code: decode(code)[0])
SLOTS = st.lists(st.one_of(PLAUSIBLE, PLAUSIBLE, ANYTHING), min_size=1, max_size=24).map(tuple)
MAPS = (
    MapSpec(MapType.ARRAY, 4, 16, 3), MapSpec(MapType.HASH, 4, 8, 2), MapSpec(MapType.ARENA, 0, 0, 10),
    MapSpec(MapType.INSN_ARRAY, 4, 16, 4),
    MapSpec(MapType.PROG_ARRAY, 4, 4, 4), MapSpec(MapType.RINGBUF, 0, 0, 4096),
    MapSpec(MapType.ARRAY, 4, 0xFFFF_FFFF, 0xFFFF_FFFF),
    MapSpec(MapType.LRU_HASH, 4, 8, 1),
)  # fmt: skip
TYPES = st.sampled_from([kind for kind in ProgramType if kind is not ProgramType.UNSPEC])
PREFIX = (
    Insn(0xBF, 6, 1),
    Insn(0xB7, 0),
    Insn(0x7A, 10, 0, -8, 3),
    Insn(0xBF, 2, 10),
    Insn(0x07, 2, 0, 0, -8),
    Insn(0x18, 1, 1, 0, 0),
    Insn(0),
)
"""R6 the context, R0 zero, R2 the stack, R1 a map: programs that start so get further."""
INPUTS = st.builds(
    Input,
    st.one_of(st.binary(max_size=80), st.integers(0, 200).map(bytes)),
    st.one_of(st.just(b""), st.binary(max_size=200)),
    st.lists(st.integers(-1, 1 << 64), max_size=3).map(tuple),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any slots, behind a prefix that gives some registers content or not."""
    slots = draw(SLOTS)
    if draw(st.booleans()):
        maps = draw(st.integers(0, len(MAPS) - 1))
        slots = (*PREFIX[:5], Insn(0x18, 1, draw(st.integers(1, 2)), 0, maps), *PREFIX[6:], *slots)
    kind = draw(
        st.one_of(st.sampled_from([ProgramType.SOCKET_FILTER, ProgramType.XDP, ProgramType.SCHED_CLS]), TYPES)
    )
    return Case(Program(kind, slots, MAPS), (draw(INPUTS),), draw(st.sampled_from([None, ()])))


@settings(max_examples=500)
@given(cases(), st.sampled_from(Addresses))
def test_any_program(case: Case, addresses: Addresses) -> None:
    trace: list[Step] = []
    outcome = run(case, case.inputs[0], limit=300, trace=trace, addresses=addresses)
    assert outcome == run(case, case.inputs[0], limit=300, addresses=addresses)
    if isinstance(outcome, Returned):
        assert 0 <= outcome.r0 < 1 << 64
        assert len(outcome.packet) == len(case.inputs[0].packet)
        assert len(outcome.maps) == len(MAPS)
        assert trace
    elif isinstance(outcome, Trapped):
        assert RULES[outcome.rule.name] is outcome.rule
        assert outcome.detail
    else:
        assert isinstance(outcome, Abstained)
        assert outcome.reason
    for step in trace:
        assert all(not isinstance(value, int) or 0 <= value < 1 << 64 for value in step.registers)
        assert len(step.stack.data) == len(step.stack.written) == 512


ARGUMENTS = (
    "{} = r6", "{} = r7", "{} = r8", "{} = r9", "{} = 0", "{} = 8", "{} = 16", "{} = -1",
    "{} = 0x7fffffffffff", "{} = map[0]",
    "{} = map[1]", "{} = map[2]", "{} = map[3]", "{} = map[4]", "{} = map[5]", "{} = map[6][0]+4",
    "{} = subprog[+{}]",
    "{} = *(u64 *)(r6 +168)", "{} = *(u32 *)(r6 +76)", "{} = *(u64 *)(r6 +64)", "",
)  # fmt: skip
"""What a helper is given; R6 is the context, R7 the stack, R8 a map value, R9 what the last helper gave."""
KEPT = (
    MapSpec(MapType.ARRAY, 4, 16, 2), MapSpec(MapType.HASH, 4, 8, 2, contents=((bytes(4), bytes(8)),)),
    MapSpec(MapType.RINGBUF, 0, 0, 4096), MapSpec(MapType.QUEUE, 0, 8, 2), MapSpec(MapType.SOCKMAP, 4, 4, 1),
    MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 1, inner=MapSpec(MapType.ARRAY, 4, 4, 1)),
    MapSpec(MapType.ARRAY, 4, 32, 1, fields=(MapField(4, MapFieldKind.SPIN_LOCK),
                                             MapField(16, MapFieldKind.TIMER))),
    MapSpec(MapType.CGROUP_STORAGE, 16, 8, 0),
)  # fmt: skip


@st.composite
def calls(draw: st.DrawFn) -> Case:
    """Some calls of any helpers with arguments that may even fit, and a load through what they give."""
    code = [
        "r6 = r1",
        "r7 = r10",
        "r7 += -16",
        "*(u64 *)(r7 +0) = 0",
        "*(u64 *)(r7 +8) = 0",
        "r8 = map[0][0]+0",
        "r9 = 0",
    ]
    for _ in range(draw(st.integers(1, 3))):
        for register in range(1, 6):
            text = draw(st.sampled_from(ARGUMENTS))
            if text:
                code.append(text.format(f"r{register}", 0))
        name = draw(st.sampled_from(HELPER_NAMES[1:]))
        code += [f"call bpf_{name}#{HELPER_NUMBERS[name]}", "if r0 == 0 goto pc+1", "r9 = r0"]
    code += [
        f"r0 = *(u{draw(st.sampled_from([8, 32, 64]))} *)(r9 +{draw(st.sampled_from([0, 4, 8]))})",
        "r0 = 0",
        "exit",
    ]
    data = Input(
        bytes(64),
        draw(st.sampled_from([b"", bytes([1] * 192)])),
        tuple(draw(st.lists(st.integers(0, 2), max_size=4))),
    )
    return Case(Program(draw(TYPES), parse(code), KEPT), (data,), draw(st.sampled_from([None, ()])))


@settings(max_examples=500)
@given(calls(), st.integers(0, 3))
def test_any_helper(case: Case, seed: int) -> None:
    outcome = run(case, case.inputs[0], limit=300, seed=seed)
    assert isinstance(outcome, Returned | Trapped | Abstained)
    assert outcome == run(case, case.inputs[0], limit=300, seed=seed)


@given(st.binary(min_size=8, max_size=200).filter(lambda code: len(code) % 8 == 0))
def test_any_bytes(code: bytes) -> None:
    case = Case(Program(ProgramType.SOCKET_FILTER, decode(code)))
    assert isinstance(run(case, Input(), limit=200), Returned | Trapped | Abstained)


def test_the_corpus_programs_with_registers_above_ten() -> None:
    """Ids 129 to 133, 757 and 1147 of the kernel's own tests do this."""
    for regs in (0x0B, 0xB0, 0xFF):
        code = struct.pack("<BBhi", 0xBF, regs, 0, 0) + struct.pack("<BBhi", 0x95, 0, 0, 0)
        outcome = run(Case(Program(ProgramType.SOCKET_FILTER, decode(code))), Input(), limit=STEP_LIMIT)
        assert isinstance(outcome, Trapped)
        assert (outcome.rule.name, outcome.at) == ("reserved-field", 0)
