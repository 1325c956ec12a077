"""Rows for jumps, calls, exits, and instructions that no form allows."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec, MapType
from ebpf.program_types import ProgramType
from tests.contract.rows import ARRAY, PROGRAMS, Returns, Row, Traps


def _raw(opcode: int, dst: int = 0, src: int = 0, off: int = 0, imm: int = 0) -> str:
    return ".8byte " + Insn(opcode, dst, src, off, imm).encode().hex()


def _targets(*slots: int) -> tuple[MapSpec, ...]:
    contents = tuple(
        (key.to_bytes(4, "little"), slot.to_bytes(4, "little") + bytes(12)) for key, slot in enumerate(slots)
    )
    return (MapSpec(MapType.INSN_ARRAY, 4, 16, len(slots), contents=contents),)


JUMPS = (
    Row("goto forwards", "r0 = 1; goto pc+1; r0 = 2; exit", Returns(1)),
    Row("goto backwards", "r0 = 1; goto pc+2; r0 = 5; exit; goto pc-3", Returns(5)),
    Row("gotol", "r0 = 1; gotol pc+1; r0 = 2; exit", Returns(1)),
    Row("gotol backwards", "r0 = 1; gotol pc+2; r0 = 5; exit; gotol pc-3", Returns(5)),
    Row("a counted loop", "r0 = 0; r1 = 0; r0 += r1; r1 += 1; if r1 < 5 goto pc-3; exit", Returns(10)),
    Row("may_goto goes on", "r0 = 0; r0 += 1; if r0 == 7 goto pc+2; may_goto pc+1; goto pc-4; exit",
        Returns(7)),
    Row("gotox", "r1 = map[0][0]+0; r1 = *(u64 *)(r1 +8); gotox r1; r0 = 1; exit; r0 = 2; exit", Returns(2),
        _targets(4, 6)),
    Row("gotox, first entry", "r1 = map[0][0]+0; r1 = *(u64 *)(r1 +0); gotox r1; r0 = 1; exit; r0 = 2; exit",
        Returns(1), _targets(4, 6)),
    Row("gotox, an entry that is not there", "r1 = map[0][0]+8; r1 = *(u64 *)(r1 +8); gotox r1; r0 = 1; exit",
        Traps(rules.MAP_VALUE_BOUNDS, 2), _targets(4, 4)),
    Row("gotox to a number", "r1 = 3; gotox r1; r0 = 1; exit", Traps(rules.SCALAR_DEREFERENCE, 1)),
    Row("gotox behind the program", "r1 = map[0][0]+0; r1 = *(u64 *)(r1 +0); gotox r1; r0 = 1; exit",
        Traps(rules.JUMP_OUT_OF_RANGE, 99),
        _targets(99)),
    Row("the address of an instruction is not moved", "r1 = subprog[+2]; r1 += 1; gotox r1; r0 = 1; exit",
        Traps(rules.SCALAR_DEREFERENCE, 3)),
    Row("a jump table is not written", "r1 = map[0][0]+0; *(u64 *)(r1 +0) = 1; exit",
        Traps(rules.READ_ONLY, 2), _targets(0)),
    Row("behind the program", "r0 = 1; goto pc+5; exit", Traps(rules.JUMP_OUT_OF_RANGE, 7)),
    Row("before the program", "r0 = 1; goto pc-3; exit", Traps(rules.JUMP_OUT_OF_RANGE, -1)),
    Row("off the end", "r0 = 1", Traps(rules.JUMP_OUT_OF_RANGE, 1)),
    Row("into an immediate", "r0 = 1; goto pc+1; r0 = 0x500000005; exit",
        Traps(rules.JUMP_INTO_IMMEDIATE, 3)),
    Row("a comparison with an uninitialised register", "r0 = 1; if r0 == r5 goto pc+0; exit",
        Traps(rules.UNINITIALISED_REGISTER, 1)),
    Row("pointers of one region compare by offset",
        "r1 = r10; r1 += -8; r0 = 1; if r10 > r1 goto pc+1; r0 = 0; exit", Returns(1)),
    Row("a pointer is not null", "r0 = 1; if r10 != 0 goto pc+1; r0 = 0; exit", Returns(1)),
)  # fmt: skip

CALLS = (
    Row("call", "r1 = 20; call pc+2; r0 += 1; exit; r0 = r1; r0 += r1; exit", Returns(41)),
    Row("R6 to R9 are the caller's again", "r6 = 5; call pc+2; r0 = r6; exit; r6 = 7; r0 = 0; exit",
        Returns(5)),
    Row("R10 is the caller's again",
        "*(u64 *)(r10 -8) = 5; call pc+2; r0 = *(u64 *)(r10 -8); exit; *(u64 *)(r10 -8) = 7; r0 = 0; exit",
        Returns(5)),
    Row("the caller's stack through a pointer",
        "r1 = r10; r1 += -8; call pc+2; r0 = *(u64 *)(r10 -8); exit; *(u64 *)(r1 +0) = 7; r0 = 0; exit",
        Returns(7)),
    Row("recursion, down to zero",
        "r1 = 4; call pc+1; exit; r0 = 0; if r1 == 0 goto pc+3; r1 += -1; call pc-4; r0 += 1; exit",
        Returns(4)),
    Row("nine frames, which kernels take since 7.2",
        "r1 = 7; call pc+1; exit; r0 = 0; if r1 == 0 goto pc+3; r1 += -1; call pc-4; r0 += 1; exit",
        Returns(7)),
    Row("sixteen frames are the most",
        "r1 = 17; call pc+1; exit; r0 = 0; if r1 == 0 goto pc+3; r1 += -1; call pc-4; r0 += 1; exit",
        Traps(rules.CALL_DEPTH, 6)),
    Row("R1 to R5 are lost", "r5 = 1; call pc+2; r0 = r5; exit; r0 = 0; exit",
        Traps(rules.UNINITIALISED_REGISTER, 2)),
    Row("R6 of the callee is empty", "r6 = 1; call pc+1; exit; r0 = r6; exit",
        Traps(rules.UNINITIALISED_REGISTER, 3)),
    Row("a function may return nothing", "call pc+2; r0 = 3; exit; exit", Returns(3)),
    Row("and then R0 is not read", "call pc+1; exit; exit", Traps(rules.NO_RETURN_VALUE, 1)),
    Row("skb[] in a function leaves the function",
        "r6 = r1; call pc+2; r0 += 7; exit; r6 = r1; r0 = *(u8 *)skb[99]; r0 = 1; exit", Returns(7)),
    Row("a helper forgets R1 to R5",
        "r2 = 0; r3 = r10; r3 += -8; r4 = 8; r5 = 1; call bpf_skb_load_bytes#26; r0 = r5; exit",
        Traps(rules.UNINITIALISED_REGISTER, 6)),
    Row("a helper forgets R1",
        "r2 = 0; r3 = r10; r3 += -8; r4 = 8; call bpf_skb_load_bytes#26; r0 = 0; r0 = *(u32 *)(r1 +0); exit",
        Traps(rules.UNINITIALISED_REGISTER, 6)),
    Row("a helper keeps R6",
        "r6 = 4; r2 = 0; r3 = r10; r3 += -8; r4 = 8; call bpf_skb_load_bytes#26; r0 = r6; exit", Returns(4)),
    Row("a function keeps R6", "r6 = 4; call pc+2; r0 = r6; exit; r0 = 0; exit", Returns(4)),
    Row("a function forgets R1", "call pc+2; r0 = *(u32 *)(r1 +0); exit; r0 = 0; exit",
        Traps(rules.UNINITIALISED_REGISTER, 1)),
    Row("skb[] keeps R6", "r6 = r1; r0 = *(u8 *)skb[0]; r0 = *(u8 *)skb[1]; exit", Returns(0x81)),
    Row("callx of a number", "*(u32 *)(r10 -4) = 9; r2 = r10; r2 += -4; r1 = map[0]; r5 = 1; callx r5; exit",
        Returns(0),
        (MapSpec(MapType.HASH, 4, 8, 1),)),
    Row("callx of a function", "r5 = subprog[+3]; callx r5; exit; r0 = 6; exit", Returns(6)),
    Row("callx of memory", "r5 = r10; callx r5; exit", Traps(rules.SCALAR_DEREFERENCE, 1)),
    Row("bpf_loop",
        "r1 = 4; r2 = subprog[+8]; r3 = r10; r3 += -8; *(u64 *)(r10 -8) = 0; r4 = 0; call bpf_loop#181; "
        "r0 = *(u64 *)(r10 -8); exit; r0 = *(u64 *)(r2 +0); r0 += r1; *(u64 *)(r2 +0) = r0; r0 = 0; exit",
        Returns(6)),
    Row("bpf_loop, the callback stops it",
        "r1 = 4; r2 = subprog[+5]; r3 = 0; r4 = 0; call bpf_loop#181; exit; r0 = 1; exit",
        Returns(1)),
    Row("bpf_loop, flags", "r1 = 4; r2 = subprog[+5]; r3 = 0; r4 = 1; call bpf_loop#181; exit; r0 = 1; exit",
        Returns((1 << 64) - 22)),
    Row("bpf_loop, too many",
        "r1 = 8388609; r2 = subprog[+5]; r3 = 0; r4 = 0; call bpf_loop#181; exit; r0 = 1; exit",
        Returns((1 << 64) - 7)),
    Row("bpf_loop, the callback returns 2",
        "r1 = 4; r2 = subprog[+5]; r3 = 0; r4 = 0; call bpf_loop#181; exit; r0 = 2; exit",
        Traps(rules.RETURN_RANGE, 5)),
    Row("bpf_loop, the callback's R3 is empty",
        "r1 = 4; r2 = subprog[+5]; r3 = 0; r4 = 0; call bpf_loop#181; exit; r0 = r3; exit",
        Traps(rules.UNINITIALISED_REGISTER, 7)),
    Row("a tail call into an empty array comes back",
        "r2 = map[0]; r3 = 0; call bpf_tail_call#12; r0 = 4; exit",
        Returns(4), (PROGRAMS,)),
    Row("a tail call gives no R0", "r2 = map[0]; r3 = 0; call bpf_tail_call#12; exit",
        Traps(rules.NO_RETURN_VALUE, 4), (PROGRAMS,)),
    Row("a tail call without the context", "r1 = 0; r2 = map[0]; r3 = 0; call bpf_tail_call#12; r0 = 4; exit",
        Traps(rules.HELPER_ARGUMENT, 4), (PROGRAMS,)),
)  # fmt: skip

REGISTERS = (
    Row("a 64-bit immediate", "r0 = 0x8000000180000002; exit", Returns(0x8000000180000002)),
    Row("R0 at exit", "exit", Traps(rules.NO_RETURN_VALUE, 0)),
    Row("a register never written", "r0 = r3; exit", Traps(rules.UNINITIALISED_REGISTER, 0)),
    Row("an operation on a register never written", "r0 += 1; exit", Traps(rules.UNINITIALISED_REGISTER, 0)),
    Row("R1 is the context", "r0 = *(u32 *)(r1 +0); exit", Returns(78), type=ProgramType.SCHED_CLS),
    Row("R10 is not written", "r10 = 0; r0 = 0; exit", Traps(rules.FRAME_POINTER_WRITTEN, 0)),
    Row("R10 is not moved", "r10 += -8; r0 = 0; exit", Traps(rules.FRAME_POINTER_WRITTEN, 0)),
    Row("R10 is not loaded", "*(u64 *)(r10 -8) = 0; r10 = *(u64 *)(r10 -8); r0 = 0; exit",
        Traps(rules.FRAME_POINTER_WRITTEN, 1)),
    Row("R10 is not fetched into",
        "*(u64 *)(r10 -8) = 0; r1 = r10; r10 = atomic64_xchg((u64 *)(r1 -8), r10); r0 = 0; exit",
        Traps(rules.FRAME_POINTER_WRITTEN, 2)),
)  # fmt: skip

ILLEGAL = (
    Row("an opcode nobody knows", "r0 = 0; " + _raw(0xFF) + "; exit", Traps(rules.UNKNOWN_OPCODE, 1)),
    Row("opcode 0", "r0 = 0; " + _raw(0) + "; exit", Traps(rules.UNKNOWN_OPCODE, 1)),
    Row("R11 as destination", _raw(0xB7, 11) + "; r0 = 0; exit", Traps(rules.RESERVED_FIELD, 0)),
    Row("R15 as source", _raw(0xBF, 0, 15) + "; exit", Traps(rules.RESERVED_FIELD, 0)),
    Row("a source beside a constant", _raw(0xB7, 0, 1) + "; exit", Traps(rules.RESERVED_FIELD, 0)),
    Row("a constant beside a source", "r0 = 0; " + _raw(0x0F, 0, 0, 0, 1) + "; exit",
        Traps(rules.RESERVED_FIELD, 1)),
    Row("division with offset 2", "r0 = 1; " + _raw(0x37, 0, 0, 2, 1) + "; exit",
        Traps(rules.RESERVED_FIELD, 1)),
    Row("movsx of 7 bits", "r0 = 1; " + _raw(0xBF, 0, 0, 7) + "; exit", Traps(rules.RESERVED_FIELD, 1)),
    Row("a swap of 8 bits", "r0 = 1; " + _raw(0xDC, 0, 0, 0, 8) + "; exit", Traps(rules.RESERVED_FIELD, 1)),
    Row("exit with an operand", "r0 = 0; " + _raw(0x95, 0, 0, 0, 1), Traps(rules.RESERVED_FIELD, 1)),
    Row("an atomic operation nobody knows", "r1 = 0; *(u64 *)(r10 -8) = 0; " + _raw(0xDB, 10, 1, -8,
        0x20) + "; exit",
        Traps(rules.UNKNOWN_OPCODE, 2)),
    Row("an atomic addition of a byte", "r1 = 0; *(u64 *)(r10 -8) = 0; " + _raw(0xD3, 10, 1, -8) + "; exit",
        Traps(rules.UNKNOWN_OPCODE, 2)),
    Row("half a 64-bit immediate", _raw(0x18), Traps(rules.IMMEDIATE_HALVES, 0)),
    Row("an offset in the second half", _raw(0x18) + "; " + _raw(0, 0, 0, 1) + "; exit",
        Traps(rules.IMMEDIATE_HALVES, 0)),
    Row("half a map's descriptor", _raw(0x18, 1, 1) + "; " + _raw(0, 0, 0, 0, 1) + "; r0 = 0; exit",
        Traps(rules.IMMEDIATE_HALVES, 0), maps=(ARRAY,)),
    Row("what is not reached does not trap", "r0 = 3; goto pc+1; " + _raw(0xFF) + "; exit", Returns(3)),
)  # fmt: skip

ROWS: tuple[Row, ...] = (*JUMPS, *CALLS, *REGISTERS, *ILLEGAL)
