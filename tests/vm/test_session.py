"""Answers of a real kernel."""

from __future__ import annotations

import pytest

from conformance.kernel.hello import Knob
from conformance.kernel.image import Image
from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer
from conformance.kernel.session import KernelSession
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import AttachType, ProgramType
from tests.conformance.kernel.cases import EXIT, PACKET, counting, entries, job, mov, returning

pytestmark = pytest.mark.vm


def answer(kernel: KernelSession, asked: Job) -> KernelAnswer:
    got = kernel.run(asked)
    assert isinstance(got, KernelAnswer), got
    assert not got.splats
    return got


def test_the_agent_names_the_kernel_of_the_image(kernel: KernelSession, image: Image) -> None:
    assert kernel.hello.release == image.version
    assert kernel.hello.knobs & Knob.JIT
    assert kernel.hello.knobs & Knob.UNPRIVILEGED


@pytest.mark.parametrize("jit", Jit)
def test_a_program_runs_in_every_mode(kernel: KernelSession, jit: Jit) -> None:
    loaded = answer(kernel, job(returning(7), Attempt(jit=jit))).attempts[0]
    assert loaded.errno == 0
    assert (loaded.jited_length > 0) == (jit is not Jit.OFF)
    assert [run.retval for run in loaded.runs] == [7]
    # of a type that does not see the Ethernet header, the kernel returns zeros for it (net/bpf/test_run.c,
    # bpf_prog_test_run_skb)
    assert loaded.runs[0].packet == bytes(14) + PACKET[14:]


@pytest.mark.parametrize(
    "map_type",
    [
        MapType.ARRAY,
        MapType.HASH,
        MapType.LRU_HASH,
        MapType.PERCPU_ARRAY,
        MapType.PERCPU_HASH,
        MapType.LRU_PERCPU_HASH,
    ],
)
def test_maps_are_refilled_before_and_read_after_every_run(kernel: KernelSession, map_type: MapType) -> None:
    case = counting(map_type, inputs=3)
    got = answer(kernel, job(case, Attempt(), Attempt(jit=Jit.OFF)))
    after = dict(case.program.maps[0].contents)
    after[(3).to_bytes(4, "little")] = (0x48).to_bytes(8, "little")
    for loaded in got.attempts:
        assert loaded.errno == 0, loaded.log
        assert [run.retval for run in loaded.runs] == [0x48] * 3
        for run in loaded.runs:
            assert run.maps[0] is not None
            assert dict(run.maps[0]) == after


def test_elements_a_run_added_are_gone_before_the_next(kernel: KernelSession) -> None:
    code = (
        Insn(0x61, 6, 1),  # r6 = skb->len: another key for each input
        Insn(0x63, 10, 6, -4),
        Insn(0x7A, 10, off=-16, imm=9),
        Insn(0x18, 1, 1),
        Insn(0),
        Insn(0xBF, 2, 10),
        Insn(0x07, 2, imm=-4),
        Insn(0xBF, 3, 10),
        Insn(0x07, 3, imm=-16),
        mov(4, 0),
        Insn(0x85, imm=2),  # bpf_map_update_elem
        EXIT,
    )
    spec = MapSpec(MapType.HASH, 4, 8, 4)
    case = Case(Program(ProgramType.SCHED_CLS, code, (spec,)), (Input(bytes(64)), Input(bytes(80))))
    runs = answer(kernel, job(case)).attempts[0].runs
    nine = (9).to_bytes(8, "little")
    assert [run.maps[0] for run in runs] == [((bytes([64, 0, 0, 0]), nine),), ((bytes([80, 0, 0, 0]), nine),)]


def test_a_queue_is_read_in_popping_order(kernel: KernelSession) -> None:
    contents = ((b"", b"\1\0\0\0"), (b"", b"\2\0\0\0"))
    specs = tuple([MapSpec(kind, 0, 4, 4, contents=contents) for kind in (MapType.QUEUE, MapType.STACK)])
    case = Case(Program(ProgramType.SOCKET_FILTER, (mov(0, 0), EXIT), specs), (Input(PACKET),) * 2)
    for run in answer(kernel, job(case)).attempts[0].runs:
        assert run.maps == (contents, contents[::-1])


def test_a_large_array_and_one_with_holes(kernel: KernelSession) -> None:
    contents = ((b"\5\0\0\0", b"\7" * 8), (b"\xff\xff\0\0", b"\1" * 8))
    case = Case(
        Program(
            ProgramType.SOCKET_FILTER,
            (mov(0, 0), EXIT),
            (MapSpec(MapType.ARRAY, 4, 8, 1 << 16, contents=contents),),
        ),
        (Input(PACKET),),
    )
    pairs = answer(kernel, job(case)).attempts[0].runs[0].maps[0]
    assert pairs is not None
    assert len(pairs) == 1 << 16
    assert tuple([pair for pair in pairs if any(pair[1])]) == contents


def test_frozen_contents_are_known_to_the_verifier(kernel: KernelSession) -> None:
    """What a case's read-only map holds, the verifier may take as constants."""
    code = (
        Insn(0x18, 1, 2),
        Insn(0),  # r1 = value of map 0
        Insn(0x79, 0, 1),
        Insn(0x15, 0, off=1, imm=0x40),  # never anything else ...
        Insn(0x79, 0, 1, 1 << 14),  # ... so this is not reached, and would not pass
        EXIT,
    )
    spec = MapSpec(MapType.ARRAY, 4, 8, 1, flags=1 << 7, contents=entries(1))
    loaded = answer(
        kernel, job(Case(Program(ProgramType.SOCKET_FILTER, code, (spec,)), (Input(PACKET),)))
    ).attempts[0]
    assert loaded.errno == 0, loaded.log
    assert loaded.runs[0].retval == 0x40


def test_a_map_in_map_holds_other_maps_of_the_case(kernel: KernelSession) -> None:
    inner = MapSpec(MapType.ARRAY, 4, 8, 64, contents=entries(64))
    outer = MapSpec(
        MapType.ARRAY_OF_MAPS,
        4,
        4,
        2,
        inner=MapSpec(MapType.ARRAY, 4, 8, 64),
        contents=((bytes(4), bytes(4)),),
    )
    code = (
        Insn(0x62, 10, off=-4),
        Insn(0xBF, 2, 10),
        Insn(0x07, 2, imm=-4),
        Insn(0x18, 1, 1, imm=1),
        Insn(0),
        Insn(0x85, imm=1),
        Insn(0x55, 0, off=1),
        EXIT,
        Insn(0xBF, 1, 0),
        Insn(0xBF, 2, 10),
        Insn(0x07, 2, imm=-4),
        Insn(0x85, imm=1),
        Insn(0x55, 0, off=1),
        EXIT,
        Insn(0x79, 0, 0),
        EXIT,
    )
    case = Case(Program(ProgramType.SOCKET_FILTER, code, (inner, outer)), (Input(PACKET),))
    loaded = answer(kernel, job(case)).attempts[0]
    assert loaded.errno == 0, loaded.log
    assert loaded.runs[0].retval == 0x40
    assert loaded.runs[0].maps[1] is None


def test_a_map_the_kernel_refuses_is_named(kernel: KernelSession) -> None:
    specs = (MapSpec(MapType.ARRAY, 4, 8, 1), MapSpec(MapType.ARRAY, 3, 8, 1))
    case = Case(Program(ProgramType.SOCKET_FILTER, (mov(0, 0), EXIT), specs))
    got = answer(kernel, job(case))
    assert got.map_errno == (1, 22)
    assert got.attempts == ()


def test_privilege_is_lowered_for_one_attempt_only(kernel: KernelSession) -> None:
    leak = Case(Program(ProgramType.SOCKET_FILTER, (Insn(0xBF, 0, 10), EXIT)))
    got = answer(
        kernel, job(leak, Attempt(run=False), Attempt(capabilities=(), run=False), Attempt(run=False))
    )
    assert [loaded.errno for loaded in got.attempts] == [0, 13, 0]
    assert "R0 leaks addr as return value" in got.attempts[1].log


def test_named_capabilities_suffice_for_what_they_allow(kernel: KernelSession) -> None:
    case = Case(Program(ProgramType.SCHED_CLS, (mov(0, 0), EXIT)))
    named = [
        Attempt(capabilities=names, run=False) for names in ((), ("CAP_BPF",), ("CAP_BPF", "CAP_NET_ADMIN"))
    ]
    assert [loaded.errno for loaded in answer(kernel, job(case, *named)).attempts] == [1, 1, 0]


def test_a_silent_refusal_is_asked_for_its_reason(kernel: KernelSession) -> None:
    case = Case(Program(ProgramType.SOCKET_FILTER, (EXIT,)))
    loaded = answer(kernel, job(case, Attempt(log_level=0))).attempts[0]
    assert loaded.errno == 13
    assert "R0 !read_ok" in loaded.log


def test_a_long_log_is_complete(kernel: KernelSession) -> None:
    code = tuple([mov(register % 6, register) for register in range(60000)])
    case = Case(Program(ProgramType.SOCKET_FILTER, (*code, EXIT)))
    loaded = answer(kernel, job(case, Attempt(log_level=2, run=False))).attempts[0]
    assert loaded.errno == 0
    assert len(loaded.log) > 1 << 20
    assert not loaded.log_truncated
    assert loaded.log.startswith(("0: ", "func#0 @0\n", "func"))
    assert loaded.verified == 60001


def test_a_log_beyond_the_cap_is_no_verdict(kernel: KernelSession) -> None:
    # 120 rounds through 4000 instructions: over 16 MiB of states
    body = tuple([Insn(0x07, 1 + at % 5, imm=1) for at in range(4000)])
    start = tuple([mov(register, 0) for register in range(1, 7)])
    loop = (Insn(0x07, 6, imm=1), Insn(0xA5, 6, off=-len(body) - 2, imm=120))
    case = Case(Program(ProgramType.SOCKET_FILTER, (*start, *body, *loop, mov(0, 0), EXIT)))
    loaded = answer(kernel, job(case, Attempt(log_level=2, run=False))).attempts[0]
    assert loaded.errno == 28
    assert loaded.log_truncated


def test_the_translated_program_is_shown(kernel: KernelSession) -> None:
    loaded = answer(kernel, job(returning(3), Attempt(translated=True))).attempts[0]
    assert loaded.translated is not None
    assert len(loaded.translated) % 8 == 0
    assert loaded.translated.endswith(EXIT.encode())


def test_a_context_is_given_and_returned(kernel: KernelSession) -> None:
    mark = 8  # offsetof(struct __sk_buff, mark)
    code = (Insn(0x61, 0, 1, mark), mov(2, 77), Insn(0x63, 1, 2, mark), EXIT)
    context = bytes(mark) + (1234).to_bytes(4, "little") + bytes(180)
    case = Case(Program(ProgramType.SCHED_CLS, code), (Input(PACKET, context),))
    run = answer(kernel, job(case)).attempts[0].runs[0]
    assert (run.errno, run.retval) == (0, 1234)
    assert run.context[mark : mark + 4] == (77).to_bytes(4, "little")


@pytest.mark.parametrize(
    "program_type", [ProgramType.RAW_TRACEPOINT, ProgramType.SYSCALL, ProgramType.SK_LOOKUP]
)
def test_programs_without_a_packet_run(kernel: KernelSession, program_type: ProgramType) -> None:
    if kernel.hello.release.startswith("5.10") and program_type is not ProgramType.RAW_TRACEPOINT:
        pytest.skip("5.10 cannot run these")
    attach = AttachType.SK_LOOKUP if program_type is ProgramType.SK_LOOKUP else None
    program = Program(program_type, (mov(0, 1), EXIT), attach_type=attach)
    if program_type is ProgramType.SYSCALL:
        program = Program(program_type, (mov(0, 1), EXIT), flags=program.flags | 1 << 4)
    # struct bpf_sk_lookup: cookie, then family AF_INET and protocol TCP
    lookup = bytes(8) + bytes([2, 0, 0, 0, 6, 0, 0, 0]) + bytes(48)
    context = lookup if program_type is ProgramType.SK_LOOKUP else bytes(16)
    loaded = answer(kernel, job(Case(program, (Input(b"", context),)))).attempts[0]
    assert loaded.errno == 0, loaded.log
    assert [(run.errno, run.retval) for run in loaded.runs] == [(0, 1)]


def test_kernel_functions_are_found_by_name(kernel: KernelSession) -> None:
    call = Insn(0x85, src=2)
    named = Program(ProgramType.SCHED_CLS, (call, mov(0, 0), EXIT), kfuncs=((0, "no_such_function"),))
    assert answer(kernel, job(Case(named))).missing == "no_such_function"
    target = Program(
        ProgramType.TRACING,
        (mov(0, 0), EXIT),
        attach_type=AttachType.TRACE_FENTRY,
        attach_to="bpf_fentry_test1",
    )
    loaded = answer(kernel, job(Case(target), Attempt(run=False))).attempts[0]
    assert loaded.errno == 0, loaded.log


def test_many_jobs_are_answered_in_order(kernel: KernelSession) -> None:
    boots = kernel.boots
    for number in range(700):
        kernel.submit(job(returning(number)), number)
    results = list(kernel.results())
    assert [tag for tag, _ in results] == list(range(700))
    for tag, got in results:
        assert isinstance(got, KernelAnswer)
        assert got.attempts[0].runs[0].retval == tag
    assert kernel.boots == boots


def test_large_jobs_and_answers_do_not_block_each_other(kernel: KernelSession) -> None:
    """Both directions full at once: the host must take answers while it sends."""
    spec = MapSpec(
        MapType.ARRAY,
        4,
        1024,
        512,
        contents=tuple([(n.to_bytes(4, "little"), bytes(1024)) for n in range(512)]),
    )
    case = Case(Program(ProgramType.SOCKET_FILTER, (mov(0, 0), EXIT), (spec,)), (Input(PACKET),) * 4)
    results = kernel.run_all([job(case)] * 12)
    assert all(isinstance(got, KernelAnswer) and len(got.attempts[0].runs) == 4 for got in results)


def test_the_raw_load_rate_is_measured_in_the_guest(kernel: KernelSession) -> None:
    errno, nanoseconds = kernel.bench(job(returning(0), Attempt(log_level=0, run=False)), 50)
    assert errno == 0
    assert nanoseconds > 0
