"""Asking a kernel for all its features, pipelined: about two hundred small jobs."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from conformance.kernel.architecture import Architecture
from conformance.kernel.errnos import ENOTSUPP, errno_name
from conformance.kernel.features.answers import Answer3, Feature, FeatureKind, Features
from conformance.kernel.features.attaching import probe_attaching
from conformance.kernel.features.instructions import KNOWN_BUT, UNKNOWN_TO_KERNEL, probed_forms, program_with
from conformance.kernel.features.types import CODE, MAPS, program_of, program_with_flag, program_with_map
from conformance.kernel.hello import Hello, Knob
from conformance.kernel.jobs import Attempt, Jit, Job, KernelAnswer, Lost
from conformance.kernel.refusals import find_refusal
from conformance.kernel.session import KernelSession
from ebpf.machine import TargetMachine
from ebpf.maps import MapType
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import ProgramType

Found = tuple[Answer3, str]
PACKET = bytes(64)
_CONTEXTS: dict[ProgramType, tuple[Any, ...]] = {
    ProgramType.SYSCALL: ("16x",),
    ProgramType.RAW_TRACEPOINT: ("96x",),
    # struct bpf_sk_lookup: cookie, then family AF_INET and protocol TCP
    ProgramType.SK_LOOKUP: ("QII48x", 0, 2, 6),
}
"""The structure that a run takes, in struct's letters, and its values."""


@dataclass(frozen=True, slots=True)
class _Probe:
    kind: FeatureKind
    name: str
    job: Job
    read: Callable[[KernelAnswer], Found]


def probe(session: KernelSession) -> Features:
    """All of them, in some seconds; the kernel is not harmed.  Not while other jobs are in flight."""
    architecture = session.hello.architecture
    probes = _probes(architecture)
    answers = session.run_all([_for_machine(each.job, architecture.machine) for each in probes])
    rows = [_row(each, got) for each, got in zip(probes, answers, strict=True)]
    rows.append(Feature(FeatureKind.MAP_TYPE, MapType.STRUCT_OPS.name.lower(), Answer3.UNKNOWN, "not probed"))
    return Features(session.hello.release, (*rows, *_knobs(session.hello), *probe_attaching(session)))


def _for_machine(job: Job, machine: TargetMachine) -> Job:
    """The job for a kernel of that machine: nothing in a probe depends on the order of bytes but its
    encoding."""
    program = replace(job.case.program, byte_order=machine.byte_order)
    return replace(job, case=replace(job.case, program=program))


def _row(asked: _Probe, got: KernelAnswer | Lost) -> Feature:
    found = (Answer3.UNKNOWN, f"lost: {got.reason.value}") if isinstance(got, Lost) else asked.read(got)
    return Feature(asked.kind, asked.name, *found)


def _probes(architecture: Architecture) -> list[_Probe]:
    load = Attempt(run=False)
    probes = [
        _Probe(
            FeatureKind.INSTRUCTION,
            form.name,
            _job(program_with(form), load),
            _reader_of_instruction(form.name),
        )
        for form in probed_forms()
    ]
    for kind in ProgramType:
        if kind is ProgramType.UNSPEC:
            continue
        name = kind.name.lower()
        probes.append(_Probe(FeatureKind.PROGRAM_TYPE, name, _job(program_of(kind), load), _read_type))
        given = Input(PACKET)
        if kind in _CONTEXTS:
            layout, *values = _CONTEXTS[kind]
            given = Input(context=architecture.byte_order.layout(layout).pack(*values))
        probes.append(
            _Probe(FeatureKind.TEST_RUN, name, Job(Case(program_of(kind), (given,)), (Attempt(),)), _read_run)
        )
    probes += [
        _Probe(FeatureKind.MAP_TYPE, kind.name.lower(), _job(program_with_map(kind), load), _read_map)
        for kind in MAPS
    ]
    probes += [
        _Probe(
            FeatureKind.LOAD_FLAG,
            flag.name.lower(),
            _job(program_with_flag(flag, architecture), load),
            _read_flag,
        )
        for flag in LoadFlag
        if flag.name
    ]
    plain = Program(ProgramType.SOCKET_FILTER, (replace(CODE[0], imm=0x1234567), CODE[1]))
    once = (Input(PACKET),)
    probes.append(_Probe(FeatureKind.KERNEL, "jit", Job(Case(plain, once), (Attempt(),)), _read_jit))
    probes.append(
        _Probe(
            FeatureKind.KERNEL,
            "interpreter",
            Job(Case(plain, once), (Attempt(jit=Jit.OFF),)),
            _read_interpreter,
        )
    )
    probes.append(
        _Probe(
            FeatureKind.KERNEL,
            "hardening",
            Job(Case(plain, once), (Attempt(), Attempt(jit=Jit.HARDENED))),
            _read_hardening,
        )
    )
    probes.append(
        _Probe(
            FeatureKind.KERNEL,
            "unprivileged",
            _job(plain, Attempt(capabilities=(), run=False)),
            _read_unprivileged,
        )
    )
    return probes


def _job(program: Program, attempt: Attempt) -> Job:
    return Job(Case(program), (attempt,))


def _message(answer: KernelAnswer) -> str:
    refusal = find_refusal(answer.attempts[0].log)
    return refusal.message if refusal else ""


def _unmade(answer: KernelAnswer) -> str | None:
    """Why there was no attempt, when there was none."""
    if answer.missing is not None:
        return f"no {answer.missing} in the kernel's BTF"
    if answer.map_errno is not None:
        return f"{'map' if answer.map_errno[0] >= 0 else 'BTF'}: {errno_name(answer.map_errno[1])}"
    return None


def _reader_of_instruction(name: str) -> Callable[[KernelAnswer], Found]:
    def read(answer: KernelAnswer) -> Found:
        if (why := _unmade(answer)) is not None:
            return Answer3.UNKNOWN, why
        if answer.attempts[0].errno == 0:
            return Answer3.YES, "loaded"
        message = _message(answer)
        if name in KNOWN_BUT and re.match(KNOWN_BUT[name], message):
            return Answer3.YES, message
        known = Answer3.NO if UNKNOWN_TO_KERNEL.match(message) else Answer3.UNKNOWN
        return known, message or errno_name(answer.attempts[0].errno)

    return read


def _read_type(answer: KernelAnswer) -> Found:
    if (why := _unmade(answer)) is not None:
        return Answer3.UNKNOWN, why
    loaded = answer.attempts[0]
    if loaded.errno == 0:
        return Answer3.YES, "loaded"
    if message := _message(answer):
        return Answer3.YES, message  # the verifier looked at it, so it has the type
    if loaded.errno == ENOTSUPP:
        return (
            Answer3.YES,
            "ENOTSUPP",
        )  # check_struct_ops_btf_id (kernel/bpf/verifier.c): of the type, but of no structure
    # find_prog_type (kernel/bpf/syscall.c) says EINVAL before the verifier is called
    return (Answer3.NO if loaded.errno == errno.EINVAL else Answer3.UNKNOWN), errno_name(loaded.errno)


def _read_run(answer: KernelAnswer) -> Found:
    if _unmade(answer) is not None or not answer.attempts[0].runs:
        return Answer3.UNKNOWN, _unmade(answer) or _message(answer) or errno_name(answer.attempts[0].errno)
    code = answer.attempts[0].runs[0].errno
    if code == 0:
        return Answer3.YES, "ran"
    # bpf_prog_test_run (kernel/bpf/syscall.c) when the type has no test_run
    return (Answer3.NO if code == ENOTSUPP else Answer3.UNKNOWN), errno_name(code)


def _read_map(answer: KernelAnswer) -> Found:
    if answer.map_errno is None:
        return Answer3.YES, "created"
    at, code = answer.map_errno
    unknown = at >= 0 and code in (errno.EINVAL, ENOTSUPP, errno.EOPNOTSUPP)
    return (Answer3.NO if unknown else Answer3.UNKNOWN), _unmade(answer) or ""


def _read_flag(answer: KernelAnswer) -> Found:
    if (why := _unmade(answer)) is not None:
        return Answer3.UNKNOWN, why
    loaded = answer.attempts[0]
    if loaded.errno == 0:
        return Answer3.YES, "loaded"
    if message := _message(answer):
        return Answer3.YES, message
    return (Answer3.NO if loaded.errno == errno.EINVAL else Answer3.UNKNOWN), errno_name(loaded.errno)


def _read_jit(answer: KernelAnswer) -> Found:
    loaded = answer.attempts[0]
    return (Answer3.YES if loaded.jited_length else Answer3.NO), f"jited_prog_len {loaded.jited_length}"


def _read_interpreter(answer: KernelAnswer) -> Found:
    loaded = answer.attempts[0]
    if loaded.errno:
        return Answer3.UNKNOWN, _message(answer) or errno_name(loaded.errno)
    ran = loaded.jited_length == 0 and [run.retval for run in loaded.runs] == [0x1234567]
    return (Answer3.YES if ran else Answer3.NO), f"jited_prog_len {loaded.jited_length} with bpf_jit_enable 0"


def _read_hardening(answer: KernelAnswer) -> Found:
    plain, hardened = (loaded.jited_length for loaded in answer.attempts)
    if not plain or not hardened:
        return Answer3.UNKNOWN, "no JIT"
    return (Answer3.YES if hardened > plain else Answer3.NO), f"jited_prog_len {plain}, blinded {hardened}"


def _read_unprivileged(answer: KernelAnswer) -> Found:
    code = answer.attempts[0].errno
    if code == 0:
        return Answer3.YES, "loaded without capabilities"
    return (Answer3.NO if code == errno.EPERM else Answer3.UNKNOWN), errno_name(code)


def _knobs(hello: Hello) -> list[Feature]:
    names = {
        Knob.KERNEL_BTF: ("kernel btf", "/sys/kernel/btf/vmlinux"),
        Knob.SYSRQ: ("sysrq", "/proc/sysrq-trigger"),
        Knob.TRACEFS: ("tracefs", "/sys/kernel/tracing/events"),
        Knob.LOG_TRUE_SIZE: ("log_true_size", "of a load with a log"),
    }
    return [
        Feature(FeatureKind.KERNEL, name, Answer3.YES if hello.knobs & knob else Answer3.NO, evidence)
        for knob, (name, evidence) in names.items()
    ]
