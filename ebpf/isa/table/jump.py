"""Jumps, calls and exit: RFC 9669 section 4.3, and Linux's may_goto (6.9), gotox (6.19), callx (LLVM only).

::

    opcode   op (4 bits) | s | class     class JMP compares 64 bits, JMP32 the low 32
    off      distance in slots from the next instruction (gotol: imm)
"""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.forms import ZERO, Form, Free, Group

COMPARISONS = (
    ("jeq", o.JEQ, "=="), ("jgt", o.JGT, ">"), ("jge", o.JGE, ">="), ("jset", o.JSET, "&"),
    ("jne", o.JNE, "!="),
    ("jsgt", o.JSGT, "s>"), ("jsge", o.JSGE, "s>="), ("jlt", o.JLT, "<"), ("jle", o.JLE, "<="),
    ("jslt", o.JSLT, "s<"),
    ("jsle", o.JSLE, "s<="),
)  # fmt: skip
_SINCE_V2 = {"jlt", "jle", "jslt", "jsle"}


def _pair(name: str, op: int, sign: str, cls: int) -> tuple[Form, Form]:
    wide = cls == o.JMP
    suffix, r, group = ("", "r", Group.BASE64) if wide else ("32", "w", Group.BASE32)
    cpu = (2 if name in _SINCE_V2 else 1) if wide else 3
    since = ("4.14" if name in _SINCE_V2 else "3.18") if wide else "5.1"
    start = f"if {r}{{dst}} {sign} "
    return (
        Form(
            f"{name}{suffix}_k",
            op | o.K | cls,
            group,
            start + "{imm:#x} goto pc{off}",
            start + "{imm} goto {off}",
            Free.REGISTER,
            ZERO,
            Free.JUMP,
            Free.HEX,
            cpu,
            since,
        ),
        Form(
            f"{name}{suffix}_x",
            op | o.X | cls,
            group,
            start + f"{r}{{src}} goto pc{{off}}",
            start + f"{r}{{src}} goto {{off}}",
            Free.REGISTER,
            Free.REGISTER,
            Free.JUMP,
            ZERO,
            cpu,
            since,
        ),
    )


FORMS: tuple[Form, ...] = (
    *(f for cls in (o.JMP, o.JMP32) for n, op, s in COMPARISONS for f in _pair(n, op, s, cls)),
    Form("ja", o.JA | o.JMP, Group.BASE64, "goto pc{off}", "goto {off}", off=Free.JUMP),
    Form("gotol", o.JA | o.JMP32, Group.BASE32, "gotol pc{imm:+d}", "gotol {imm:+d}", imm=Free.JUMP, cpu=4,
         since="6.6"),
    Form("gotox", o.JA | o.X | o.JMP, Group.KERNEL, "gotox r{dst}", "gotox r{dst}", dst=Free.REGISTER, cpu=4,
         since="6.19"),
    Form("may_goto", o.JCOND | o.JMP, Group.KERNEL, "may_goto pc{off}", "may_goto {off}", off=Free.JUMP,
         cpu=3, since="6.9"),
    Form("call_helper", o.CALL | o.JMP, Group.BASE64, "call {helper}#{imm}", "call {imm}", imm=Free.VALUE),
    Form("call_local", o.CALL | o.JMP, Group.BASE64, "call pc{imm:+d}", "call {imm:+d}", src=(o.CALL_LOCAL,),
         imm=Free.JUMP,
         since="4.16"),
    Form("call_kfunc", o.CALL | o.JMP, Group.BASE64, "call kfunc#{imm}{off}", "call {imm}",
         src=(o.CALL_KFUNC,),
         off=Free.OFFSET, imm=Free.VALUE, since="5.13"),
    Form("callx", o.CALL | o.X | o.JMP, Group.BASE64, "callx r{dst}", "callx r{dst}", dst=Free.REGISTER,
         cpu=1, since=""),
    Form("exit", o.EXIT | o.JMP, Group.BASE64, "exit", "exit"),
)  # fmt: skip
