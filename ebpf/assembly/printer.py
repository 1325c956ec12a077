"""Instructions as text.

The kernel's dialect is that of kernel/bpf/disasm.c; where the kernel prints an address (maps, functions) we
print what the instruction says: ``r1 = map[0]``, ``r1 = map[0][0]+8``, ``r2 = subprog[+5]``.  LLVM's is what
``llvm-objdump -d`` prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from ebpf.helper_names import HELPER_NAMES
from ebpf.isa.forms import Form
from ebpf.isa.insn import Insn
from ebpf.isa.table import IllegalInsn, form_of
from ebpf.program import Program

U32 = 0xFFFFFFFF


class AssemblyDialect(Enum):
    """Whose spelling."""

    KERNEL = "kernel"
    LLVM = "llvm"


def helper_name(number: int) -> str:
    """``bpf_map_lookup_elem`` for 1; ``unknown`` for a number no Linux has (kernel/bpf/disasm.c,
    func_id_name)."""
    return f"bpf_{HELPER_NAMES[number]}" if 0 < number < len(HELPER_NAMES) else "unknown"


def text(insn: Insn, following: Insn | None = None, dialect: AssemblyDialect = AssemblyDialect.KERNEL) -> str:
    """One instruction; ``following`` is the second slot of a 64-bit immediate load.

    Raises :class:`ebpf.isa.table.IllegalInsn` when no form allows the instruction.
    """
    form = form_of(insn)
    high = following.imm if following else 0
    if dialect is AssemblyDialect.KERNEL:
        return _kernel(form, insn, high)
    return _llvm(form, insn, high)


def _kernel(form: Form, insn: Insn, high: int) -> str:
    return form.kernel.format(
        dst=insn.dst,
        src=insn.src,
        off=f"{insn.off:+d}",
        imm=_Imm(insn.imm),
        next=high,
        imm64=(high & U32) << 32 | insn.imm & U32,
        helper=helper_name(insn.imm) if form.name == "call_helper" else "",
    )


def _llvm(form: Form, insn: Insn, high: int) -> str:
    # LLVM sets the sign of a memory offset apart ("r10 - 8"), but not that of a jump distance ("goto +3").
    sign = "-" if insn.off < 0 else "+"
    off = f"{sign} {abs(insn.off)}" if "{off})" in form.llvm or "{off}," in form.llvm else f"{insn.off:+d}"
    unsigned = (high & U32) << 32 | insn.imm & U32
    return form.llvm.format(
        dst=insn.dst,
        src=insn.src,
        off=off,
        imm=insn.imm,
        imm64=unsigned - (1 << 64) if unsigned >> 63 else unsigned,
    )


class _Imm(int):
    """An immediate whose hexadecimal form is unsigned, as ``%#x`` of C prints it."""

    def __format__(self, spec: str) -> str:
        return format(int(self) & U32 if spec.endswith("x") else int(self), spec)


def _second_half(form: Form, following: Insn | None, first: Insn) -> Insn:
    shown = "{next" in form.kernel or "{imm64" in form.kernel
    if following is None or following != Insn(0, imm=following.imm if shown else 0):
        raise IllegalInsn(first, "imm")
    return following


def program_listing(
    program: Program, dialect: AssemblyDialect = AssemblyDialect.KERNEL
) -> list[tuple[int, str]]:
    """As :func:`listing`, with the kernel functions that the program calls by name: ``call kfunc
    bpf_iter_num_new``, since their numbers differ from kernel to kernel."""
    return with_names(listing(program.instructions, dialect), program.kfuncs)


def with_names(lines: Sequence[tuple[int, str]], kfuncs: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """A listing with the kernel functions and variables that these slots name."""
    names = dict(kfuncs)
    return [(at, _named(line, names[at]) if at in names else line) for at, line in lines]


def _named(line: str, name: str) -> str:
    register, loads, _ = line.partition(" = ")
    return f"{register} = btf_id {name}" if loads else f"call kfunc {name}"


def listing(
    insns: Sequence[Insn], dialect: AssemblyDialect = AssemblyDialect.KERNEL
) -> list[tuple[int, str]]:
    """(slot number, text) of each instruction; second slots of 64-bit immediates have no line.

    An illegal instruction is shown as ``.8byte`` with its hex, as objdump does, so that a near miss can be
    printed too; so is a 64-bit immediate whose second slot is missing or says more than the text can.
    """
    lines: list[tuple[int, str]] = []
    at = 0
    while at < len(insns):
        insn = insns[at]
        try:
            form = form_of(insn)
            slots, following = form.slots, None
            if slots == 2:
                following = _second_half(form, insns[at + 1] if at + 1 < len(insns) else None, insn)
            line = text(insn, following, dialect)
        except IllegalInsn:
            slots, line = 1, f".8byte {insn.encode().hex()}"
        lines.append((at, line))
        at += slots
    return lines
