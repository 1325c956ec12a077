"""Inputs for a program: packets and contexts full of boundary values and of the program's own constants."""

from __future__ import annotations

import random
from collections.abc import Sequence

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program import Input
from ebpf.program_types import ProgramType
from generators.constants import BOUNDARIES, U64

WORDS = 10
"""Eight-byte words of packet payload."""


SK_BUFF = frozenset({
    ProgramType.SOCKET_FILTER, ProgramType.SCHED_CLS, ProgramType.SCHED_ACT, ProgramType.CGROUP_SKB,
    ProgramType.LWT_IN,
    ProgramType.LWT_OUT, ProgramType.LWT_XMIT, ProgramType.SK_SKB,
})  # fmt: skip
"""Types whose runs take a packet and a ``struct __sk_buff`` (net/bpf/test_run.c, bpf_prog_test_run_skb;
SK_SKB has none)."""
_ARGUMENTS = {ProgramType.RAW_TRACEPOINT: 96, ProgramType.SYSCALL: 128}
"""Bytes of context that a run takes, whatever they are."""
_OTHERS = {
    ProgramType.FLOW_DISSECTOR: Input(packet=bytes(64)),
    # struct bpf_sk_lookup: cookie, then family AF_INET and protocol TCP
    ProgramType.SK_LOOKUP: Input(context=bytes(8) + bytes([2, 0, 0, 0, 6, 0, 0, 0]) + bytes(48)),
}
"""The one input of types whose runs take little; the rest cannot be run at all, and start from what is in
their maps."""


def constants_of(insns: Sequence[Insn]) -> tuple[int, ...]:
    """The immediates a program computes and compares with, and their neighbours, as unsigned 64-bit
    numbers."""
    found: set[int] = set()
    for at, insn in enumerate(insns):
        cls = insn.opcode & o.CLASS_MASK
        if (
            cls in (o.ALU, o.ALU64, o.JMP, o.JMP32)
            and insn.opcode & o.SOURCE_MASK == o.K
            and insn.opcode not in (0x85, 0x95, 0x05)
        ):
            found.add(insn.imm)
        elif insn.opcode == o.LD_IMM64 and insn.src == 0 and at + 1 < len(insns):
            found.add((insns[at + 1].imm & 0xFFFF_FFFF) << 32 | insn.imm & 0xFFFF_FFFF)
    return tuple(sorted({(n + d) & U64 for n in found for d in (-1, 0, 1)}))


def word_for(rng: random.Random, constants: Sequence[int]) -> int:
    """One input word."""
    shape = rng.randrange(12)
    if shape > 9:
        # Bytes that are near what the program compares bytes with.
        small = [number for number in constants if number < 256] or [0, 127, 128, 255]
        return int.from_bytes(bytes([rng.choice(small) for _ in range(8)]), "little")
    if shape < 3 and constants:
        number = rng.choice(constants)
        return number if rng.randrange(3) else (number & 0xFFFF_FFFF) | rng.getrandbits(32) << 32
    if shape < 6:
        return rng.choice(BOUNDARIES)
    if shape == 6:
        return rng.randrange(256)
    if shape == 7:
        return rng.choice(BOUNDARIES) & 0xFFFF_FFFF | (rng.choice(BOUNDARIES) & 0xFFFF_FFFF) << 32
    if shape == 8:
        return rng.getrandbits(64) & rng.getrandbits(64) & rng.getrandbits(64)
    return rng.getrandbits(64)


def payload(rng: random.Random, constants: Sequence[int], words: int = WORDS) -> bytes:
    """``words`` words, little-endian."""
    return b"".join([word_for(rng, constants).to_bytes(8, "little") for _ in range(words)])


def inputs_for(kind: ProgramType, insns: Sequence[Insn], seed: int, count: int) -> tuple[Input, ...]:
    """``count`` inputs, or one where none can differ.  Of packets, the first is plain, most are long enough
    for every generated access, and one now and then is short."""
    rng = random.Random(seed)
    constants = constants_of(insns)
    if kind in _ARGUMENTS:
        size = _ARGUMENTS[kind]
        return tuple(Input(context=payload(rng, constants, size // 8)) for _ in range(count))
    if kind is not ProgramType.XDP and kind not in SK_BUFF:
        return (_OTHERS.get(kind, Input()),)
    made = []
    for number in range(count):
        words = WORDS if number == 0 or rng.randrange(8) else rng.randrange(1, WORDS)
        # The Ethernet header stays zero: its addresses and protocol decide fields of the context that no
        # input controls.
        data = bytes(14) + payload(rng, constants, words)
        if kind is ProgramType.XDP:
            made.append(Input(packet=data[14:].ljust(14, b"\0")))
        else:
            made.append(Input(packet=data, context=_sk_buff(rng, constants)))
    return tuple(made)


def _sk_buff(rng: random.Random, constants: Sequence[int]) -> bytes:
    """``struct __sk_buff`` up to cb: mark at 8, priority at 32, cb at 48 (net/bpf/test_run.c,
    convert___skb_to_skb)."""
    context = bytearray(68)
    for offset in (8, 32, 48, 52, 56, 60, 64):
        context[offset : offset + 4] = (word_for(rng, constants) & 0xFFFF_FFFF).to_bytes(4, "little")
    return bytes(context)
