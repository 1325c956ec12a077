"""The talk's two programs instruction by instruction as ``clang -target bpf -O2 -mcpu=v1`` makes them."""

from __future__ import annotations

from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program import Case, Program
from ebpf.program_types import ProgramType
from tests.conformance.kernel.cases import EXIT, mov

MESSAGE = b"Hello, BPF World!"
TRACE_PRINTK, UPDATE_ELEM, SEND_SIGNAL = 6, 2, 109
SLOTS = 256


def wide(dst: int, value: int, src: int = 0) -> tuple[Insn, Insn]:
    """dst = value ll"""
    low, high = (
        int.from_bytes(value.to_bytes(8, "little")[at : at + 4], "little", signed=True) for at in (0, 4)
    )
    return Insn(0x18, dst, src, imm=low), Insn(0, imm=high)


def call(number: int) -> Insn:
    """call number"""
    return Insn(0x85, imm=number)


def address(dst: int, off: int) -> tuple[Insn, Insn]:
    """dst = r10 + off"""
    return Insn(0xBF, dst, 10), Insn(0x07, dst, imm=off)


HELLO = (
    mov(1, MESSAGE[16]),
    Insn(0x6B, 10, 1, -8),  # *(u16 *)(r10 - 8) = r1
    *wide(1, int.from_bytes(MESSAGE[8:16], "little")),
    Insn(0x7B, 10, 1, -16),
    *wide(1, int.from_bytes(MESSAGE[:8], "little")),
    Insn(0x7B, 10, 1, -24),
    *address(1, -24),
    mov(2, len(MESSAGE) + 1),
    call(TRACE_PRINTK),
    mov(0, 0),
    EXIT,
)
COUNTER = (
    mov(1, 0),
    Insn(0x63, 10, 1, -4),  # key
    mov(1, 1),
    Insn(0x7B, 10, 1, -16),  # value
    *address(2, -4),
    *address(3, -16),
    *wide(1, 0, src=1),  # r1 = map 0
    mov(4, 0),  # BPF_ANY
    call(UPDATE_ELEM),
    mov(0, 0),
    EXIT,
)
MAP = MapSpec(MapType.ARRAY, 4, 8, SLOTS, name="my_map")


def hello(kind: ProgramType = ProgramType.TRACEPOINT) -> Case:
    """Prints :data:`MESSAGE`."""
    return Case(Program(kind, HELLO), name="hello")


def counter(kind: ProgramType = ProgramType.TRACEPOINT) -> Case:
    """Puts 1 into slot 0."""
    return Case(Program(kind, COUNTER, (MAP,)), name="counter")


def tally(kind: ProgramType, result: int = 0) -> Case:
    """Adds 1 to slot 0 and returns ``result``: tells how often it ran."""
    code = (
        mov(1, 0),
        Insn(0x63, 10, 1, -4),
        *address(2, -4),
        *wide(1, 0, src=1),
        call(1),  # lookup_elem
        Insn(0x15, 0, off=2),
        mov(1, 1),
        Insn(0xDB, 0, 1),  # lock *(u64 *)(r0 + 0) += r1
        mov(0, result),
        EXIT,
    )
    return Case(Program(kind, code, (MAP,)), name="tally")


PROBE_READ_KERNEL = 113
FIRST_ARGUMENT = 112  # struct pt_regs on x86-64: di
UNSET = (
    Insn(0x79, 3, 1, FIRST_ARGUMENT),  # r3 = skb
    Insn(0x07, 3, imm=16),  # r3 = &skb->dev
    mov(1, 8),  # r1 = &flow->dev; nobody gave flow a value, so the compiler takes 0
    mov(2, 8),
    call(PROBE_READ_KERNEL),
    mov(0, 0),
    EXIT,
)
UNSET_CALL = 4


def unset() -> Case:
    """The talk's kprobe/kfree_skb that the kernel refuses: it reads into ``flow``, a pointer without a
    value."""
    return Case(Program(ProgramType.KPROBE, UNSET), name="unset")
