"""Contexts that are plain memory: registers, tracepoint records, arguments (kernel/trace/bpf_trace.c;
kernel/bpf/syscall.c: syscall_prog_is_valid_access; drivers/media/rc/bpf-lirc.c; Linux 6.12, x86-64)."""

from __future__ import annotations

from ebpf.contexts.field import ANY, LONG, WORD, Context, ContextField, ContextFieldKind, pointer, words
from ebpf.program_types import ProgramType

WITH_REGISTERS = frozenset({ProgramType.KPROBE, ProgramType.PERF_EVENT})
"""Types whose context begins with the registers of an interrupted program: another structure on every kind
of machine."""
PT_REGS = 168
"""sizeof(struct pt_regs), arch/x86/include/asm/ptrace.h."""
RECORD = 8192
"""PERF_MAX_TRACE_SIZE, include/linux/trace_events.h; its first eight bytes are the kernel's."""
ARGUMENTS = 96
"""MAX_BPF_FUNC_ARGS of eight bytes, include/linux/bpf.h."""
SYSCALL = 0xFFFF
"""U16_MAX: where the context of a syscall program ends at the latest; a run has as much as its caller gives.
"""

_ARGUMENTS = Context("bpf_raw_tracepoint_args", ARGUMENTS, (ContextField("args", 0, ARGUMENTS, reads=ANY),))
_KERNEL = Context("kernel function's arguments", ARGUMENTS, kernel_btf=True)
CONTEXTS: dict[ProgramType, Context] = {
    ProgramType.KPROBE: Context("pt_regs", PT_REGS, (
        ContextField("regs", 0, PT_REGS, reads=ANY),
        # Refused by 6.16, taken by 6.18.
        ContextField("regs", 0, PT_REGS, reads=ANY, writes=ANY, since="6.17"))),
    ProgramType.TRACEPOINT: Context("tracepoint record", RECORD,
                                    (ContextField("record", 8, RECORD - 8, reads=ANY),)),
    ProgramType.PERF_EVENT: Context(
        "bpf_perf_event_data", PT_REGS + 16,
        (ContextField("regs", 0, PT_REGS, reads=LONG), ContextField("sample_period", PT_REGS, 8, reads=ANY),
         ContextField("addr", PT_REGS + 8, 8, reads=ANY)),
    ),
    ProgramType.RAW_TRACEPOINT: _ARGUMENTS,
    ProgramType.RAW_TRACEPOINT_WRITABLE: Context(
        _ARGUMENTS.struct, ARGUMENTS, (pointer("buffer", 0, ContextFieldKind.BUFFER),
                                       ContextField("args", 1, ARGUMENTS - 1, reads=ANY))
    ),
    ProgramType.SYSCALL: Context(
        "caller's memory", SYSCALL, (ContextField("memory", 0, SYSCALL, reads=ANY, writes=ANY, given=True),)
    ),
    # include/linux/netfilter_bpf.h; net/netfilter/nf_bpf_link.c: nf_is_valid_access (6.4 to 7.3).
    ProgramType.NETFILTER: Context("bpf_nf_ctx", 16, (
        ContextField("nf_hook_state", 0, 8, ContextFieldKind.KERNEL, reads=LONG, since="6.4"),
        ContextField("sk_buff", 8, 8, ContextFieldKind.KERNEL, reads=LONG, since="6.4"))),
    ProgramType.LIRC_MODE2: Context("sample", 4, words("sample", 0, WORD)),
    **dict.fromkeys(
        (ProgramType.TRACING, ProgramType.LSM, ProgramType.STRUCT_OPS, ProgramType.EXT), _KERNEL
    ),
}  # fmt: skip
"""By program type."""
