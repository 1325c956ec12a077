"""The fields of an opcode byte (RFC 9669, section 3.1) and the values other fields take.

::

    arithmetic, jump     bits 7-4 operation   bit 3 source (K: imm, X: register)   bits 2-0 class
    load, store          bits 7-5 mode        bits 4-3 size                        bits 2-0 class
"""

from __future__ import annotations

from typing import Final

CLASS_MASK: Final = 0x07
LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 = range(8)

SOURCE_MASK: Final = 0x08
K: Final = 0x00
X: Final = 0x08

OP_MASK: Final = 0xF0
ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, NEG, MOD, XOR, MOV, ARSH, END = range(0x00, 0xE0, 0x10)
JA, JEQ, JGT, JGE, JSET, JNE, JSGT, JSGE, CALL, EXIT, JLT, JLE, JSLT, JSLE, JCOND = range(0x00, 0xF0, 0x10)

SIZE_MASK: Final = 0x18
W: Final = 0x00
H: Final = 0x08
B: Final = 0x10
DW: Final = 0x18
SIZE_BYTES: Final = {B: 1, H: 2, W: 4, DW: 8}

MODE_MASK: Final = 0xE0
IMM: Final = 0x00
ABS: Final = 0x20
IND: Final = 0x40
MEM: Final = 0x60
MEMSX: Final = 0x80
ATOMIC: Final = 0xC0

FETCH: Final = 0x01
XCHG: Final = 0xE0 | FETCH
CMPXCHG: Final = 0xF0 | FETCH
LOAD_ACQ: Final = 0x100
STORE_REL: Final = 0x110

LD_IMM64: Final = LD | IMM | DW

ADDR_SPACE_CAST: Final = 1
"""``off`` of a move between address spaces (BPF_ADDR_SPACE_CAST)."""

PSEUDO_MAP_FD: Final = 1
PSEUDO_MAP_VALUE: Final = 2
PSEUDO_BTF_ID: Final = 3
PSEUDO_FUNC: Final = 4
PSEUDO_MAP_IDX: Final = 5
PSEUDO_MAP_IDX_VALUE: Final = 6
PSEUDO_MAPS: Final = (PSEUDO_MAP_FD, PSEUDO_MAP_VALUE, PSEUDO_MAP_IDX, PSEUDO_MAP_IDX_VALUE)
"""``src`` of those whose immediate is the index of a map, until a descriptor takes its place or the load has
an array of these."""

CALL_HELPER: Final = 0
CALL_LOCAL: Final = 1
CALL_KFUNC: Final = 2

REGISTERS: Final = 11
"""R0 to R10; R10 is the read-only frame pointer (RFC 9669, section 2)."""

STACK_SIZE: Final = 512
"""Bytes of stack per frame: MAX_BPF_STACK, include/linux/filter.h."""
