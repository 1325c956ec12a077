"""A job as bytes.  The other half is agent/jobs.c."""

from __future__ import annotations

from enum import IntEnum

from conformance.kernel.jobs import Attempt, Job
from conformance.kernel.protocol.capabilities import mask
from conformance.kernel.protocol.frames import MAX_PAYLOAD, U32, WIRE_ORDER, blob
from conformance.kernel.protocol.maps import encode_map
from ebpf.btf.machine_order import btf_for, func_info_for
from ebpf.btf.map_types import with_map_types
from ebpf.errors import InputError
from ebpf.isa.insn import encode as encode_insns
from ebpf.program import Case, Program
from ebpf.program_types import AttachType, ProgramType

PROGRAM = WIRE_ORDER.layout("5I")
ATTEMPT = WIRE_ORDER.layout("4IQ")
RUN, TRANSLATED = 1, 2
MAX_MAPS = 64
MAX_ATTEMPTS = 64


class Shape(IntEnum):
    """Which fields BPF_PROG_TEST_RUN wants, and which it refuses, for a program type (net/bpf/test_run.c,
    Linux 6.12)."""

    PACKET = 0
    CONTEXT = 1
    RAW = 2
    SYSCALL = 3


SHAPES = {
    ProgramType.SK_LOOKUP: Shape.CONTEXT,
    ProgramType.RAW_TRACEPOINT: Shape.RAW,
    ProgramType.RAW_TRACEPOINT_WRITABLE: Shape.RAW,
    ProgramType.TRACING: Shape.RAW,
    ProgramType.SYSCALL: Shape.SYSCALL,
}


class BtfLookup(IntEnum):
    """Kinds of BTF types the agent can look up by name; NONE: nothing to look up."""

    NONE = 0
    STRUCT = 4
    TYPEDEF = 8
    FUNC = 12


def attach_target(program: Program) -> tuple[BtfLookup, str]:
    """What ``attach_to`` names in the kernel's BTF: the verifier wants that type's id (kernel/bpf/verifier.c,
    bpf_check_attach_target, and the prefixes of libbpf.c, libbpf_find_attach_btf_id; Linux 6.12)."""
    name = program.attach_to
    if name is None:
        return BtfLookup.NONE, ""
    match program.type, program.attach_type:
        case ProgramType.TRACING, AttachType.TRACE_RAW_TP:
            return BtfLookup.TYPEDEF, "btf_trace_" + name
        case ProgramType.TRACING, AttachType.TRACE_ITER:
            return BtfLookup.FUNC, "bpf_iter_" + name
        case ProgramType.TRACING, _:
            return BtfLookup.FUNC, name
        case ProgramType.LSM, _:
            return BtfLookup.FUNC, "bpf_lsm_" + name
        case ProgramType.STRUCT_OPS, _:
            return BtfLookup.STRUCT, name
    return BtfLookup.NONE, ""


def encode_job(job: Job) -> bytes:
    """The payload of a JOB frame.  Raises :class:`InputError` for what the protocol cannot carry, naming
    it."""
    program = with_map_types(job.case.program)
    if len(program.maps) > MAX_MAPS:
        raise InputError(f"{len(program.maps)} maps, at most {MAX_MAPS} can be created for one program")
    if len(job.attempts) > MAX_ATTEMPTS:
        raise InputError(f"{len(job.attempts)} attempts, at most {MAX_ATTEMPTS} fit one job")
    parts = [_program(program), U32.pack(len(program.maps))]
    parts += [encode_map(spec, program.byte_order) for spec in program.maps]
    parts.append(U32.pack(len(job.attempts)))
    parts += [_attempt(attempt, job.case) for attempt in job.attempts]
    parts.append(U32.pack(len(job.case.inputs)))
    for given in job.case.inputs:
        parts += (blob(given.packet), blob(given.context))
    payload = b"".join(parts)
    if len(payload) > MAX_PAYLOAD:
        raise InputError(f"a case of {len(payload)} bytes is longer than a job may be ({MAX_PAYLOAD})")
    return payload


def _program(program: Program) -> bytes:
    kind, name = attach_target(program)
    attach_type = 0 if program.attach_type is None else program.attach_type
    parts = [
        PROGRAM.pack(program.type, attach_type, program.flags, SHAPES.get(program.type, Shape.PACKET), kind),
        blob(name.encode()),
        blob(program.license.encode()),
        blob(encode_insns(program.instructions, program.byte_order)),
        blob(btf_for(program.byte_order, program.btf or b"")),
        blob(func_info_for(program.byte_order, program.func_info or b"")),
        U32.pack(len(program.kfuncs)),
    ]
    for at, function in program.kfuncs:
        parts += (U32.pack(at), blob(function.encode()))
    return b"".join(parts)


def _attempt(attempt: Attempt, case: Case) -> bytes:
    capabilities = case.capabilities if isinstance(attempt.capabilities, str) else attempt.capabilities
    bits = (RUN if attempt.run else 0) | (TRANSLATED if attempt.translated else 0)
    return ATTEMPT.pack(attempt.jit, attempt.log_level, attempt.extra_flags, bits, mask(capabilities))
