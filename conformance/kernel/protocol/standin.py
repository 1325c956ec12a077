"""The agent's side of the protocol in Python, for stand-ins of it: a job read back from its bytes."""

from __future__ import annotations

from typing import TypeVar

from conformance.kernel.jobs import Attempt, Jit, Job
from conformance.kernel.protocol.capabilities import names
from conformance.kernel.protocol.frames import PayloadReader, ProtocolError
from conformance.kernel.protocol.jobs import ATTEMPT, MAX_ATTEMPTS, MAX_MAPS, PROGRAM, RUN, TRANSLATED
from conformance.kernel.protocol.maps import decode_map
from ebpf.byte_order import ByteOrder
from ebpf.isa.insn import decode as decode_insns
from ebpf.program import Case, Input, LoadFlag, Program
from ebpf.program_types import AttachType, ProgramType

_PREFIXES = ("btf_trace_", "bpf_iter_", "bpf_lsm_")
_E = TypeVar("_E", ProgramType, AttachType, Jit)


def decode_job(payload: bytes, order: ByteOrder = ByteOrder.LITTLE) -> Job:
    """What :func:`.jobs.encode_job` wrote, up to what the bytes do not tell: every attempt's capabilities are
    spelled out, and an attach type of 0 is one.  Raises :class:`ProtocolError`."""
    reader = PayloadReader(payload)
    program_type, attach_type, flags, _, _ = reader.fields(PROGRAM)
    target = reader.blob().decode("utf-8", "replace")
    license_ = reader.blob().decode("utf-8", "replace")
    code = reader.blob()
    if len(code) % 8:
        raise ProtocolError(f"{len(code)} bytes of instructions")
    btf, func_info = reader.blob(), reader.blob()
    kfuncs = tuple(
        [(reader.u32(), reader.blob().decode("utf-8", "replace")) for _ in range(reader.count(len(payload)))]
    )
    maps = tuple([decode_map(reader, order) for _ in range(reader.count(MAX_MAPS))])
    attempts = tuple([_attempt(reader) for _ in range(reader.count(MAX_ATTEMPTS))])
    inputs = tuple([Input(reader.blob(), reader.blob()) for _ in range(reader.count(len(payload)))])
    reader.end()
    program = Program(
        _member(ProgramType, program_type),
        decode_insns(code, order),
        maps,
        _member(AttachType, attach_type),
        _bare(target),
        license_,
        LoadFlag(flags),
        btf or None,
        func_info or None,
        kfuncs,
        order,
    )
    return Job(Case(program, inputs), attempts)


def _bare(target: str) -> str | None:
    for prefix in _PREFIXES:
        target = target.removeprefix(prefix)
    return target or None


def _attempt(reader: PayloadReader) -> Attempt:
    jit, log_level, flags, bits, capabilities = reader.fields(ATTEMPT)
    return Attempt(
        _member(Jit, jit),
        log_level,
        LoadFlag(flags),
        bool(bits & RUN),
        bool(bits & TRANSLATED),
        names(capabilities),
    )


def _member(kind: type[_E], number: int) -> _E:
    try:
        return kind(number)
    except ValueError:
        raise ProtocolError(f"{number} is no {kind.__name__}") from None
