"""Registers and stack along a path, as terms."""

from __future__ import annotations

from collections.abc import Sequence

from ebpf.byte_order import ByteOrder
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from oracles.paths.values import PointerTo, Value
from oracles.terms.arithmetic import compare, compute
from oracles.terms.atomics import exchange, result_register
from oracles.terms.bytes import significances
from oracles.terms.stack import SymbolicStack
from oracles.terms.term import Condition, Term, extract, sign_extend, zero_extend

LOAD_BYTES = HELPER_NUMBERS["skb_load_bytes"]


class NotModelled(Exception):
    """This machine does not know what the instruction does here; the message says which sort of thing it
    is."""


class PathMachine:
    """The state before some instruction of a path.

    ``words`` is the packet, in words of the machine's ``order``, from the byte on that the program calls its
    first.  The packet is as long as ``words`` say, so that loads from it succeed.
    """

    __slots__ = ("order", "registers", "stack", "words")

    def __init__(self, words: Sequence[Term], order: ByteOrder) -> None:
        self.words = words
        self.order = order
        self.registers: list[Value] = [None] * 11
        self.registers[1], self.registers[10] = PointerTo("ctx"), PointerTo("fp")
        self.stack: SymbolicStack[PointerTo | None] = SymbolicStack(order)

    def fork(self) -> PathMachine:
        """An independent copy, for the other way of a jump."""
        other = PathMachine(self.words, self.order)
        other.registers, other.stack = self.registers.copy(), self.stack.copy()
        return other

    def condition(self, insn: Insn) -> Condition:
        """Whether the conditional jump is taken.  Raises :class:`NotModelled` where an operand is no number
        and where the kernel decides (may_goto)."""
        if insn.opcode & o.OP_MASK == o.JCOND:
            raise NotModelled("a jump that the kernel takes after a while")
        d, s = self.registers[insn.dst], self._source(insn)
        if d is None or s is None or isinstance(d, PointerTo) or isinstance(s, PointerTo):
            raise NotModelled("a comparison of what is no number")
        return compare(insn, d, s)

    def step(self, insn: Insn, following: Insn | None) -> None:
        """Run one instruction that is no jump; ``following`` is the slot after it.  Raises
        :class:`NotModelled`."""
        cls = insn.opcode & o.CLASS_MASK
        if cls in (o.ALU, o.ALU64):
            self._compute(insn)
        elif insn.opcode == o.LD_IMM64 and following is not None:
            self.registers[insn.dst] = self._immediate(insn, following)
        elif cls == o.LDX and insn.opcode & o.MODE_MASK in (o.MEM, o.MEMSX):
            self._load(insn)
        elif cls in (o.ST, o.STX) and insn.opcode & o.MODE_MASK == o.MEM:
            self._store(insn)
        elif cls == o.STX and insn.opcode & o.MODE_MASK == o.ATOMIC:
            self._atomic(insn)
        elif insn.opcode == o.CALL | o.JMP and insn.src == o.CALL_HELPER and insn.imm == LOAD_BYTES:
            self._load_bytes()
        else:
            raise NotModelled("a call" if cls in (o.JMP, o.JMP32) else "an access")

    def read(self, offset: int, size: int) -> Term | None:
        """The unsigned number in ``size`` bytes of stack at R10 + ``offset``; None where a byte is no part of
        a number."""
        bits = self._bits(offset, size)
        return None if bits is None else zero_extend(bits, 8 * size)

    def _bits(self, offset: int, size: int) -> Term | None:
        unknown = self.stack.missing(offset, size) or self.stack.pointer_parts(offset, size)
        return None if unknown else self.stack.bits(offset, size)

    def _source(self, insn: Insn) -> Value:
        return self.registers[insn.src] if insn.opcode & o.SOURCE_MASK == o.X else 0

    def _compute(self, insn: Insn) -> None:
        op, registers = insn.opcode & o.OP_MASK, self.registers
        d, s = registers[insn.dst], self._source(insn) if op not in (o.NEG, o.END) else 0
        if op == o.MOV:
            if isinstance(s, PointerTo) and insn.opcode == o.MOV | o.X | o.ALU64 and not insn.off:
                registers[insn.dst] = s
                return
            d = 0
        elif isinstance(d, PointerTo) and insn.opcode == o.ADD | o.K | o.ALU64:
            registers[insn.dst] = PointerTo(d.region, d.offset + insn.imm)
            return
        if d is None or s is None or isinstance(d, PointerTo) or isinstance(s, PointerTo):
            raise NotModelled("arithmetic on what is no number")
        registers[insn.dst] = compute(insn, d, s, self.order)

    def _immediate(self, insn: Insn, following: Insn) -> Value:
        if insn.src == 0:
            return (following.imm & 0xFFFF_FFFF) << 32 | insn.imm & 0xFFFF_FFFF
        if insn.src in o.PSEUDO_MAPS:
            return PointerTo("map")
        raise NotModelled("an immediate of another sort")

    def _load(self, insn: Insn) -> None:
        size, base = o.SIZE_BYTES[insn.opcode & o.SIZE_MASK], self.registers[insn.src]
        if not isinstance(base, PointerTo) or base.region != "fp":
            raise NotModelled("a load from elsewhere than the stack")
        bits = self._bits(base.offset + insn.off, size)
        if bits is None:
            raise NotModelled("a load of what is no number")
        extend = sign_extend if insn.opcode & o.MODE_MASK == o.MEMSX else zero_extend
        self.registers[insn.dst] = extend(bits, 8 * size)

    def _store(self, insn: Insn) -> None:
        size, base = o.SIZE_BYTES[insn.opcode & o.SIZE_MASK], self.registers[insn.dst]
        if not isinstance(base, PointerTo) or base.region not in ("fp", "map"):
            raise NotModelled("a store to elsewhere than stack or map")
        if base.region == "map":
            return
        stored = (
            insn.imm & 0xFFFF_FFFF_FFFF_FFFF
            if insn.opcode & o.CLASS_MASK == o.ST
            else self.registers[insn.src]
        )
        self.stack.store(base.offset + insn.off, size, stored)

    def _atomic(self, insn: Insn) -> None:
        size, base = o.SIZE_BYTES[insn.opcode & o.SIZE_MASK], self.registers[insn.dst]
        if not isinstance(base, PointerTo) or base.region != "fp" or size < 4:
            raise NotModelled("an atomic operation elsewhere than on the stack")
        expected = self.registers[0] if insn.imm == o.CMPXCHG else 0
        place, bits = base.offset + insn.off, 8 * size
        old, source = self._bits(place, size), self.registers[insn.src]
        if old is None or any(value is None or isinstance(value, PointerTo) for value in (source, expected)):
            raise NotModelled("an atomic operation on what is no number")
        assert isinstance(source, Term)
        assert isinstance(expected, Term)
        operands = extract(source, bits - 1, 0), extract(expected, bits - 1, 0)
        new, result = exchange(insn, old, *operands, bits), result_register(insn)
        if new is None:
            raise NotModelled("an atomic operation of another sort")
        self.stack.store(place, size, new)
        if result is not None:
            self.registers[result] = zero_extend(old, bits)

    def _load_bytes(self) -> None:
        """bpf_skb_load_bytes(ctx, offset, to, length) of a packet that is long enough."""
        _, context, offset, to, length = self.registers[:5]
        fits = (
            isinstance(offset, int)
            and isinstance(length, int)
            and length > 0
            and offset + length <= 8 * len(self.words)
        )
        if context != PointerTo("ctx") or not isinstance(to, PointerTo) or to.region != "fp" or not fits:
            raise NotModelled("a helper with other arguments")
        assert isinstance(offset, int)
        assert isinstance(length, int)
        for index in range(length):
            at = offset + index
            significance = significances(8, self.order)[at % 8]
            self.stack.bytes[to.offset + index] = (self.words[at // 8], significance, 8)
        self.registers[:6] = [0, None, None, None, None, None]
