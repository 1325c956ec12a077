"""Rows 17 to 19 of the pipeline: programs attached to a kernel's events, triggered, and what they leave
behind."""

from __future__ import annotations

import errno
import random
import re
import signal as signals

import pytest

from conformance.checking.check import Checked, check
from conformance.checking.words import describe
from conformance.kernel.attaching import Attached, AttachJob, AttachStage, AttachWay, Reached, Trigger
from conformance.kernel.features.answers import Answer3
from conformance.kernel.features.attaching import PERF_IOCTL, PERF_LINK, probe_attaching
from conformance.kernel.jobs import Attempt, Jit, Job, KernelVerdict
from conformance.kernel.protocol.attach import encode_attach
from conformance.kernel.protocol.frames import FrameKind
from conformance.kernel.session import KernelSession
from conformance.kernel.trace_format import HIDDEN, parse_format
from conformance.kernel.verdicts import Support, judge_answer
from conformance.observing.door import Door
from conformance.observing.opinions import THOROUGH, opinion
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from ebpf.rules import CONTEXT_BOUNDS
from oracles.reference.answer import ReferenceVerdict
from tests.conformance.kernel.cases import EXIT, mov
from tests.lying.asking import NOBODY
from tests.vm.talk import MESSAGE, SEND_SIGNAL, SLOTS, UNSET_CALL, call, counter, hello, tally, unset

pytestmark = pytest.mark.vm

EXECVE = "tracepoint:syscalls/sys_enter_execve"
PERF_STAGES = tuple(AttachStage)


@pytest.fixture(scope="module")
def ways(kernel: KernelSession) -> dict[AttachWay, Answer3]:
    """Which ways of attaching to perf events this kernel has."""
    answers = {feature.name: feature.answer for feature in probe_attaching(kernel)}
    return {AttachWay.IOCTL: answers[PERF_IOCTL], AttachWay.LINK: answers[PERF_LINK]}


@pytest.fixture(params=[AttachWay.IOCTL, AttachWay.LINK], ids=["ioctl", "link"])
def way(request: pytest.FixtureRequest, ways: dict[AttachWay, Answer3]) -> AttachWay:
    """Each of those it has."""
    assert isinstance(request.param, AttachWay)
    if ways[request.param] is Answer3.NO:
        pytest.skip(f"this kernel does not attach perf events by {request.param.name}")
    assert ways[request.param] is Answer3.YES
    return request.param


def attach(kernel: KernelSession, job: AttachJob) -> Attached:
    got = kernel.attach(job)
    assert isinstance(got, Attached), got
    assert got.answer.splats == ()
    return got


def release_of(kernel: KernelSession) -> tuple[int, int]:
    found = re.match(r"(\d+)\.(\d+)", kernel.hello.release)
    assert found
    return int(found[1]), int(found[2])


def slots(got: Attached) -> list[int]:
    pairs = got.maps[0]
    assert pairs is not None
    return [int.from_bytes(value, "little") for _, value in pairs]


def test_row_18_links_of_perf_events_came_with_5_15(
    kernel: KernelSession, ways: dict[AttachWay, Answer3]
) -> None:
    assert ways[AttachWay.IOCTL] is Answer3.YES
    assert ways[AttachWay.LINK] is (Answer3.YES if release_of(kernel) >= (5, 15) else Answer3.NO)


@pytest.mark.parametrize("jit", [Jit.ON, Jit.OFF])
def test_row_19_hello_prints_to_the_trace_pipe(kernel: KernelSession, way: AttachWay, jit: Jit) -> None:
    got = attach(kernel, AttachJob(hello(), EXECVE, way, Trigger.EXECVE, attempt=Attempt(jit)))
    assert got.failed is None
    assert tuple([reached.stage for reached in got.stages]) == PERF_STAGES
    assert got.printed() == (MESSAGE.decode(),)
    assert got.complete
    assert (got.answer.attempts[0].jited_length > 0) is (jit is Jit.ON)


def test_row_19_counter_leaves_1_in_slot_0(kernel: KernelSession, way: AttachWay) -> None:
    got = attach(kernel, AttachJob(counter(), EXECVE, way, Trigger.EXECVE))
    assert got.failed is None
    assert slots(got) == [1] + [0] * (SLOTS - 1)


def test_row_19_the_fields_of_the_format_file(kernel: KernelSession) -> None:
    got = attach(kernel, AttachJob(hello(), EXECVE, trigger=Trigger.NONE))
    layout = parse_format(got.format)
    assert layout is not None
    assert layout.name == "sys_enter_execve"
    assert got.reached(AttachStage.FIND) == Reached(AttachStage.FIND, 0, layout.id)
    offsets = layout.offsets()
    # Since 6.19 the tracer copies what strings say, behind the arguments; what a program reads there is not
    # that copy.
    assert offsets.pop("__filename_val", 40) == 40
    assert layout.size == (44 if release_of(kernel) >= (6, 19) else 40)
    assert offsets == {"__syscall_nr": HIDDEN, "filename": 16, "argv": 24, "envp": 32}
    assert got.printed() == ()  # nothing was triggered


def test_row_19_a_field_read_is_the_one_the_format_file_names(kernel: KernelSession, way: AttachWay) -> None:
    """__syscall_nr of getpid is 39 on x86-64: put into slot 0 by adding it to what is there."""
    case = tally(ProgramType.TRACEPOINT)
    code = (Insn(0xBF, 6, 1), *case.program.instructions)
    number = code.index(Insn(0xDB, 0, 1)) - 1
    code = (*code[:number], Insn(0x61, 1, 6, HIDDEN), *code[number + 1 :])
    where = "tracepoint:syscalls/sys_enter_getpid"
    got = attach(
        kernel,
        AttachJob(
            Case(Program(ProgramType.TRACEPOINT, code, case.program.maps)), where, way, Trigger.GETPID, 3
        ),
    )
    assert got.failed is None
    assert slots(got)[0] == 3 * 39


@pytest.mark.parametrize("where", ["kprobe:do_sys_openat2", "kretprobe:do_sys_openat2"])
def test_row_18_a_probe_of_a_kernel_function(kernel: KernelSession, way: AttachWay, where: str) -> None:
    got = attach(kernel, AttachJob(tally(ProgramType.KPROBE), where, way, Trigger.OPENAT, 7))
    assert got.failed is None
    assert slots(got)[0] == 7


def test_row_18_a_raw_tracepoint(kernel: KernelSession) -> None:
    where = "raw_tracepoint:sched_process_exec"
    got = attach(
        kernel, AttachJob(tally(ProgramType.RAW_TRACEPOINT), where, AttachWay.OWN, Trigger.EXECVE, 3)
    )
    assert got.failed is None
    assert slots(got)[0] == 3


@pytest.mark.parametrize(("kept", "through"), [(0, 0), (5, 5), (1 << 16, 20)])
def test_row_18_a_socket_filter_keeps_as_much_as_it_returns(
    kernel: KernelSession, kept: int, through: int
) -> None:
    case = tally(ProgramType.SOCKET_FILTER, kept)
    got = attach(
        kernel, AttachJob(Case(case.program, (Input(bytes(20)),)), "socket", AttachWay.OWN, Trigger.PACKET)
    )
    assert got.reached(AttachStage.TRIGGER) == Reached(AttachStage.TRIGGER, 0, through)
    assert slots(got)[0] == 1


@pytest.mark.parametrize("by", [AttachWay.OWN, AttachWay.LINK], ids=["own", "link"])
@pytest.mark.parametrize(
    ("direction", "result", "trigger"),
    [
        ("ingress", 1, (0, 64)),
        ("ingress", 0, (0, 0)),
        ("egress", 1, (0, 64)),
        ("egress", 0, (errno.EPERM, 0)),
    ],
)
def test_row_18_a_cgroup_lets_packets_pass_or_not(
    kernel: KernelSession, by: AttachWay, direction: str, result: int, trigger: tuple[int, int]
) -> None:
    got = attach(
        kernel, AttachJob(tally(ProgramType.CGROUP_SKB, result), f"cgroup:{direction}", by, Trigger.PACKET)
    )
    assert got.reached(AttachStage.TRIGGER) == Reached(AttachStage.TRIGGER, *trigger)
    assert slots(got)[0] == 1


@pytest.mark.parametrize(
    ("case", "where", "failed"),
    [
        (hello(), "tracepoint:syscalls/sys_enter_execv", Reached(AttachStage.FIND, errno.ENOENT)),
        (hello(), "tracepoint:syscall/sys_enter_execve", Reached(AttachStage.FIND, errno.ENOENT)),
        (hello(ProgramType.KPROBE), "kprobe:no_such_function", Reached(AttachStage.OPEN, errno.ENOENT)),
        # perf_event_set_bpf_prog (kernel/events/core.c): "valid program type for the event"
        (hello(ProgramType.KPROBE), EXECVE, Reached(AttachStage.ATTACH, errno.EINVAL, AttachWay.IOCTL)),
        (hello(), "kprobe:do_sys_openat2", Reached(AttachStage.ATTACH, errno.EINVAL, AttachWay.IOCTL)),
        (Case(Program(ProgramType.TRACEPOINT, (EXIT,))), EXECVE, Reached(AttachStage.LOAD, errno.EACCES)),
    ],
)
def test_row_18_what_fails_names_its_stage(
    kernel: KernelSession, case: Case, where: str, failed: Reached
) -> None:
    got = attach(kernel, AttachJob(case, where))
    assert got.failed == failed
    assert got.stages[-1].stage in (failed.stage, AttachStage.DETACH)
    assert got.trace == b""


def test_row_18_a_tracepoint_is_not_asked_for_beyond_its_record(kernel: KernelSession) -> None:
    """Loads, since the verifier knows no tracepoint; refused when attached (bpf_prog_max_ctx_offset,
    kernel/events/core.c)."""
    case = Case(Program(ProgramType.TRACEPOINT, (Insn(0x79, 0, 1, 40), mov(0, 0), EXIT)))
    assert attach(kernel, AttachJob(case, EXECVE)).failed == Reached(
        AttachStage.ATTACH, errno.EACCES, AttachWay.IOCTL
    )
    last = Case(Program(ProgramType.TRACEPOINT, (Insn(0x79, 0, 1, 32), mov(0, 0), EXIT)))
    assert attach(kernel, AttachJob(last, EXECVE)).failed is None


def test_row_18_nothing_stays_attached(kernel: KernelSession, way: AttachWay) -> None:
    attach(kernel, AttachJob(hello(), EXECVE, way))
    got = attach(
        kernel,
        AttachJob(
            tally(ProgramType.TRACEPOINT), "tracepoint:syscalls/sys_exit_getpid", way, Trigger.EXECVE, 2
        ),
    )
    assert got.failed is None
    assert got.printed() == ()
    assert slots(got)[0] == 0


@pytest.mark.parametrize(
    ("signal", "code"), [(signals.SIGKILL, errno.ECHILD), (signals.SIGSTOP, errno.ETIMEDOUT)]
)
def test_row_18_a_program_that_stops_its_trigger_does_not_stop_the_agent(
    kernel: KernelSession, signal: signals.Signals, code: int
) -> None:
    killer = Case(Program(ProgramType.TRACEPOINT, (mov(1, signal), call(SEND_SIGNAL), mov(0, 0), EXIT)))
    got = attach(kernel, AttachJob(killer, "tracepoint:syscalls/sys_enter_getpid", trigger=Trigger.GETPID))
    assert got.failed == Reached(AttachStage.TRIGGER, code)
    assert got.reached(AttachStage.DETACH) == Reached(AttachStage.DETACH, 0)
    assert attach(kernel, AttachJob(hello(), EXECVE)).printed() == (MESSAGE.decode(),)


@pytest.mark.parametrize(
    ("insn", "allowed"),
    [
        (Insn(0x79, 0, 1, 0), False),
        (Insn(0x61, 0, 1, 4), False),
        (Insn(0x7B, 1, 1, 8), False),
        (Insn(0x62, 1, 0, 16), False),
        (Insn(0x61, 0, 1, HIDDEN), True),
        (Insn(0x79, 0, 1, 16), True),
    ],
    ids=["read 0", "read 4", "write 8", "write 16", "read 8", "read 16"],
)
def test_row_19_the_record_is_read_only_and_begins_with_8_hidden_bytes(
    kernel: KernelSession, insn: Insn, allowed: bool
) -> None:
    """And the suite says so before any kernel does: its table of contexts, and its reference verifier."""
    case = Case(Program(ProgramType.TRACEPOINT, (insn, mov(0, 0), EXIT)))
    predicted = opinion(case, THOROUGH)
    ruling = judge_answer(kernel.run(Job(case, (Attempt(run=False),))), 0, Support())
    assert ruling.verdict is (KernelVerdict.ACCEPT if allowed else KernelVerdict.REJECT), ruling
    assert predicted.verdict is (ReferenceVerdict.SAFE if allowed else ReferenceVerdict.UNSAFE), predicted
    assert allowed or (predicted.rule, predicted.at) == (CONTEXT_BOUNDS, 0)


def test_row_18_a_thousand_lines_arrive(kernel: KernelSession, way: AttachWay) -> None:
    got = attach(
        kernel, AttachJob(hello(), "tracepoint:syscalls/sys_enter_getpid", way, Trigger.GETPID, 1000)
    )
    assert got.printed() == (MESSAGE.decode(),) * 1000
    assert got.complete


def test_row_17_the_report_names_argument_instruction_and_rule(kernel: KernelSession) -> None:
    checked = Checked("unset", unset())
    check(checked, "here", Door.of_session(kernel, NOBODY), lambda program: Support())
    ruling = checked.accounts["here"].ruling
    assert (ruling.verdict, ruling.instruction) == (KernelVerdict.REJECT, UNSET_CALL)
    assert re.match(r"R1 type=(inv|scalar) expected=fp, pkt, pkt_meta, ", ruling.message)
    assert checked.accusations == []
    report = describe(checked)
    assert "why: instruction 4 (call bpf_probe_read_kernel#113), r1, an argument" in report
    assert "known there: the number 8" in report
    assert "its prototype says: room" in report
    assert "set by instruction 2: r1 = 8" in report
    assert (
        "rule helper-argument: a helper gets an argument its prototype forbids (kernel/bpf/verifier.c: "
        "check_func_arg)" in report
    )


def test_an_agent_answers_whatever_it_is_sent(kernel: KernelSession) -> None:
    """Damaged and cut jobs: each is answered, by the same machine, and none leaves anything attached."""
    good = encode_attach(AttachJob(counter(), EXECVE))
    boots, chance = kernel.boots, random.Random(18)
    for number in range(60):
        payload = bytearray(good[: chance.randrange(1, len(good))] if number % 3 == 0 else good)
        for _ in range(chance.randint(1, 3)):
            payload[chance.randrange(len(payload))] = chance.randrange(256)
        kernel._exchange(FrameKind.ATTACH, bytes(payload))
    assert attach(kernel, AttachJob(hello(), EXECVE)).printed() == (MESSAGE.decode(),)
    assert kernel.boots == boots


@pytest.mark.parametrize(
    ("program", "failed"),
    [
        (
            Program(ProgramType.TRACEPOINT, (mov(0, 0), EXIT), (MapSpec(MapType.ARRAY, 4, 0, 1),)),
            Reached(AttachStage.MAPS, errno.EINVAL),
        ),
        (Program(ProgramType.TRACEPOINT, ()), Reached(AttachStage.LOAD, errno.E2BIG)),
    ],
    ids=["map", "empty"],
)
def test_row_18_what_fails_before_there_is_a_program(
    kernel: KernelSession, program: Program, failed: Reached
) -> None:
    got = attach(kernel, AttachJob(Case(program), EXECVE))
    assert got.failed == failed
    assert got.stages[-1] == failed
