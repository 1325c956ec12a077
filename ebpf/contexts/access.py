"""Whether a program may access a place of its context: the is_valid_access of its type, as one function over
the tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ebpf import rules
from ebpf.contexts.field import ContextField
from ebpf.contexts.tables import CONTEXTS
from ebpf.program_types import AttachType, ProgramType
from ebpf.releases import Release, Since
from ebpf.rules import Rule
from ebpf.wording import in_bytes

DEFAULT_ATTACH = {
    ProgramType.CGROUP_SOCK: AttachType.CGROUP_INET_SOCK_CREATE,
    ProgramType.SK_REUSEPORT: AttachType.SK_REUSEPORT_SELECT,
}
"""What loading makes of attach type 0 (bpf_prog_load_fixup_attach_type, kernel/bpf/syscall.c)."""

FREE_CONTEXT = "7.1"
"""The first kernel that takes a syscall program's context for memory like any other."""
AS_IT_IS = frozenset({
    ProgramType.KPROBE, ProgramType.TRACEPOINT, ProgramType.RAW_TRACEPOINT,
    ProgramType.RAW_TRACEPOINT_WRITABLE, ProgramType.CGROUP_DEVICE, ProgramType.LIRC_MODE2,
    ProgramType.SYSCALL, ProgramType.NETFILTER,
})  # fmt: skip
"""Types whose context accesses kernels do not rewrite (no convert_ctx_access): since FREE_CONTEXT they may go
through a pointer that a constant moved (asked of 6.12 and 7.3, lirc_mode2 apart)."""


@dataclass(frozen=True, slots=True)
class AccessRefusal:
    """Why not."""

    rule: Rule
    detail: str


def effective_attach_type(program_type: ProgramType, attach_type: AttachType | None) -> AttachType:
    """The attach type that the verifier sees."""
    return attach_type or DEFAULT_ATTACH.get(program_type, AttachType(0))


def moves_freely(program_type: ProgramType, release: Release | str) -> bool:
    """Whether the context is memory like any other: accessed unaligned, through a moved pointer, and by
    helpers (seen: 7.0.13 refuses what 7.1.13 accepts)."""
    return program_type is ProgramType.SYSCALL and release in Since(FREE_CONTEXT)


@lru_cache(maxsize=1 << 14)
def ctx_access(
    program_type: ProgramType,
    attach_type: AttachType | None,
    offset: int,
    size: int,
    write: bool,
    privileged_bpf: bool,
    release: Release | str,
) -> ContextField | AccessRefusal:
    """The field that an access of ``size`` bytes at ``offset`` reads or writes, or why it is refused.

    ``privileged_bpf``: the program is loaded with CAP_BPF.  A context of which only the kernel's BTF tells
    the layout has no fields here: ask ``CONTEXTS[program_type].kernel_btf`` first.
    """
    context = CONTEXTS[program_type]
    attach = effective_attach_type(program_type, attach_type)
    verb = "write" if write else "read"
    what = f"{verb} of {in_bytes(size)} at offset {offset} of {context.struct}"
    if offset % size and not moves_freely(program_type, release):
        return AccessRefusal(rules.CONTEXT_BOUNDS, f"{what}: misaligned")
    held = [field for field in context.fields if field.holds(offset, size) and release in Since(field.since)]
    if not held:
        return AccessRefusal(
            rules.CONTEXT_BOUNDS, f"{what}: no field of {program_type.name.lower()} programs"
        )
    reason = ""
    for field in held:
        reason = _objection(field, attach, offset, size, write, privileged_bpf)
        if not reason:
            return field
    return AccessRefusal(rules.CONTEXT_BOUNDS, f"{what}: {reason}")


def _objection(
    field: ContextField, attach: AttachType, offset: int, size: int, write: bool, privileged_bpf: bool
) -> str:
    """Why this field does not allow the access; empty when it does."""
    sizes, where = (field.writes, field.write_attach) if write else (field.reads, field.read_attach)
    if not sizes:
        return f"{field.name} is read-only"
    if size not in sizes or (field.start_only and offset != field.offset):
        return f"{field.name} is accessed by {' or '.join(map(str, sizes))} bytes"
    if where is not None and attach not in where:
        return f"{field.name} does not exist for {attach.name.lower()}"
    if (field.write_needs_bpf if write else field.needs_bpf) and not privileged_bpf:
        return f"{field.name} needs CAP_BPF"
    return ""
