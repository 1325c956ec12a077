"""The one operation of an experiment: every ALU form and every comparison there is, and casts through the
stack.

Each leaves its operands and result where the output map shows them.
"""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form
from ebpf.isa.table import FORMS
from generators.builder import SPILL_SLOTS
from generators.experiments.aiming import THRESHOLDS, aim
from generators.experiments.bench import OUTPUT, SCRATCH, ExperimentBench
from generators.experiments.shaping import shape
from generators.profiles import Profile

_POINTERS_ONLY = {"addr_space_cast_0_1", "addr_space_cast_1_0"}
_SHIFTS = (o.LSH, o.RSH, o.ARSH)


_WEIGHTS = {o.LSH: 3, o.RSH: 3, o.ARSH: 3, o.MUL: 4, o.DIV: 3, o.MOD: 3, o.NEG: 1, o.END: 1}
"""How often each ALU operation is chosen, relative to 2 for the others: the harder its bounds, the more."""


def _op(form: Form) -> int:
    return form.opcode & o.OP_MASK


def _is_conditional(form: Form) -> bool:
    return form.opcode & o.CLASS_MASK in (o.JMP, o.JMP32) and _op(form) not in (o.JA, o.CALL, o.EXIT, o.JCOND)


ARITHMETIC = tuple(
    f for f in FORMS if f.opcode & o.CLASS_MASK in (o.ALU, o.ALU64) and f.name not in _POINTERS_ONLY
)
COMPARISONS = tuple(filter(_is_conditional, FORMS))


def _known(forms: tuple[Form, ...], profile: Profile) -> list[Form]:
    return [form for form in forms if profile.knows(form.since)]


def arithmetic(bench: ExperimentBench) -> str:
    """One ALU instruction."""
    form = bench.dice.of(
        [form for form in _known(ARITHMETIC, bench.b.profile) for _ in range(_WEIGHTS.get(_op(form), 2))]
    )
    op = _op(form)
    with_register = form.opcode & o.SOURCE_MASK == o.X and op != o.END
    if op != o.MOV:
        shape(bench, bench.d)
    if with_register:
        shape(bench, bench.s)
    off = form.off[0] if isinstance(form.off, tuple) else 0
    imm = 0 if with_register else _immediate(bench, form)
    if op in THRESHOLDS and not with_register and bench.dice.pick(2):
        aim(bench, op, imm)
    bench.b.emit(form.opcode, bench.d, bench.s if with_register else 0, off, imm)
    bench.store((bench.d,))
    return "arithmetic"


def _immediate(bench: ExperimentBench, form: Form) -> int:
    op = _op(form)
    if isinstance(form.imm, tuple):
        return form.imm[0]
    if op in _SHIFTS:
        return bench.amount(64 if form.opcode & o.CLASS_MASK == o.ALU64 else 32)
    number = bench.small()
    # A constant divisor of zero is refused (check_alu_op, kernel/bpf/verifier.c).
    return number or 1 if op in (o.DIV, o.MOD) else number


def comparison(bench: ExperimentBench) -> str:
    """One conditional jump; both ways show what it compared."""
    form = bench.dice.of(_known(COMPARISONS, bench.b.profile))
    shape(bench, bench.d)
    with_register = form.opcode & o.SOURCE_MASK == o.X
    if with_register:
        shape(bench, bench.s)
    shown = (bench.d, bench.s) if with_register else (bench.d,)
    imm = 0 if with_register else bench.small()
    bench.taken.append((bench.b.emit(form.opcode, bench.d, bench.s if with_register else 0, 0, imm), shown))
    bench.store(shown)
    return "comparison"


def cast(bench: ExperimentBench) -> str:
    """A spill of one width and a load of another from the same eight bytes."""
    dice, b = bench.dice, bench.b
    shape(bench, bench.s)
    slot = dice.of(SPILL_SLOTS[:2])
    b.emit(o.ST | o.MEM | o.DW, 10, 0, slot, bench.small() if dice.pick(2) else 0)
    stored, loaded = (dice.of(((o.W, 4), (o.DW, 8), (o.H, 2), (o.B, 1))) for _ in range(2))
    b.emit(o.STX | o.MEM | stored[0], 10, bench.s, slot + _within(bench, stored[1]))
    signed = loaded[1] < 8 and b.profile.knows("6.6") and dice.pick(2) == 1
    b.emit(o.LDX | (o.MEMSX if signed else o.MEM) | loaded[0], bench.d, 10, slot + _within(bench, loaded[1]))
    bench.store((bench.d,))
    return "cast"


def _within(bench: ExperimentBench, size: int) -> int:
    """An aligned place for ``size`` bytes in a slot; mostly the lowest."""
    return bench.dice.pick(8 // size) * size if bench.dice.pick(3) == 2 else 0


def linked(bench: ExperimentBench) -> str:
    """A copy at a constant distance: a comparison of either narrows both (since Linux 6.11)."""
    dice, b, d, s = bench.dice, bench.b, bench.d, bench.s
    shape(bench, s)
    b.emit(o.MOV | o.X | (o.ALU if dice.pick(3) == 2 else o.ALU64), d, s)
    b.emit(dice.of((o.ADD, o.ADD, o.SUB)) | o.K | (o.ALU if dice.pick(2) else o.ALU64), d, imm=bench.small())
    form = dice.of([form for form in COMPARISONS if form.opcode & o.SOURCE_MASK == o.K])
    bench.taken.append((b.emit(form.opcode, dice.of((d, s)), 0, 0, bench.small()), (d, s)))
    bench.store((d, s))
    return "linked"


def atomic(bench: ExperimentBench) -> str:
    """An atomic operation on a spilled scalar; memory and what was fetched are shown."""
    dice, b, d, s = bench.dice, bench.b, bench.d, bench.s
    shape(bench, d)
    shape(bench, s)
    slot = dice.of(SPILL_SLOTS[:2])
    b.emit(o.STX | o.MEM | o.DW, 10, d, slot)
    code = dice.of((o.DW, o.W))
    imm = dice.of((o.ADD, o.OR, o.AND, o.XOR)) | dice.of((o.FETCH, o.FETCH, 0))
    imm = dice.of((imm, imm, o.XCHG, o.CMPXCHG)) if b.profile.knows("5.12") else o.ADD
    b.emit(o.MOV | o.X | o.ALU64, SCRATCH, dice.of((d, s)))
    b.emit(o.STX | o.ATOMIC | code, 10, s, slot + (4 * dice.pick(2) if code == o.W else 0), imm)
    bench.store((SCRATCH if imm == o.CMPXCHG else s,))
    b.emit(o.LDX | o.MEM | o.DW, d, 10, slot)
    b.emit(o.STX | o.MEM | o.DW, OUTPUT, d, 16 * bench.number + 8)
    return "atomic"


OPERATIONS: tuple[Callable[[ExperimentBench], str], ...] = (
    *[arithmetic] * 9, *[comparison] * 4, *[cast] * 2, linked, atomic,
)  # fmt: skip
"""Each as often as it is worth; simplest first."""
