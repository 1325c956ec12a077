"""Which ways of attaching a kernel has: a tracepoint is attached to for nothing, each way."""

from __future__ import annotations

import errno
from dataclasses import replace

from conformance.kernel.attaching import Attached, AttachJob, AttachStage, AttachWay, Trigger
from conformance.kernel.features.answers import Answer3, Feature, FeatureKind
from conformance.kernel.features.types import program_of
from conformance.kernel.jobs import Lost
from conformance.kernel.session import KernelSession
from ebpf.program import Case
from ebpf.program_types import ProgramType

PLACE = "tracepoint:syscalls/sys_enter_getpid"
PERF_IOCTL, PERF_LINK = "perf ioctl", "perf link"


def probe_attaching(session: KernelSession) -> tuple[Feature, ...]:
    """``perf ioctl`` and ``perf link``; not while other jobs are in flight."""
    order = session.hello.architecture.byte_order
    case = Case(replace(program_of(ProgramType.TRACEPOINT), byte_order=order))
    ioctl, link = (
        session.attach(AttachJob(case, PLACE, way, Trigger.NONE)) for way in (AttachWay.IOCTL, AttachWay.LINK)
    )
    plain, linked = _read(ioctl), _read(link)
    if plain[0] is Answer3.YES and _refused(link):
        # The same program and event can be attached the other way, so it is the attach type that
        # BPF_LINK_CREATE does not know (link_create, kernel/bpf/syscall.c, before 5.15).
        linked = Answer3.NO, linked[1]
    return Feature(FeatureKind.KERNEL, PERF_IOCTL, *plain), Feature(FeatureKind.KERNEL, PERF_LINK, *linked)


def _read(got: Attached | Lost) -> tuple[Answer3, str]:
    if isinstance(got, Lost):
        return Answer3.UNKNOWN, f"lost: {got.reason.value}"
    return (Answer3.YES, "attached") if got.failed is None else (Answer3.UNKNOWN, str(got.failed))


def _refused(got: Attached | Lost) -> bool:
    failed = got.failed if isinstance(got, Attached) else None
    return failed is not None and (failed.stage, failed.errno) == (AttachStage.ATTACH, errno.EINVAL)
