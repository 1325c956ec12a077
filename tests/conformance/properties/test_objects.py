"""Property objects: every way of differing is told by its name, and what may differ is not an accusation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from conformance.kernel.jobs import LossReason, Lost
from conformance.kernel.peer.answers import CreatedMap, PeerAnswer, read_answer
from conformance.objects.accounts import of_peer, of_reading
from conformance.objects.reading import read
from conformance.observing.loss import Loss
from conformance.properties import health
from conformance.properties.judgement import Abstention, Agreement, Disagreement, Judgement
from conformance.properties.objects import compare
from ebpf.assembly import parse
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.objects import Generation
from ebpf.objects.parts import MapStyle, Part, Writing
from ebpf.objects.writer import write_object
from ebpf.program import Program
from ebpf.program_types import ProgramType
from generators.objects import ObjectFile
from generators.strategies import objects
from tests.ebpf.objects.talk import counter, hello
from tests.lying.peer import told

COUNTER = write_object([counter()], Writing(MapStyle.TYPES, debug=True))
NEW = Generation.LIBBPF_1
Lie = Callable[[PeerAnswer], PeerAnswer]


def judged(lie: Lie, data: bytes = COUNTER) -> list[Judgement]:
    return list(compare(read(data, NEW), lie(read_answer(told(data, NEW))), "libbpf 1"))


def signatures(found: list[Judgement]) -> list[str]:
    return [str(each.signature) for each in found if isinstance(each, Disagreement)]


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(objects())
def test_a_peer_that_reads_as_we_do_is_agreed_with(made: ObjectFile) -> None:
    for generation in (Generation.LIBBPF_0_3, NEW):
        ours, theirs = read(made.data, generation), read_answer(told(made.data, generation))
        found = list(compare(ours, theirs, generation.value))
        assert not any(isinstance(each, Disagreement) for each in found)
        assert of_reading(ours).splitlines()[0] in (
            of_peer(theirs).splitlines()[0],
            f"refused: {ours.refusal}",
        )


def first_program(**changes: Any) -> Lie:
    return lambda answer: replace(
        answer, programs=(replace(answer.programs[0], **changes), *answer.programs[1:])
    )


def first_load(**changes: Any) -> Lie:
    return lambda answer: replace(answer, loads=(replace(answer.loads[0], **changes), *answer.loads[1:]))


def first_create(**changes: Any) -> Lie:
    return lambda answer: replace(
        answer, creates=(replace(answer.creates[0], **changes), *answer.creates[1:])
    )


@pytest.mark.parametrize(
    ("lie", "what"),
    [
        (lambda answer: PeerAnswer(-22, warnings=("libbpf: no",)), "looser"),
        (lambda answer: replace(answer, loaded=-22, loads=(), creates=()), "looser at load"),
        (lambda answer: replace(answer, programs=()), "programs"),
        (first_program(type=1), "programs"),
        (first_program(attach_type=1), "programs"),
        (first_program(name="other"), "programs"),
        (first_program(autoload=False), "programs"),
        (lambda answer: replace(answer, maps=()), "maps"),
        (lambda answer: replace(answer, maps=(replace(answer.maps[0], pinned=True),)), "maps"),
        (
            lambda answer: replace(answer, maps=(replace(answer.maps[0], words=(2, 4, 8, 255, 0, 0, 0)),)),
            "maps",
        ),
        (first_create(words=(1, 4, 8, 256, 0, 3, 4)), "map created"),
        (first_create(words=(2, 4, 8, 256, 0, 0, 0)), "map created"),
        (first_load(type=1), "load"),
        (first_load(flags=8), "load"),
        (first_load(license="BSD"), "load"),
        (first_load(func_info=b""), "func_info"),
        (first_load(instructions=(Insn(0x95),)), "instructions"),
        (lambda answer: replace(answer, loads=()), "programs loaded"),
    ],
)
def test_every_way_of_differing(lie: Lie, what: str) -> None:
    assert signatures(judged(lie)) == [f"objects:libbpf 1:{what}"]


@pytest.mark.parametrize(
    ("call", "same"),
    [
        (Insn(0x85, src=2, imm=55465), True),
        (Insn(0x85, src=2, off=3, imm=77), True),
        (Insn(0x85, imm=2_002_000_004), True),
        (Insn(0x85, imm=1), False),
        (Insn(0x85, src=1, imm=55465), False),
    ],
    ids=["the kernel's number", "a module's", "weak and absent", "a helper", "a subprogram"],
)
def test_kernel_functions_are_compared_by_name(call: Insn, same: bool) -> None:
    ours, theirs = read(COUNTER, NEW), read_answer(told(COUNTER, NEW))
    each, made, _ = ours.programs[0]
    at = next(slot for slot, insn in enumerate(each.instructions) if insn.opcode == 0x85)
    named = replace(
        each, instructions=with_call(each.instructions, at, Insn(0x85, src=2)), kfuncs=((at, "f"),)
    )
    answered = first_load(instructions=with_call(theirs.loads[0].instructions, at, call))(theirs)
    found = list(compare(replace(ours, programs=((named, made, ""),)), answered, "libbpf 1"))
    assert signatures(found) == ([] if same else ["objects:libbpf 1:instructions"])


def with_call(insns: tuple[Insn, ...], at: int, call: Insn) -> tuple[Insn, ...]:
    return (*insns[:at], call, *insns[at + 1 :])


def test_a_symbol_that_the_kernel_lacks_accuses_nobody() -> None:
    warning = "libbpf: extern (func ksym) 'f': not found in kernel or module BTFs"
    found = judged(lambda answer: replace(answer, loaded=-22, loads=(), creates=(), warnings=(warning,)))
    assert found[-1] == Abstention("a symbol that this kernel does not have")


def test_an_instruction_that_is_relocated_elsewhere_is_named() -> None:
    def lie(answer: PeerAnswer) -> PeerAnswer:
        insns = list(answer.loads[0].instructions)
        at = next(n for n, insn in enumerate(insns) if insn.opcode == 0x18)
        insns[at] = replace(insns[at], imm=7)
        return first_load(instructions=tuple(insns))(answer)

    (found,) = [each for each in judged(lie) if isinstance(each, Disagreement)]
    assert str(found.signature) == "objects:libbpf 1:instructions"
    assert found.statement.startswith("instructions: ours slot 8: ")


def test_refused_by_us_alone() -> None:
    data = COUNTER[: len(COUNTER) // 2]
    opened = replace(read_answer(told(COUNTER, NEW)), loaded=0)
    (found,) = compare(read(data, NEW), opened, "libbpf 1")
    assert isinstance(found, Disagreement)
    assert str(found.signature) == "objects:libbpf 1:stricter"
    assert "takes it, and veridiff's reader refuses it: elf init: " in found.statement


def test_refused_by_us_for_a_reason_of_the_table() -> None:
    data = bytearray(COUNTER)
    data[20] = 2  # e_version
    (found,) = compare(read(bytes(data), NEW), read_answer(told(COUNTER, NEW)), "libbpf 1")
    assert found == Abstention("stricter on purpose: e_version other than EV_CURRENT")


def test_refused_by_both() -> None:
    data = COUNTER[:100]
    assert list(compare(read(data, NEW), read_answer(told(data, NEW)), "libbpf 1")) == [Agreement("refused")]


@pytest.mark.parametrize(
    ("lie", "reason"),
    [
        (lambda answer: PeerAnswer(died="SIGSEGV"), "libbpf 1 died of it while opening: SIGSEGV"),
        (
            lambda answer: replace(answer, loads=(), loaded=None, died="SIGSEGV"),
            "libbpf 1 died of it while loading: SIGSEGV",
        ),
        (
            lambda answer: replace(answer, warnings=("libbpf: BTF loading error: -22",)),
            "the kernel refuses the object's BTF, and libbpf goes on without",
        ),
    ],
)
def test_what_cannot_be_compared(lie: Lie, reason: str) -> None:
    found = judged(lie)
    assert signatures(found) == []
    assert Abstention(reason) in found


@pytest.mark.parametrize(
    "lie",
    [
        # The kernel refuses the program, and libbpf tries again with a log.
        lambda answer: replace(
            answer, loads=(answer.loads[0], replace(answer.loads[0], errno=13)), loaded=-13
        ),
        # The kernel refuses a map, with types and without.
        lambda answer: replace(
            answer,
            loads=(),
            loaded=-22,
            creates=(replace(answer.creates[0], errno=22), CreatedMap("my_map", (2, 4, 8, 256, 0, 0, 0), 22)),
        ),
        # libbpf asks what the kernel has.
        lambda answer: replace(
            answer,
            creates=(CreatedMap("libbpf_global", (2, 4, 8, 1, 0, 0, 0), 0), *answer.creates),
            loads=tuple(replace(each, instructions=moved(each.instructions)) for each in answer.loads),
        ),
    ],
)
def test_what_is_no_difference(lie: Lie) -> None:
    found = judged(lie)
    assert signatures(found) == []
    assert any(isinstance(each, Agreement) for each in found)


def moved(insns: tuple[Insn, ...]) -> tuple[Insn, ...]:
    """With one more map created before the object's."""
    return tuple(replace(insn, imm=1) if insn.opcode == 0x18 and insn.src == 1 else insn for insn in insns)


def test_a_program_with_a_probes_name_is_not_compared() -> None:
    data = write_object([replace(hello(), name="test")])
    assert Abstention("a name that libbpf gives to its own probes") in judged(lambda answer: answer, data)


def test_a_legacy_map_is_refused_since_libbpf_1() -> None:
    data = write_object([counter()], Writing(MapStyle.LEGACY))
    (found,) = compare(read(data, NEW), read_answer(told(data, Generation.LIBBPF_0_3)), "libbpf 1")
    assert isinstance(found, Disagreement)
    assert "legacy map definitions" in found.statement


def _lost(lost: Lost) -> list[Judgement]:
    return list(health.judge_loss(Loss(lost, None)))


def test_a_lost_machine_accuses_the_kernel_only_where_it_died() -> None:
    (found,) = _lost(Lost(LossReason.PANIC, ""))
    assert isinstance(found, Disagreement)
    assert (found.kind, str(found.signature)) == ("health", "health:lost:panic")
    console = "BUG: kernel NULL pointer dereference\nRIP: 0010:check_kfunc_args+0x10fb/0x3350\n"
    (placed,) = _lost(Lost(LossReason.PANIC, console))
    assert isinstance(placed, Disagreement)
    assert str(placed.signature) == "health:lost:panic:check_kfunc_args"
    for reason in (LossReason.HANG, LossReason.PROTOCOL):
        assert _lost(Lost(reason, "")) == [Abstention("the virtual machine was lost")]


def test_maps_that_share_a_name_are_not_told_apart() -> None:
    """What was created is known by name only."""
    code = parse(["r1 = map[1]", "r0 = 0", "exit"])
    maps = (MapSpec(MapType.ARRAY, 4, 8, 1, name="a"), MapSpec(MapType.ARRAY, 4, 8, 1, name="b"))
    data = write_object([Part("f", Program(ProgramType.SOCKET_FILTER, code, maps))])
    ours, theirs = read(data, NEW), read_answer(told(data, NEW))
    assert signatures(list(compare(ours, theirs, "libbpf 1"))) == []
    assert ours.opened is not None
    both = tuple(replace(each, spec=replace(each.spec, name="a")) for each in ours.opened.maps)
    ours = replace(ours, opened=replace(ours.opened, maps=both))
    theirs = replace(
        theirs,
        maps=tuple(replace(each, name="a") for each in theirs.maps),
        creates=tuple(replace(each, name="a") if each.name == "b" else each for each in theirs.creates),
    )
    assert signatures(list(compare(ours, theirs, "libbpf 1"))) == []


@pytest.mark.parametrize("types", [(0, 0), (0, 7)])
def test_a_queue_is_first_tried_with_types_by_old_libbpf(types: tuple[int, int]) -> None:
    """Which the kernel refuses; libbpf 1 does not try.  Its other words are compared all the same."""
    code = parse(["r1 = map[0]", "r0 = 0", "exit"])
    queue = MapSpec(MapType.QUEUE, 0, 16, 4, name="q")
    data = write_object([Part("f", Program(ProgramType.SOCKET_FILTER, code, (queue,)))])
    tried = first_create(words=(22, 0, 16, 4, 0, *types))
    assert signatures(judged(tried, data)) == []
    assert signatures(judged(first_create(words=(22, 0, 8, 4, 0, *types)), data)) != []
