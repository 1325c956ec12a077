"""The interval pass: questions answered by ranges alone, as a kernel would, instead of by Z3."""

from __future__ import annotations

import z3

from oracles.terms import ranges
from oracles.terms.assumptions import Assumed, conditions
from oracles.terms.ranges import Range
from oracles.terms.solver import Feasible, Solver
from oracles.terms.term import Condition

_BINARY = {
    z3.Z3_OP_BADD: ranges.add, z3.Z3_OP_BSUB: ranges.subtract, z3.Z3_OP_BMUL: ranges.multiply,
    z3.Z3_OP_BAND: ranges.both_bits,
    z3.Z3_OP_BOR: ranges.either_bits, z3.Z3_OP_BXOR: ranges.differing_bits,
    z3.Z3_OP_CONCAT: ranges.concatenate,
}  # fmt: skip
_SHIFTS = {
    z3.Z3_OP_BSHL: ranges.shift_left,
    z3.Z3_OP_BLSHR: ranges.shift_right,
    z3.Z3_OP_BASHR: ranges.shift_right_signed,
}
_ORDERS = {
    z3.Z3_OP_ULT: (False, True), z3.Z3_OP_ULEQ: (False, False), z3.Z3_OP_SLT: (True, True),
    z3.Z3_OP_SLEQ: (True, False),
}  # fmt: skip
"""Comparisons ``a < b`` and ``a <= b``: whether signed, whether strict."""
_TURNED = {
    z3.Z3_OP_UGT: z3.Z3_OP_ULT, z3.Z3_OP_UGEQ: z3.Z3_OP_ULEQ, z3.Z3_OP_SGT: z3.Z3_OP_SLT,
    z3.Z3_OP_SGEQ: z3.Z3_OP_SLEQ,
}  # fmt: skip
_OPPOSITE = {
    z3.Z3_OP_ULT: z3.Z3_OP_ULEQ, z3.Z3_OP_ULEQ: z3.Z3_OP_ULT, z3.Z3_OP_SLT: z3.Z3_OP_SLEQ,
    z3.Z3_OP_SLEQ: z3.Z3_OP_SLT,
}  # fmt: skip

DEEPEST = 100
"""Operations below which a term counts as unknown: each is a few frames of Python's stack."""


class Ranges:
    """What a path's conditions say of each term, one term at a time: no relation between two terms is
    kept."""

    def __init__(self, conditions: list[z3.BoolRef]) -> None:
        self.known: dict[int, Range] = {}
        self.kept: list[z3.ExprRef] = []  # so that Z3 does not give their numbers to other terms
        self.impossible = False
        self.computed: dict[int, Range] = {}  # since something was last learnt; terms share their parts
        self.depth = 0
        for condition in conditions:
            self.learn(condition, True)

    def of(self, term: z3.BitVecRef) -> Range:
        """The range of a term."""
        number = term.get_id()
        found = self.computed.get(number)
        if found is None:
            self.depth += 1
            found = self._computed(term) if self.depth < DEEPEST else ranges.top(term.size())
            self.depth -= 1
            known = self.known.get(number)
            found = self.computed[number] = found if known is None else ranges.meet(known, found)
        return found

    def _computed(self, term: z3.BitVecRef) -> Range:
        bits = term.size()
        if z3.is_bv_value(term):
            return ranges.constant(term.as_long(), bits)
        kind = term.decl().kind()
        parts = term.children()
        if kind in _BINARY:
            result = self.of(parts[0])
            for part in parts[1:]:
                result = _BINARY[kind](result, self.of(part))
            return result
        if kind in _SHIFTS:
            amount = self.of(parts[1]).constant
            return (
                ranges.top(bits)
                if amount is None or amount >= bits
                else _SHIFTS[kind](self.of(parts[0]), amount)
            )
        if kind == z3.Z3_OP_EXTRACT:
            return ranges.extract(self.of(parts[0]), *term.params())
        if kind == z3.Z3_OP_ZERO_EXT:
            return ranges.zero_extend(self.of(parts[0]), bits)
        if kind == z3.Z3_OP_SIGN_EXT:
            return ranges.sign_extend(self.of(parts[0]), bits)
        if kind == z3.Z3_OP_BNEG:
            return ranges.subtract(ranges.constant(0, bits), self.of(parts[0]))
        if kind == z3.Z3_OP_ITE:
            decided = self.decide(parts[0])
            if decided is not None:
                return self.of(parts[1 if decided else 2])
            return ranges.join(self.of(parts[1]), self.of(parts[2]))
        if kind in (z3.Z3_OP_BUDIV, z3.Z3_OP_BUDIV_I, z3.Z3_OP_BUREM, z3.Z3_OP_BUREM_I):
            return self._division(kind, parts, bits)
        return ranges.top(bits)

    def _division(self, kind: int, parts: list[z3.BitVecRef], bits: int) -> Range:
        a, b = self.of(parts[0]), self.of(parts[1])
        if b.low == 0 or b.empty:
            return ranges.top(bits)
        if kind in (z3.Z3_OP_BUDIV, z3.Z3_OP_BUDIV_I):
            return ranges.make(bits, a.low // b.high, a.high // b.low)
        return ranges.make(bits, 0, min(a.high, b.high - 1))

    def decide(self, condition: z3.BoolRef) -> bool | None:
        """Whether the condition holds for all, for none, or cannot be told."""
        if z3.is_true(condition) or z3.is_false(condition):
            return bool(z3.is_true(condition))
        kind = condition.decl().kind()
        parts = condition.children()
        if kind == z3.Z3_OP_NOT:
            inner = self.decide(parts[0])
            return None if inner is None else not inner
        if kind in (z3.Z3_OP_AND, z3.Z3_OP_OR):
            found = [self.decide(part) for part in parts]
            decisive: bool = kind == z3.Z3_OP_OR
            if decisive in found:
                return decisive
            return None if None in found else not decisive
        if kind in _TURNED:
            kind, parts = _TURNED[kind], parts[::-1]
        if kind in _ORDERS:
            return _ordered(self.of(parts[0]), self.of(parts[1]), *_ORDERS[kind])
        if kind in (z3.Z3_OP_EQ, z3.Z3_OP_DISTINCT) and z3.is_bv(parts[0]):
            a, b = self.of(parts[0]), self.of(parts[1])
            same = (
                True
                if a.constant is not None and a.constant == b.constant
                else False
                if ranges.meet(a, b).empty
                else None
            )
            return same if kind == z3.Z3_OP_EQ or same is None else not same
        return None

    def learn(self, condition: z3.BoolRef, holds: bool) -> None:
        """Narrow the terms that the condition compares."""
        decided = self.decide(condition)
        if decided is not None:
            self.impossible |= decided != holds
            return
        kind = condition.decl().kind()
        parts = condition.children()
        if kind == z3.Z3_OP_NOT:
            self.learn(parts[0], not holds)
        elif (kind, holds) in ((z3.Z3_OP_AND, True), (z3.Z3_OP_OR, False)):
            for part in parts:
                self.learn(part, holds)
        elif kind in (z3.Z3_OP_EQ, z3.Z3_OP_DISTINCT) and z3.is_bv(parts[0]):
            self._learn_equal(parts[0], parts[1], holds == (kind == z3.Z3_OP_EQ))
        else:
            if kind in _TURNED:
                kind, parts = _TURNED[kind], parts[::-1]
            if kind in _ORDERS:
                if not holds:
                    kind, parts = _OPPOSITE[kind], parts[::-1]
                self._learn_order(parts[0], parts[1], *_ORDERS[kind])

    def _learn_equal(self, a: z3.BitVecRef, b: z3.BitVecRef, same: bool) -> None:
        ra, rb = self.of(a), self.of(b)
        if same:
            both = ranges.meet(ra, rb)
            self._narrow(a, both)
            self._narrow(b, both)
            return
        for term, own, other in ((a, ra, rb.constant), (b, rb, ra.constant)):
            if other is not None:
                low, high = own.low + (own.low == other), own.high - (own.high == other)
                self._narrow(term, ranges.make(own.bits, low, high))

    def _learn_order(self, a: z3.BitVecRef, b: z3.BitVecRef, signed: bool, strict: bool) -> None:
        ra, rb = self.of(a), self.of(b)
        if signed:
            self._narrow(a, ranges.make(ra.bits, most=rb.most - strict))
            self._narrow(b, ranges.make(ra.bits, least=ra.least + strict))
        else:
            self._narrow(a, ranges.make(ra.bits, high=rb.high - strict))
            self._narrow(b, ranges.make(ra.bits, low=ra.low + strict))

    def _narrow(self, term: z3.BitVecRef, by: Range) -> None:
        if z3.is_bv_value(term):
            return
        narrowed = ranges.meet(self.of(term), by)
        self.impossible |= narrowed.empty
        self.known[term.get_id()] = narrowed
        self.computed.clear()
        self.kept.append(term)
        kind = term.decl().kind()
        if kind == z3.Z3_OP_ZERO_EXT:
            inner = term.arg(0)
            self._narrow(inner, ranges.extract(narrowed, inner.size() - 1, 0))
        elif kind == z3.Z3_OP_BADD and term.num_args() == 2 and z3.is_bv_value(term.arg(1)):
            self._narrow(
                term.arg(0), ranges.subtract(narrowed, ranges.constant(term.arg(1).as_long(), narrowed.bits))
            )
        elif kind == z3.Z3_OP_EXTRACT and term.params()[1] == 0:
            whole = term.arg(0)
            if self.of(whole).high < 1 << narrowed.bits:
                self._narrow(whole, ranges.zero_extend(narrowed, whole.size()))


def _ordered(a: Range, b: Range, signed: bool, strict: bool) -> bool | None:
    low_a, high_a, low_b, high_b = (
        (a.least, a.most, b.least, b.most) if signed else (a.low, a.high, b.low, b.high)
    )
    if high_a < low_b or (high_a == low_b and not strict):
        return True
    if low_a > high_b or (low_a == high_b and strict):
        return False
    return None


class IntervalSolver(Solver):
    """Answers NO where ranges show it, YES (without a model) everywhere else."""

    relates = False

    def __init__(self) -> None:
        super().__init__(0)

    def feasible(
        self, assumed: Assumed | None, model: z3.ModelRef | None, condition: Condition
    ) -> tuple[Feasible, z3.ModelRef | None]:
        """As ranges see it."""
        if condition is False:
            return Feasible.NO, None
        self.counted.cheap += 1
        known = Ranges(conditions(assumed)[::-1])
        if known.impossible:
            return Feasible.NO, None
        if condition is not True:
            known.learn(condition, True)
        return (Feasible.NO if known.impossible else Feasible.YES), None

    def values(
        self, assumed: Assumed | None, model: z3.ModelRef | None, term: z3.BitVecRef, limit: int
    ) -> list[int] | None:
        """None on a path that can be: ranges name no values one by one."""
        return [] if self.feasible(assumed, model, True)[0] is Feasible.NO else None

    def ask(self, together: list[z3.BoolRef]) -> tuple[Feasible, z3.ModelRef | None]:
        """As ranges see it."""
        return (Feasible.NO if Ranges(together).impossible else Feasible.YES), None
