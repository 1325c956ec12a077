"""Every pair of program type and helper, and of program type and place in the context, as a program that asks
the kernel for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from conformance.kernel.features.types import ATTACH_TYPES
from conformance.kernel.jobs import Attempt, Job, KernelAnswer
from conformance.kernel.session import KernelSession
from ebpf.contexts import CONTEXTS
from ebpf.helpers import PROTOTYPES
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program import Case, LoadFlag, Program
from ebpf.program_types import AttachType as A
from ebpf.program_types import ProgramType as T

TARGETED = frozenset({T.UNSPEC, T.TRACING, T.STRUCT_OPS, T.EXT, T.LSM, T.NETFILTER})
"""Types that need something to attach to before they load, or whose context is a kernel function's arguments.
"""
PLAIN = tuple(kind for kind in T if kind not in TARGETED)
EXIT = (Insn(o.MOV | o.K | o.ALU64, 0, imm=0), Insn(o.EXIT | o.JMP))
UNAVAILABLE = re.compile(
    "unknown func |invalid func unknown|cannot use helper |helper call is not allowed in probe"
    "|func .* not supported for program type|func .* supported only for fentry"
)
"""What check_helper_call (kernel/bpf/verifier.c, 6.1 to 7.3) says of a helper that the type does not have;
whatever else it says is about the arguments of one that it has."""
OUTSIDE = re.compile(
    r"invalid bpf_context access|dereference of modified ctx|cannot (read|write) into ctx|invalid .* "
    r"access off="
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A program and what it is about: a helper's number, or (offset, size, write) in the context."""

    type: T
    about: int | tuple[int, int, bool]
    case: Case


def _case(kind: T, *code: Insn, license: str = "GPL") -> Case:
    flags = LoadFlag.SLEEPABLE if kind is T.SYSCALL else LoadFlag(0)
    return Case(
        Program(kind, (*code, *EXIT), attach_type=ATTACH_TYPES.get(kind), flags=flags, license=license)
    )


def plain(kind: T) -> Case:
    """return 0."""
    return _case(kind)


def attached_calls() -> Iterator[Asked]:
    """The same of what needs something to attach to, a function at a time, and of netfilter's programs."""
    for kind, attach, target in ATTACHED:
        for number in sorted(PROTOTYPES):
            code = (Insn(o.CALL | o.JMP, imm=number), *EXIT)
            yield Asked(kind, number, Case(Program(kind, code, attach_type=attach, attach_to=target)))


ATTACHED = (
    (T.TRACING, A.TRACE_FENTRY, "bpf_fentry_test1"), (T.TRACING, A.TRACE_FEXIT, "bpf_fentry_test1"),
    (T.TRACING, A.TRACE_ITER, "task"), (T.LSM, A.LSM_MAC, "file_open"), (T.LSM, A.LSM_CGROUP, "socket_bind"),
    (T.NETFILTER, A.NETFILTER, None),
)  # fmt: skip


def calls(license: str = "GPL") -> Iterator[Asked]:
    """Each plain type calls each helper, with the context in R1 and nothing in R2 to R5."""
    for kind in PLAIN:
        for number in sorted(PROTOTYPES):
            yield Asked(kind, number, _case(kind, Insn(o.CALL | o.JMP, imm=number), license=license))


_SIZES = {1: o.B, 2: o.H, 4: o.W, 8: o.DW}


SMALL = 256
"""Bytes: contexts up to here are asked for whole; of the larger ones, which are records of any event, the
edges."""


def accesses(kinds: tuple[T, ...] = PLAIN) -> Iterator[Asked]:
    """Loads and stores of every size at every offset of each type's context, and behind it."""
    for kind in kinds:
        end = max(field.offset + field.size for field in CONTEXTS[kind].fields)
        edges = {
            place
            for field in CONTEXTS[kind].fields
            for place in (field.offset, field.offset + 1, field.offset + 8)
        }
        for offset in range(end + 9) if end <= SMALL else sorted(edges | {end, end + 8}):
            if offset >= 1 << 15:
                continue
            for size, code in _SIZES.items():
                yield Asked(
                    kind, (offset, size, False), _case(kind, Insn(o.LDX | o.MEM | code, 2, 1, offset))
                )
                store = Insn(o.MOV | o.K | o.ALU64, 2, imm=0), Insn(o.STX | o.MEM | code, 1, 2, offset)
                yield Asked(kind, (offset, size, True), _case(kind, *store))


def said(kernel: KernelSession, every: list[Asked]) -> Iterator[tuple[Asked, int, str]]:
    """(what was asked, errno, the log) of each; all in one batch."""
    answers = kernel.run_all([Job(asked.case, (Attempt(run=False),)) for asked in every])
    for asked, answer in zip(every, answers, strict=True):
        assert isinstance(answer, KernelAnswer), asked
        yield asked, answer.attempts[0].errno, answer.attempts[0].log
