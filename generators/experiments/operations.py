"""The one operation of an experiment: every ALU form and every comparison there is, and casts through the
stack.

Each leaves its operands and result where the output map shows them.
"""

from __future__ import annotations

from collections.abc import Callable

from ebpf.isa import opcodes as o
from ebpf.isa.build import R10, atomic, load, mov32, mov64, store
from ebpf.isa.forms import Form
from ebpf.isa.insn import Insn
from ebpf.isa.table import FORMS
from generators.experiments.aiming import aim
from generators.experiments.bench import OUTPUT, SCRATCH, ExperimentBench
from generators.experiments.shaping import shape
from generators.layout import SPILL_SLOTS
from generators.overflows import THRESHOLDS
from generators.profiles import Profile
from generators.steps import alu

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
    if op in THRESHOLDS and not with_register and bench.dice.pick(4):
        aim(bench, op, imm, wide=form.opcode & o.CLASS_MASK == o.ALU64)
    bench.b.emit(Insn(form.opcode, int(bench.d), int(bench.s) if with_register else 0, off, imm))
    bench.show((bench.d,))
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
    insn = Insn(form.opcode, int(bench.d), int(bench.s) if with_register else 0, 0, imm)
    bench.taken.append((bench.b.branch(insn), shown))
    bench.show(shown)
    return "comparison"


def cast(bench: ExperimentBench) -> str:
    """A spill of one width and a load of another from the same eight bytes."""
    dice, b = bench.dice, bench.b
    shape(bench, bench.s)
    slot = dice.of(SPILL_SLOTS[:2])
    b.emit(store(o.DW, R10, slot, bench.small() if dice.pick(2) else 0))
    stored, loaded = (dice.of(((o.W, 4), (o.DW, 8), (o.H, 2), (o.B, 1))) for _ in range(2))
    b.emit(store(stored[0], R10, slot + _within(bench, stored[1]), bench.s))
    signed = loaded[1] < 8 and b.profile.knows("6.6") and dice.pick(2) == 1
    b.emit(load(loaded[0], bench.d, R10, slot + _within(bench, loaded[1]), signed=signed))
    bench.show((bench.d,))
    return "cast"


def _within(bench: ExperimentBench, size: int) -> int:
    """An aligned place for ``size`` bytes in a slot; mostly the lowest."""
    return bench.dice.pick(8 // size) * size if bench.dice.pick(3) == 2 else 0


def linked(bench: ExperimentBench) -> str:
    """A copy at a constant distance: a comparison of either narrows both (since Linux 6.11)."""
    dice, b, d, s = bench.dice, bench.b, bench.d, bench.s
    shape(bench, s)
    b.emit((mov32 if dice.pick(3) == 2 else mov64)(d, s))
    op, wide = dice.of((o.ADD, o.ADD, o.SUB)), not dice.pick(2)
    b.emit(alu(op, d, bench.small(), wide))
    form = dice.of([form for form in COMPARISONS if form.opcode & o.SOURCE_MASK == o.K])
    compared = dice.of((d, s))
    bench.taken.append((b.branch(Insn(form.opcode, int(compared), 0, 0, bench.small())), (d, s)))
    bench.show((d, s))
    return "linked"


def atomic_operation(bench: ExperimentBench) -> str:
    """An atomic operation on a spilled scalar; memory and what was fetched are shown."""
    dice, b, d, s = bench.dice, bench.b, bench.d, bench.s
    shape(bench, d)
    shape(bench, s)
    slot = dice.of(SPILL_SLOTS[:2])
    b.emit(store(o.DW, R10, slot, d))
    code = dice.of((o.DW, o.W))
    imm = dice.of((o.ADD, o.OR, o.AND, o.XOR)) | dice.of((o.FETCH, o.FETCH, 0))
    imm = dice.of((imm, imm, o.XCHG, o.CMPXCHG)) if b.profile.knows("5.12") else o.ADD
    b.emit(mov64(SCRATCH, dice.of((d, s))))
    b.emit(atomic(imm, code, R10, slot + (4 * dice.pick(2) if code == o.W else 0), s))
    bench.show((SCRATCH if imm == o.CMPXCHG else s,))
    b.emit(load(o.DW, d, R10, slot))
    b.emit(store(o.DW, OUTPUT, 16 * bench.number + 8, d))
    return "atomic"


OPERATIONS: tuple[Callable[[ExperimentBench], str], ...] = (
    *[arithmetic] * 9, *[comparison] * 4, *[cast] * 2, linked, atomic_operation,
)  # fmt: skip
"""Each as often as it is worth; simplest first."""
