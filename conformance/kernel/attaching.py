"""What it is to attach a program: where, which way, what triggers it, and what came of each stage.  Values
only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, IntEnum

from conformance.kernel.errnos import errno_name
from conformance.kernel.jobs import Attempt, KernelAnswer
from ebpf.errors import InputError
from ebpf.program import Case


class PlaceKind(IntEnum):
    """What a program is attached to."""

    TRACEPOINT = 1
    KPROBE = 2
    KRETPROBE = 3
    RAW_TRACEPOINT = 4
    SOCKET = 5
    """One end of a pair of Unix datagram sockets."""
    CGROUP = 6
    """The root of the cgroup2 hierarchy."""


class AttachWay(IntEnum):
    """By which system call."""

    OWN = 0
    """The place's own: BPF_RAW_TRACEPOINT_OPEN, SO_ATTACH_BPF, BPF_PROG_ATTACH."""
    IOCTL = 1
    """PERF_EVENT_IOC_SET_BPF on a perf event."""
    LINK = 2
    """BPF_LINK_CREATE: of perf events since Linux 5.15 (bpf_perf_link_attach, kernel/bpf/syscall.c), of
    cgroups since 5.7."""


WAYS = {
    PlaceKind.TRACEPOINT: (AttachWay.IOCTL, AttachWay.LINK),
    PlaceKind.KPROBE: (AttachWay.IOCTL, AttachWay.LINK),
    PlaceKind.KRETPROBE: (AttachWay.IOCTL, AttachWay.LINK),
    PlaceKind.RAW_TRACEPOINT: (AttachWay.OWN,),
    PlaceKind.SOCKET: (AttachWay.OWN,),
    PlaceKind.CGROUP: (AttachWay.OWN, AttachWay.LINK),
}


class Trigger(IntEnum):
    """What is done while the program is attached; a system call is made by a child of the agent, never by
    itself."""

    NONE = 0
    EXECVE = 1
    """A new child each time executes the agent's own file, and ends."""
    GETPID = 2
    OPENAT = 3
    PACKET = 4
    """The case's first packet (64 zero bytes when it has none) is sent: over the pair of
    :attr:`PlaceKind.SOCKET`, else as the payload of a UDP datagram over loopback."""


_NAMES = {
    PlaceKind.TRACEPOINT: r"\w+/\w+",
    PlaceKind.KPROBE: r"[\w.]+",
    PlaceKind.KRETPROBE: r"[\w.]+",
    PlaceKind.RAW_TRACEPOINT: r"\w+",
    PlaceKind.SOCKET: "",
    PlaceKind.CGROUP: "ingress|egress",
}
MAX_NAME = 127
MAX_TIMES = 1000
PLAIN = Attempt(run=False)


@dataclass(frozen=True, slots=True)
class AttachPlace:
    """``name``: of a tracepoint category/event, of a probe a kernel function, of a cgroup the direction, of a
    socket nothing."""

    kind: PlaceKind
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> AttachPlace:
        """``tracepoint:syscalls/sys_enter_execve``, ``kprobe:do_sys_openat2``, ``raw_tracepoint:sys_enter``,
        ``socket``, ``cgroup:ingress``.  Raises :class:`InputError`."""
        kind, _, name = text.partition(":")
        try:
            place = cls(PlaceKind[kind.upper()], name)
        except KeyError:
            known = ", ".join([each.name.lower() for each in PlaceKind])
            raise InputError(
                f"nothing can be attached to {text!r}: a place begins with one of {known}"
            ) from None
        if len(name) > MAX_NAME or not re.fullmatch(_NAMES[place.kind], name, re.ASCII):
            raise InputError(f"{name!r} cannot be the name of a {kind}")
        return place

    def __str__(self) -> str:
        return self.kind.name.lower() + (f":{self.name}" if self.name else "")


@dataclass(frozen=True, slots=True)
class AttachJob:
    """Load the case's program once, attach it, pull the trigger ``times`` times, detach it, read back.

    ``where`` is what :meth:`AttachPlace.parse` takes.  The attempt's ``run`` counts for nothing.
    """

    case: Case
    where: str
    way: AttachWay = AttachWay.IOCTL
    trigger: Trigger = Trigger.EXECVE
    times: int = 1
    attempt: Attempt = PLAIN

    def place(self) -> AttachPlace:
        """Raises :class:`InputError` for a place that is none, a way it does not have, or too many times."""
        place = AttachPlace.parse(self.where)
        if self.way not in WAYS[place.kind]:
            ways = " or ".join([way.name for way in WAYS[place.kind]])
            raise InputError(f"{self.where}: attached by {ways}, not by {self.way.name}")
        if not 0 <= self.times <= MAX_TIMES:
            raise InputError(f"a trigger is pulled 0 to {MAX_TIMES} times, not {self.times}")
        return place


class AttachStage(Enum):
    """In order.  The first that fails is the last before DETACH, which comes whenever there is something to
    let go."""

    MAPS = 1
    LOAD = 2
    FIND = 3
    """A tracepoint's format file, the number of a probe's kind of perf event; nothing to find elsewhere."""
    OPEN = 4
    """perf_event_open, the socketpair, the cgroup."""
    ATTACH = 5
    ENABLE = 6
    """Of a perf event only."""
    TRIGGER = 7
    DETACH = 8
    READ = 9
    """The trace pipe.  After DETACH, so that reading cannot trigger the program."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A stage and its errno, 0 or positive.

    ``value``: of MAPS the map that failed (2**64 - 1: the program's BTF), of FIND the tracepoint's id or the
    number of the kind of perf event, of ATTACH the way, of TRIGGER how often it was pulled (packets: bytes
    that came through), of READ how many bytes.
    """

    stage: AttachStage
    errno: int
    value: int = 0

    def __str__(self) -> str:
        name = self.stage.name.lower()
        if not self.errno:
            return f"{name} ok"
        return f"{name} {errno_name(self.errno)}"


@dataclass(frozen=True, slots=True)
class Attached:
    """What came of it.

    ``stages`` in the order they were reached.  ``format`` is a tracepoint's format file.  ``trace`` is what
    the trace pipe gained, of which there was more when ``truncated``.  ``maps`` as in
    :class:`conformance.kernel.jobs.Run`, after the program was detached; empty when they were not made.
    ``answer`` is to the load alone, for :func:`conformance.kernel.verdicts.judge_answer`.
    """

    stages: tuple[Reached, ...]
    format: str
    trace: bytes
    truncated: bool
    maps: tuple[tuple[tuple[bytes, bytes], ...] | None, ...]
    answer: KernelAnswer

    @property
    def failed(self) -> Reached | None:
        """The first stage with an errno; None when all went well."""
        return next((reached for reached in self.stages if reached.errno), None)

    def reached(self, stage: AttachStage) -> Reached | None:
        """None for a stage that was not reached."""
        return next((reached for reached in self.stages if reached.stage is stage), None)

    @property
    def complete(self) -> bool:
        """Whether ``trace`` is all there was: the tracer says where its buffer overflowed (print_trace_line,
        kernel/trace/trace.c: ``CPU:0 [LOST 3 EVENTS]``)."""
        return not self.truncated and re.search(rb"^CPU:\d+ \[LOST ", self.trace, re.MULTILINE) is None

    def printed(self) -> tuple[str, ...]:
        """What bpf_trace_printk printed, a line each, without what the tracer puts before it
        (kernel/trace/bpf_trace.h: event ``bpf_trace_printk``)."""
        marker = ": bpf_trace_printk: "
        lines = self.trace.decode("utf-8", "replace").splitlines()
        return tuple([line.split(marker, 1)[1] for line in lines if marker in line])
