"""Inputs for a program: packets and contexts full of boundary values and of the program's own constants."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import pairwise

from ebpf.byte_order import ByteOrder
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program import Input
from ebpf.program_types import ProgramType
from ebpf.test_runs import GIVES_PACKET
from generators.constants import BOUNDARIES, U64

WORDS = 10
"""Eight-byte words of packet payload."""


_ARGUMENTS = {ProgramType.RAW_TRACEPOINT: 96, ProgramType.SYSCALL: 128}
"""Bytes of context that a run takes, whatever they are."""
_OTHERS: dict[ProgramType, Callable[[ByteOrder], Input]] = {
    ProgramType.FLOW_DISSECTOR: lambda _: Input(packet=bytes(64)),
    # struct bpf_sk_lookup: cookie, then family AF_INET and protocol TCP
    ProgramType.SK_LOOKUP: lambda order: Input(context=order.layout("QII48x").pack(0, 2, 6)),
}
"""The one input of types whose runs take little; the rest cannot be run at all, and start from what is in
their maps."""


_CONSTANTS = frozenset(
    op | o.K | cls
    for cls in (o.ALU, o.ALU64, o.JMP, o.JMP32)
    for op in range(0, 0x100, 0x10)
    if (op, cls) not in ((o.CALL, o.JMP), (o.EXIT, o.JMP), (o.JA, o.JMP))
)
"""Opcodes of instructions that compute or compare with their immediate."""


def constants_of(insns: Sequence[Insn]) -> tuple[int, ...]:
    """The immediates a program computes and compares with, and their neighbours, as unsigned 64-bit
    numbers."""
    found = {insn.imm for insn in insns if insn.opcode in _CONSTANTS}
    for first, second in pairwise(insns):
        if first.opcode == o.LD_IMM64 and first.src == 0:
            found.add((second.imm & 0xFFFF_FFFF) << 32 | first.imm & 0xFFFF_FFFF)
    return tuple(sorted({(n + d) & U64 for n in found for d in (-1, 0, 1)}))


class WordSource:
    """Input words for a machine of some byte order, drawn from a generator of random bits: boundaries, and
    the program's ``constants``."""

    __slots__ = ("_bits", "_constants", "_order", "_small")

    def __init__(self, rng: random.Random, constants: Sequence[int], order: ByteOrder) -> None:
        self._order = order
        self._bits = rng.getrandbits
        self._constants = constants
        self._small = [number for number in constants if number < 256] or [0, 127, 128, 255]

    def below(self, limit: int) -> int:
        """A number below ``limit``, as random.Random.randrange draws it, at half the price."""
        bits, width = self._bits, limit.bit_length()
        number = bits(width)
        while number >= limit:
            number = bits(width)
        return number

    def _of(self, options: Sequence[int]) -> int:
        return options[self.below(len(options))]

    def word(self) -> int:
        """One word."""
        bits, shape = self._bits, self.below(12)
        if shape > 9:
            # Bytes that are near what the program compares bytes with.
            small = self._small
            return self._order.number(bytes([self._of(small) for _ in range(8)]))
        if shape < 3 and self._constants:
            number = self._of(self._constants)
            return number if self.below(3) else (number & 0xFFFF_FFFF) | bits(32) << 32
        if shape < 6:
            return self._of(BOUNDARIES)
        if shape == 6:
            return self.below(256)
        if shape == 7:
            return self._of(BOUNDARIES) & 0xFFFF_FFFF | (self._of(BOUNDARIES) & 0xFFFF_FFFF) << 32
        if shape == 8:
            return bits(64) & bits(64) & bits(64)
        return bits(64)

    def payload(self, words: int = WORDS) -> bytes:
        """``words`` words."""
        return b"".join([self._order.bytes(self.word(), 8) for _ in range(words)])

    def half(self) -> bytes:
        """Four bytes of a word."""
        return self._order.bytes(self.word() & 0xFFFF_FFFF, 4)


def word_for(rng: random.Random, constants: Sequence[int], order: ByteOrder) -> int:
    """One input word."""
    return WordSource(rng, constants, order).word()


def inputs_for(
    kind: ProgramType, insns: Sequence[Insn], seed: int, count: int, order: ByteOrder
) -> tuple[Input, ...]:
    """``count`` inputs, or one where none can differ.  Of packets, the first is plain, most are long enough
    for every generated access, and one now and then is short."""
    source = WordSource(random.Random(seed), constants_of(insns), order)
    if kind in _ARGUMENTS:
        size = _ARGUMENTS[kind]
        return tuple(Input(context=source.payload(size // 8)) for _ in range(count))
    if kind not in GIVES_PACKET:
        return (_OTHERS[kind](order) if kind in _OTHERS else Input(),)
    made = []
    for number in range(count):
        words = WORDS if number == 0 or source.below(8) else 1 + source.below(WORDS - 1)
        # The Ethernet header stays zero: its addresses and protocol decide fields of the context that no
        # input controls.
        data = bytes(14) + source.payload(words)
        if kind is ProgramType.XDP:
            made.append(Input(packet=data[14:].ljust(14, b"\0")))
        else:
            made.append(Input(packet=data, context=_sk_buff(source)))
    return tuple(made)


def _sk_buff(source: WordSource) -> bytes:
    """``struct __sk_buff`` up to cb: mark at 8, priority at 32, cb at 48 (net/bpf/test_run.c,
    convert___skb_to_skb)."""
    context = bytearray(68)
    for offset in (8, 32, 48, 52, 56, 60, 64):
        context[offset : offset + 4] = source.half()
    return bytes(context)
