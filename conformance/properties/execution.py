"""Execution: JIT, hardened JIT, the kernel's interpreter and ours run one program on one input; outcomes are
held together.

Compared are the 32 bits of R0 that BPF_PROG_TEST_RUN returns, all map contents (generated programs store
every register to a map, all 64 bits), and the packet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from conformance.kernel.jobs import Jit, LossReason
from conformance.observing.loss import Loss
from conformance.observing.observation import Observation
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from ebpf import casefile
from ebpf.byte_order import ByteOrder
from ebpf.contexts import CONTEXTS
from ebpf.domains.limits import signed32
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.maps import MapFieldKind, MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from ebpf.signature import Signature
from ebpf.test_runs import ATTACHED, GIVES_PACKET
from ebpf.wording import in_bytes
from oracles.interpreter import Outcome, Returned, Step
from reports.records import AloneReturns, Left, MapEntry, Returns, Right, Untellable

KIND = "execution"
OURS = "our interpreter"
HIGH_HALF = "high-half"
"""Part of a signature: only upper halves of registers differ, under BPF_F_TEST_RND_HI32."""
ENGINES = {Jit.ON: "JIT", Jit.OFF: "kernel interpreter", Jit.HARDENED: "hardened JIT"}
DATA_END = 80
"""``struct __sk_buff`` (include/uapi/linux/bpf.h)."""


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What a run left behind, as far as it is compared."""

    engine: str
    r0: int
    maps: tuple[tuple[tuple[bytes, bytes], ...] | None, ...]
    packet: bytes


def judge(observation: Observation) -> Iterator[Judgement]:
    """One judgement per input and engine of the kernel."""
    if not observation.accepted:
        yield Abstention("not accepted")
        return
    reason = _unlike_a_hook(observation.case.program)
    if reason:
        yield Abstention(reason)
        return
    for number, (outcome, trace) in enumerate(observation.runs):
        if observation.case.inputs[number].helpers:
            yield Abstention("scripted helper results cannot be imposed on a kernel")
        elif not isinstance(outcome, Returned):
            yield Abstention("the interpreter gives no result")
        elif not outcome.predictable:
            yield Abstention("the outcome depends on unpredictable values")
        else:
            ours = EngineResult(
                OURS,
                outcome.r0 & 0xFFFF_FFFF,
                left_in_maps(observation.case, outcome.maps),
                beyond_link(observation, outcome.packet),
            )
            yield from _compare(observation, number, ours, trace)


def judge_loss(loss: Loss) -> Iterator[Judgement]:
    """A run that does not come back, of a program that was loaded at once and ends after a few thousand
    instructions."""
    loaded = loss.loaded
    hangs = loss.lost.reason is LossReason.HANG and loaded is not None and loaded.accepted
    if loaded is None or not hangs or not all(_ends(outcome) for outcome, _ in loaded.runs):
        yield Abstention("the virtual machine was lost")
        return
    yield Disagreement(
        Signature(KIND, ("hang", "run")),
        "the program is loaded at once, but a run of it does not come back; "
        "the interpreter ends on every input",
        right=Untellable("who runs it waits for its end"),
    )


def _ends(outcome: Outcome) -> bool:
    return isinstance(outcome, Returned) and outcome.predictable


def _unlike_a_hook(program: Program) -> str:
    """What BPF_PROG_TEST_RUN keeps from the program that a hook would give it (net/bpf/test_run.c); empty for
    nothing."""
    if program.type in ATTACHED:
        return f"a test run of {program.type.name.lower()} programs calls what they are attached to, not them"
    if program.type is ProgramType.CGROUP_SKB and any(
        insn.opcode == o.LDX | o.MEM | o.W and insn.off == DATA_END for insn in program.instructions
    ):
        return "a test run gives cgroup_skb programs no data_end"
    if program.type is ProgramType.FLOW_DISSECTOR and any(
        insn.opcode == o.CALL | o.JMP for insn in program.instructions
    ):
        return "a test run gives flow_dissector programs no socket buffer"
    return ""


def _compare(
    observation: Observation, number: int, ours: EngineResult, trace: tuple[Step, ...]
) -> Iterator[Judgement]:
    results: list[EngineResult] = []
    for attempt, loaded in zip(observation.question.attempts, observation.answer.attempts, strict=False):
        engine = ENGINES[attempt.jit]
        if loaded.errno or number >= len(loaded.runs):
            yield Abstention(f"{engine}: not loaded")
            continue
        if (attempt.jit is Jit.OFF) != (loaded.jited_length == 0):
            yield Abstention(f"{engine}: not available")
            continue
        run = loaded.runs[number]
        if run.errno:
            yield Abstention(f"{engine}: test run failed with errno {run.errno}")
            continue
        results.append(
            EngineResult(
                engine,
                run.retval,
                left_in_maps(observation.case, run.maps),
                beyond_link(observation, run.packet),
            )
        )
    order = observation.byte_order
    wrong = [result for result in results if difference(ours, result, order)]
    if not wrong:
        yield from (Agreement() for _ in results)
        return
    right = [result.engine for result in results if result not in wrong]
    found = difference(ours, wrong[0], order)
    assert found is not None
    culprit = _last_writer(trace, found.register, observation)
    names = " and ".join(f"the {result.engine}" for result in wrong)
    against = " and ".join([OURS, *(f"the {engine}" for engine in right)])
    form = observation.form_name(culprit) if culprit is not None else "unknown"
    only: tuple[str, ...] = ()
    hardened_alone = all(result.engine == ENGINES[Jit.HARDENED] for result in wrong)
    if hardened_alone and _only_high_half(ours, wrong[0], observation.byte_order):
        # BPF_F_TEST_RND_HI32 fills the upper half of whatever the verifier says is not read there.
        form, only = "", (HIGH_HALF,)
    yield Disagreement(
        Signature(KIND, (_blame([result.engine for result in wrong], right), *only), form),
        f"on input {number} {names} {'leave' if len(wrong) > 1 else 'leaves'} "
        f"{found.read(wrong[0])} in {found.place}, where {against} "
        f"{'leave' if right else 'leaves'} {found.read(ours)}",
        culprit,
        number,
        left=tuple(
            Left(each.engine, found.place, found.read(each), each in wrong) for each in (ours, *results)
        ),
        right=what_is_right(observation.case.program, ours, wrong),
    )


def alone(observation: Observation, number: int, culprit: int) -> AloneReturns | None:
    """The instruction to blame by itself, on what the run gave it: a program that returns both halves of its
    result, one xor the other.

    Only of arithmetic on numbers, and where the run comes by it once.
    """
    trace = observation.runs[number][1]
    steps = [n for n in range(1, len(trace)) if trace[n].at == culprit]
    insn = observation.case.program.instructions[culprit]
    if len(steps) != 1 or insn.opcode & o.CLASS_MASK not in (o.ALU, o.ALU64):
        return None
    before, result = trace[steps[0] - 1].registers, trace[steps[0]].registers[insn.dst]
    operation = insn.opcode & o.OP_MASK
    reads = set() if operation == o.MOV else {insn.dst}
    if insn.opcode & o.SOURCE_MASK == o.X and operation != o.END:
        reads.add(insn.src)
    given = [(register, value) for register in sorted(reads) if isinstance(value := before[register], int)]
    if not isinstance(result, int) or len(given) != len(reads):
        return None
    high, low = (1, 0) if insn.dst == 0 else (0, insn.dst)
    program = Program(
        ProgramType.SOCKET_FILTER,
        (
            *(half for register, value in given for half in _constant(register, value)),
            insn,
            Insn(o.MOV | o.X | o.ALU64, high, low),
            Insn(o.RSH | o.K | o.ALU64, high, imm=32),
            Insn(o.XOR | o.X | o.ALU64, 0, low or high),
            Insn(o.EXIT | o.JMP),
        ),
    )
    case = Case(program, (Input(bytes(64)),))
    return AloneReturns(casefile.to_plain(case), (result >> 32 ^ result) & 0xFFFF_FFFF)


def _constant(register: int, value: int) -> tuple[Insn, Insn]:
    return Insn(o.LD_IMM64, register, imm=signed32(value)), Insn(0, imm=signed32(value >> 32))


def what_is_right(program: Program, ours: EngineResult, wrong: list[EngineResult]) -> Right:
    """What every run leaves, of all that one of the wrong ones leaves otherwise.  Values with the head of a
    list are left out, as a reproducer reads a value whole, and the links with it (:func:`left_in_maps`)."""
    linked = {
        index
        for index, spec in enumerate(program.maps)
        if any(field.kind is MapFieldKind.LIST_HEAD for field in spec.fields)
    }
    entries = {
        (index, key): dict(mine).get(key)
        for each in wrong
        for index, (mine, other) in enumerate(zip(ours.maps, each.maps, strict=False))
        if mine is not None and other is not None and index not in linked
        for key in sorted(dict(mine).keys() | dict(other).keys())
        if key and dict(mine).get(key) != dict(other).get(key)
    }
    packet = ours.packet if any(each.packet != ours.packet for each in wrong) else None
    if not entries and packet is None and all(each.r0 == ours.r0 for each in wrong):
        return Untellable("what differs is in a queue, which reading empties, or beside the head of a list")
    return Returns(
        ours.r0,
        tuple(each.engine for each in wrong),
        tuple(MapEntry(index, key, value) for (index, key), value in entries.items()),
        packet,
        CONTEXTS[program.type].link_header if packet is not None else 0,
    )


def _only_high_half(ours: EngineResult, theirs: EngineResult, order: ByteOrder) -> bool:
    """Whether every eight-byte word of every map has the same low half on both sides."""
    for mine, other in zip(ours.maps, theirs.maps, strict=False):
        for (_, a), (_, b) in zip(mine or (), other or (), strict=False):
            low = 0 if order is ByteOrder.LITTLE else 4
            if any(a[n : n + 4] != b[n : n + 4] for n in range(low, len(a), 8)):
                return False
    return ours.r0 == theirs.r0


def _blame(wrong: list[str], right: list[str]) -> str:
    """The party that is wrong: the same whether the hardened JIT was asked too or not, where it fails as the
    plain one does."""
    if not right:
        return "kernel"
    return "+".join(
        engine for engine in wrong if engine != ENGINES[Jit.HARDENED] or ENGINES[Jit.ON] not in wrong
    )


def beyond_link(observation: Observation, packet: bytes) -> bytes:
    """What the program sees of a packet: a test run clears a link header that it hides; nothing of a type
    whose run gives no packet back."""
    kind = observation.case.program.type
    return packet[CONTEXTS[kind].link_header :] if kind in GIVES_PACKET else b""


@dataclass(frozen=True, slots=True)
class ResultDifference:
    """The first place in which two results differ, and what a result has there."""

    place: str
    read: Callable[[EngineResult], str]
    register: int | None = None
    """What the place is of: R0, or what the epilogue stores there."""


MapState = tuple[tuple[bytes, bytes], ...]
MapStates = tuple[MapState | None, ...]


WRITTEN_BY_KERNEL = frozenset({MapType.INSN_ARRAY})
"""Maps in whose values the kernel writes what hangs on the code it made of the program (struct
bpf_insn_array_value, include/uapi/linux/bpf.h, Linux 6.19: xlated_off, jitted_off)."""


def left_in_maps(case: Case, maps: MapStates) -> MapStates:
    """What the program left in maps.  None for what the kernel itself writes; special fields as zeros: who
    reads a value from outside gets lists and trees made anew in the copy, with its address
    (include/linux/bpf.h: bpf_obj_init, check_and_init_map_value)."""
    specs = case.program.maps
    if not any(spec.fields or spec.type in WRITTEN_BY_KERNEL for spec in specs):
        return maps
    return tuple(
        _left(held, specs[number]) if held is not None and number < len(specs) else held
        for number, held in enumerate(maps)
    )


def _left(held: MapState, spec: MapSpec) -> MapState | None:
    if spec.type in WRITTEN_BY_KERNEL:
        return None
    return tuple((key, _cleared(value, spec)) for key, value in held) if spec.fields else held


def _cleared(value: bytes, spec: MapSpec) -> bytes:
    cleared = bytearray(value)
    for field in spec.fields:
        cleared[field.offset : field.offset + field.kind.size] = bytes(field.kind.size)
    return bytes(cleared)


def difference(ours: EngineResult, theirs: EngineResult, order: ByteOrder) -> ResultDifference | None:
    """None when both are equal; words of map values are of that byte order."""
    for index, (mine, other) in enumerate(zip(ours.maps, theirs.maps, strict=False)):
        if mine is not None and other is not None and mine != other:
            found = _entries(index, dict(mine), dict(other), order, output=index == len(ours.maps) - 1)
            if found is not None:
                return found
    if ours.packet != theirs.packet:
        return _packets(ours.packet, theirs.packet)
    if ours.r0 != theirs.r0:
        return ResultDifference("R0", lambda result: f"0x{result.r0:x}", 0)
    return None


def _entries(
    index: int, mine: dict[bytes, bytes], other: dict[bytes, bytes], order: ByteOrder, *, output: bool
) -> ResultDifference | None:
    """What differs between two states of map ``index``; None when only their order does."""
    for key in (*sorted(mine.keys() ^ other.keys()), *mine):
        a, b = mine.get(key), other.get(key)
        if a == b:
            continue
        if a is None or b is None:
            return ResultDifference(f"map {index}, key {key.hex()}", partial(_is_there, index, key))
        word = next(n for n in range(0, len(a), 8) if a[n : n + 8] != b[n : n + 8])
        return ResultDifference(
            f"map {index}, key {key.hex()}, bytes {word} to {word + 7}",
            partial(_word_of, index, key, word, order),
            word // 8 if output and word < 80 else None,
        )
    return None


def _entry(index: int, key: bytes, result: EngineResult) -> bytes | None:
    entries = result.maps[index] if index < len(result.maps) else None
    return dict(entries or ()).get(key)


def _is_there(index: int, key: bytes, result: EngineResult) -> str:
    return "no entry" if _entry(index, key, result) is None else "an entry"


def _word_of(index: int, key: bytes, word: int, order: ByteOrder, result: EngineResult) -> str:
    value = _entry(index, key, result)
    return "no entry" if value is None else f"0x{order.number(value[word : word + 8]):x}"


def _packets(mine: bytes, other: bytes) -> ResultDifference:
    if len(mine) != len(other):
        return ResultDifference(
            "the packet behind its link header", lambda result: in_bytes(len(result.packet))
        )
    at = next(n for n, (a, b) in enumerate(zip(mine, other, strict=True)) if a != b)
    return ResultDifference(
        f"packet byte {at} behind the link header",
        lambda result: f"0x{result.packet[at]:02x}" if at < len(result.packet) else "no byte",
    )


def _last_writer(trace: tuple[Step, ...], register: int | None, observation: Observation) -> int | None:
    """The instruction that last gave ``register`` its value in the main program, before the epilogue stores
    it."""
    if register is None:
        return None
    for before, step in zip(reversed(trace[:-1]), reversed(trace[1:]), strict=True):
        insn = observation.case.program.instructions[step.at]
        writes = insn.opcode & o.CLASS_MASK not in (o.ST, o.JMP, o.JMP32)
        if (
            step.depth == 0
            and writes
            and insn.dst == register
            and step.registers[register] is not before.registers[register]
        ):
            return step.at
    return None
