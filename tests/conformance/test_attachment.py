"""Where an object's programs belong, what triggers them, and how what came of it is told."""

from __future__ import annotations

import errno

import pytest

from conformance.checking.check import Checked, KernelAccount
from conformance.kernel.attaching import Attached, AttachJob, AttachStage, AttachWay, Reached, Trigger
from conformance.kernel.jobs import KernelAnswer, KernelVerdict, LossReason, Lost
from conformance.kernel.verdicts import Ruling
from conformance.objects import attachment
from conformance.objects.attachment import AttachTrial, place_of, trigger_of
from ebpf.assembly import parse
from ebpf.objects import Generation, open_object
from ebpf.objects.parts import Part
from ebpf.objects.writer import write_object
from ebpf.program import Case, Input, Program
from ebpf.program_types import ProgramType
from oracles.interpreter import run
from oracles.interpreter.runs import STEP_LIMIT
from tests.ebpf.objects import talk
from tests.vm.talk import counter

EXECVE = "tracepoint:syscalls/sys_enter_execve"
SECTIONS = [
    ("tracepoint/syscalls/sys_enter_execve", EXECVE, Trigger.EXECVE),
    ("tp/syscalls/sys_enter_getpid", "tracepoint:syscalls/sys_enter_getpid", Trigger.GETPID),
    ("kprobe/do_sys_openat2", "kprobe:do_sys_openat2", Trigger.OPENAT),
    ("kretprobe/do_sys_openat2", "kretprobe:do_sys_openat2", Trigger.OPENAT),
    ("raw_tp/sched_process_exec", "raw_tracepoint:sched_process_exec", Trigger.EXECVE),
    ("socket", "socket", Trigger.PACKET),
    ("cgroup_skb/egress", "cgroup:egress", Trigger.PACKET),
]


@pytest.mark.parametrize(("section", "place", "trigger"), SECTIONS, ids=[section for section, *_ in SECTIONS])
def test_sections_say_where(section: str, place: str, trigger: Trigger) -> None:
    (program,) = open_object(write_object([Part("f", talk.hello().program, section)]), "x.o").programs
    assert place_of(program, Generation.LIBBPF_1) == place
    assert trigger_of(place) is trigger


@pytest.mark.parametrize(
    "section", ["xdp", "tracepoint", "kprobe/vfs_read+8", "uprobe/x:y", "cgroup/skb", "f"]
)
def test_other_sections_say_nothing_that_is_attached_to_here(section: str) -> None:
    (program,) = open_object(write_object([Part("f", talk.hello().program, section)]), "x.o").programs
    assert place_of(program, Generation.LIBBPF_1) is None


def test_older_rules_know_prefixes() -> None:
    (program,) = open_object(
        write_object([Part("f", talk.hello().program, "socket1")]), "x.o", Generation.LIBBPF_0_3
    ).programs
    assert place_of(program, Generation.LIBBPF_0_3) == "socket"


def trial(got: Attached | Lost) -> AttachTrial:
    return AttachTrial("k", AttachJob(counter(), EXECVE, AttachWay.LINK), got)


PIPE = b"a-1 [000] d..31 1.0: bpf_trace_printk: one\n" * 9
SLOTS = tuple((bytes([n, 0, 0, 0]), bytes([n < 2]) + bytes(7)) for n in range(4))
DONE = Attached(
    (Reached(AttachStage.MAPS, 0), Reached(AttachStage.ATTACH, errno.EINVAL)),
    "",
    PIPE,
    False,
    (SLOTS,),
    KernelAnswer(()),
)


def test_a_person_reads_stages_lines_and_maps() -> None:
    assert list(attachment.lines(trial(DONE))) == [
        f"  attached to {EXECVE} on k, by link, trigger: execve",
        "    stages: maps ok, attach EINVAL",
        *["    trace pipe: one"] * 8,
        "    trace pipe: 9 lines in all",
        "    map my_map: [00000000] = 0100000000000000, [01000000] = 0100000000000000, and 2 all zero",
    ]


def test_what_was_lost_is_said() -> None:
    lost = Lost(LossReason.HANG, "")
    assert list(attachment.lines(trial(lost)))[1] == "    the virtual machine was lost (hang)"
    assert attachment.as_json(trial(lost))["lost"] == "hang"
    gone = Attached((), "", b"CPU:0 [LOST 3 EVENTS]\n" + PIPE, False, (None,), KernelAnswer(()))
    assert list(attachment.lines(trial(gone)))[-2:] == [
        "    trace pipe: 9 lines in all, and more that were lost",
        "    map my_map: cannot be read from outside",
    ]


def test_json_has_all_of_it() -> None:
    told = attachment.as_json(trial(DONE))
    assert (told["place"], told["way"], told["trigger"]) == (EXECVE, "link", "execve")
    assert told["stages"][1] == {"stage": "attach", "errno": errno.EINVAL, "value": 0}
    assert told["printed"] == ["one"] * 9
    assert told["maps"]["my_map"]["01000000"] == "0100000000000000"


@pytest.mark.parametrize(
    ("code", "verdict", "attached"),
    [
        (["r0 = 0", "exit"], KernelVerdict.ACCEPT, True),
        (["r0 = 0", "exit"], KernelVerdict.REJECT, False),
        (["r0 = 0", "exit"], KernelVerdict.NONE, False),
        (["r1 = 0", "r0 = *(u64 *)(r1 +0)", "exit"], KernelVerdict.ACCEPT, False),
    ],
)
def test_only_what_is_accepted_and_what_no_oracle_objects_to_is_let_loose(
    code: list[str], verdict: KernelVerdict, attached: bool
) -> None:
    case = Case(Program(ProgramType.TRACEPOINT, parse(code)), (Input(),))
    checked = Checked(
        "f", case, {"k": KernelAccount(case, Ruling(verdict))}, (run(case, case.inputs[0], limit=STEP_LIMIT),)
    )
    assert checked.attachable("k") is attached
