"""What is asked of a kernel and what it answered: values only, shared by real sessions and the lying kernel
of the tests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from ebpf.program import NO_FLAGS, Case, LoadFlag


class Jit(IntEnum):
    """How an accepted program is to run: ``net.core.bpf_jit_enable`` and ``bpf_jit_harden``."""

    OFF = 0
    ON = 1
    HARDENED = 2
    """JIT with constant blinding for everyone (bpf_jit_harden = 2)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One BPF_PROG_LOAD of the case's program, then one BPF_PROG_TEST_RUN per input when ``run`` and it was
    accepted.

    ``log_level`` 0, 1 (messages) or 2 (states after each instruction); ``extra_flags`` are or-ed to the
    program's own load flags; ``translated`` asks for the translated program (BPF_OBJ_GET_INFO_BY_FD). Maps
    are refilled from the case before every run.
    """

    jit: Jit = Jit.ON
    log_level: int = 1
    extra_flags: LoadFlag = NO_FLAGS
    run: bool = True
    translated: bool = False
    capabilities: tuple[str, ...] | str | None = "case"
    """The string "case": as the case says; otherwise as in :class:`ebpf.program.Case`."""


@dataclass(frozen=True, slots=True)
class Job:
    """A case and the attempts to make with it, in order.

    Maps are created with the capabilities of the attempt (what their creator may do decides verdicts on
    unprivileged programs), or with all where that is not allowed, and serve until an attempt with others.
    """

    case: Case
    attempts: tuple[Attempt, ...]


class KernelVerdict(Enum):
    """What a kernel said of a program.  NONE, LOST and UNSUPPORTED are not opinions and are never folded into
    one."""

    ACCEPT = "accept"
    REJECT = "reject"
    NONE = "none"
    LOST = "lost"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class RunResult:
    """One BPF_PROG_TEST_RUN.  ``errno`` 0 or positive; ``retval`` is 32 bits unsigned (the kernel returns no
    more).

    ``maps`` holds, per map of the program in order, the (key, value) pairs after the run: arrays in index
    order, queues and stacks in popping order with empty keys, others sorted by key; None when that map type
    cannot be read back, or is larger than 8 MiB.  Of a per-CPU map it is the value on CPU 0.
    """

    errno: int
    retval: int
    packet: bytes
    context: bytes
    maps: tuple[tuple[tuple[bytes, bytes], ...] | None, ...]
    nanoseconds: int = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """What one attempt gave.

    ``errno`` is 0 or positive.  ``log`` is the verifier log as text; ``log_truncated`` says the buffer was
    too small even after enlarging it.  ``jited_length`` is in bytes: 0 means the kernel's interpreter runs
    it, whatever was asked for. ``nanoseconds`` is guest time in BPF_PROG_LOAD.  ``verified`` is the kernel's
    count of processed instructions (None: not told).
    """

    errno: int
    log: str
    log_truncated: bool = False
    jited_length: int = 0
    nanoseconds: int = 0
    verified: int | None = None
    translated: bytes | None = None
    runs: tuple[RunResult, ...] = ()


@dataclass(frozen=True, slots=True)
class KernelAnswer:
    """A kernel's answer to a job: one :class:`Loaded` per attempt, in order.

    ``map_errno`` is (index, errno) of the first map that could not be created: no attempt was made then. An
    index of -1 is the program's BTF, refused by BPF_BTF_LOAD.  ``missing`` is a function or type the program
    names and this kernel's BTF does not have: no attempt was made then either. ``splats`` are warnings,
    oopses and "verifier bug" lines that dmesg gained while this job ran.
    """

    attempts: tuple[Loaded, ...]
    map_errno: tuple[int, int] | None = None
    splats: tuple[str, ...] = ()
    missing: str | None = None


class LossReason(Enum):
    """How a virtual machine was lost."""

    PANIC = "panic"
    HANG = "hang"
    EXITED = "exited"
    PROTOCOL = "protocol"


@dataclass(frozen=True, slots=True)
class Lost:
    """No answer: the virtual machine went away, and when the job was alone on a fresh one, again.

    ``console`` is the tail of the guest's serial console.
    """

    reason: LossReason
    console: str
