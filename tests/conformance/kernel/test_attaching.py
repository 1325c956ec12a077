"""Attaching without a kernel: what can be asked, what is read of the answer, and machines that fail on
command."""

from __future__ import annotations

import pytest

from conformance.kernel.attaching import (
    WAYS,
    Attached,
    AttachJob,
    AttachPlace,
    AttachStage,
    AttachWay,
    PlaceKind,
    Reached,
    Trigger,
)
from conformance.kernel.features.answers import Answer3
from conformance.kernel.features.attaching import probe_attaching
from conformance.kernel.jobs import KernelAnswer, LossReason, Lost
from conformance.kernel.protocol.attach import encode_attach
from conformance.kernel.session import KernelSession
from conformance.kernel.trace_format import TraceField, parse_format
from ebpf.errors import InputError
from tests.conformance.kernel.cases import job, returning
from tests.conformance.kernel.fake_guest import Fate, Rack

EXECVE = "tracepoint:syscalls/sys_enter_execve"
FORMAT = """\
name: sched_process_exec
ID: 310
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;
\tfield:pid_t pid;\toffset:12;\tsize:4;\tsigned:1;
\tfield:char comm[16];\toffset:16;\tsize:16;\tsigned:0;
\tfield:const char *const * argv;\toffset:32;\tsize:8;\tsigned:0;

print fmt: "filename=%s pid=%d", __get_str(filename), REC->pid
"""


def attached(trace: bytes = b"", *stages: Reached, truncated: bool = False) -> Attached:
    return Attached(stages, "", trace, truncated, (), KernelAnswer(()))


@pytest.mark.parametrize(
    "text",
    [
        EXECVE,
        "kprobe:do_sys_openat2",
        "kretprobe:foo.constprop.0",
        "raw_tracepoint:sys_enter",
        "socket",
        "cgroup:egress",
    ],
)
def test_places_are_read_back(text: str) -> None:
    assert str(AttachPlace.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uprobe:x",
        "tracepoint",
        "tracepoint:syscalls",
        "tracepoint:../etc",
        "tracepoint:a/b/c",
        "kprobe:",
        "kprobe:a b",
        "socket:x",
        "cgroup:sideways",
        "kprobe:" + "x" * 128,
        "kprobe:ä",
    ],
)
def test_places_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        AttachPlace.parse(text)


@pytest.mark.parametrize("kind", PlaceKind)
def test_every_kind_of_place_has_a_way(kind: PlaceKind) -> None:
    assert WAYS[kind]


def test_what_cannot_be_asked_is_refused_before_it_is_sent() -> None:
    case = returning(0)
    with pytest.raises(InputError, match="attached by OWN, not by LINK"):
        encode_attach(AttachJob(case, "socket", AttachWay.LINK))
    with pytest.raises(InputError, match="1001"):
        encode_attach(AttachJob(case, EXECVE, times=1001))


def test_printed_lines_are_told_from_what_the_tracer_adds() -> None:
    trace = b"            init-141     [000] ...21     5.000880: bpf_trace_printk: Hello, BPF World!\n"
    assert attached(trace).printed() == ("Hello, BPF World!",)
    assert attached(trace).complete
    assert not attached(b"CPU:0 [LOST 793 EVENTS]\n" + trace).complete
    assert not attached(trace, truncated=True).complete
    assert attached(b"CPU:0 [LOST 793 EVENTS]\n" + trace).printed() == ("Hello, BPF World!",)


def test_the_first_failure_is_the_one_told() -> None:
    got = attached(
        b"", Reached(AttachStage.OPEN, 0), Reached(AttachStage.ATTACH, 22, 1), Reached(AttachStage.DETACH, 9)
    )
    assert got.failed == Reached(AttachStage.ATTACH, 22, 1)
    assert str(got.failed) == "attach EINVAL"
    assert got.reached(AttachStage.READ) is None
    assert attached(b"", Reached(AttachStage.OPEN, 0)).failed is None


def test_a_format_file() -> None:
    found = parse_format(FORMAT)
    assert found is not None
    assert (found.name, found.id, found.size) == ("sched_process_exec", 310, 40)
    assert found.fields == (
        TraceField("filename", "__data_loc char[]", 8, 4, False),
        TraceField("pid", "pid_t", 12, 4, True),
        TraceField("comm", "char[16]", 16, 16, False),
        TraceField("argv", "const char *const *", 32, 8, False),
    )
    assert parse_format("") is None


def session_of(rack: Rack) -> KernelSession:
    return KernelSession(rack.boot, job_seconds=0.05, boot_seconds=0.05)


def test_a_job_and_jobs_that_attach_take_turns() -> None:
    with session_of(Rack()) as session:
        for value in range(3):
            got = session.attach(AttachJob(returning(value), EXECVE, trigger=Trigger.GETPID, times=value))
            assert isinstance(got, Attached)
            assert got.reached(AttachStage.TRIGGER) == Reached(AttachStage.TRIGGER, 0, value)
            assert got.answer.attempts[0].runs[0].retval == value
            assert isinstance(session.run(job(returning(9))), KernelAnswer)
        assert (session.boots, session.losses) == (1, [])


@pytest.mark.parametrize(
    ("fate", "reason"),
    [
        (Fate.DIE, LossReason.PANIC),
        (Fate.HANG, LossReason.HANG),
        (Fate.GARBAGE, LossReason.PROTOCOL),
        (Fate.WRONG_ID, LossReason.PROTOCOL),
    ],
)
def test_a_machine_lost_twice_is_the_jobs_fault(fate: Fate, reason: LossReason) -> None:
    with session_of(Rack(lambda value: fate if value == 1 else Fate.FINE)) as session:
        assert session.attach(AttachJob(returning(1), EXECVE)) == Lost(reason, "last words")
        assert [(loss.reason, loss.named, loss.culprit) for loss in session.losses] == [
            (reason, True, EXECVE)
        ]
        assert isinstance(session.attach(AttachJob(returning(2), EXECVE)), Attached)


def test_a_machine_lost_once_is_nobodys() -> None:
    deaths = iter([True])
    with session_of(Rack(lambda value: Fate.DIE if next(deaths, False) else Fate.FINE)) as session:
        assert isinstance(session.attach(AttachJob(returning(1), EXECVE)), Attached)
        assert [loss.named for loss in session.losses] == [False]
        assert session.boots == 2


def test_a_machine_that_warned_is_not_used_again() -> None:
    with session_of(Rack(lambda value: Fate.SPLAT)) as session:
        got = session.attach(AttachJob(returning(1), EXECVE))
        assert isinstance(got, Attached)
        assert got.answer.splats
        session.attach(AttachJob(returning(1), EXECVE))
        assert session.boots == 2


def test_a_lost_machine_has_no_opinion_on_ways() -> None:
    with session_of(Rack()) as session:
        assert [feature.answer for feature in probe_attaching(session)] == [Answer3.YES] * 2
    with session_of(Rack(lambda value: Fate.DIE)) as session:
        assert [feature.answer for feature in probe_attaching(session)] == [Answer3.UNKNOWN] * 2
