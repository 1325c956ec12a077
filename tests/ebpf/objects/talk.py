"""The talk's two programs, as ``clang -target bpf -O2 -mcpu=v2`` compiles them: *hello* and *counter*."""

from __future__ import annotations

from ebpf.assembly import parse
from ebpf.maps import MapSpec, MapType
from ebpf.objects.object import SourceLine
from ebpf.objects.parts import Part
from ebpf.program import Program
from ebpf.program_types import ProgramType

SECTION = "tracepoint/syscalls/sys_enter_execve"
HELLO = (
    "r1 = 33", "*(u16 *)(r10 -8) = r1", "r1 = 0x646c726f57204650", "*(u64 *)(r10 -16) = r1",
    "r1 = 0x42202c6f6c6c6548",
    "*(u64 *)(r10 -24) = r1", "r1 = r10", "r1 += -24", "r2 = 18", "call bpf_trace_printk#6", "r0 = 0", "exit",
)  # fmt: skip
COUNTER = (
    "r1 = 0", "*(u32 *)(r10 -4) = r1", "r1 = 1", "*(u64 *)(r10 -16) = r1", "r2 = r10", "r2 += -4", "r3 = r10",
    "r3 += -16",
    "r1 = map[0]", "r4 = 0", "call bpf_map_update_elem#2", "r0 = 0", "exit",
)  # fmt: skip
MY_MAP = MapSpec(MapType.ARRAY, 4, 8, 256, name="my_map")
SOURCE = (
    SourceLine(0, "hello.c", 7, 0, "int bpf_prog(void *ctx) {"),
    SourceLine(9, "hello.c", 9, 3, "  bpf_trace_printk(msg, sizeof(msg));"),
)


def hello() -> Part:
    return Part("bpf_prog", Program(ProgramType.TRACEPOINT, parse(HELLO)), SECTION, SOURCE)


def counter() -> Part:
    return Part("bpf_prog", Program(ProgramType.TRACEPOINT, parse(COUNTER), (MY_MAP,)), SECTION)
