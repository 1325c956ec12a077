"""Arithmetic, RFC 9669 section 4.1 and 4.2.

::

    opcode   op (4 bits) | s | class     s = 0: K, operand in imm     s = 1: X, operand in src
    off      0; 1 for signed division and modulo; 8, 16, 32 for sign-extending moves
"""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.isa.forms import ZERO, Field, Form, Free, Group

_BINARY = (
    ("add", o.ADD, "+="), ("sub", o.SUB, "-="), ("mul", o.MUL, "*="), ("div", o.DIV, "/="),
    ("or", o.OR, "|="),
    ("and", o.AND, "&="), ("lsh", o.LSH, "<<="), ("rsh", o.RSH, ">>="), ("mod", o.MOD, "%="),
    ("xor", o.XOR, "^="),
    ("mov", o.MOV, "="), ("arsh", o.ARSH, "s>>="),
)  # fmt: skip
_SIGNED = (("sdiv", o.DIV, "s/="), ("smod", o.MOD, "s%="))
_DIVMUL = {"mul", "div", "mod", "sdiv", "smod"}


def _pair(name: str, op: int, sign: str, cls: int, off: Field, cpu: int, since: str) -> tuple[Form, Form]:
    wide = cls == o.ALU64
    bits, r = ("64", "r") if wide else ("32", "w")
    group = Group("divmul" + bits) if name in _DIVMUL else Group("base" + bits)
    cpu = max(cpu, 1 if wide else 3)
    k, x = (f"{r}{{dst}} {sign} {{imm}}", f"{r}{{dst}} {sign} {r}{{src}}")
    return (
        Form(
            f"{name}{bits}_k",
            op | o.K | cls,
            group,
            k,
            k,
            dst=Free.REGISTER,
            off=off,
            imm=Free.VALUE,
            cpu=cpu,
            since=since,
        ),
        Form(
            f"{name}{bits}_x",
            op | o.X | cls,
            group,
            x,
            x,
            Free.REGISTER,
            Free.REGISTER,
            off,
            ZERO,
            cpu,
            since,
        ),
    )


def _movsx(cls: int, width: int) -> Form:
    bits, r = ("64", "r") if cls == o.ALU64 else ("32", "w")
    text = f"{r}{{dst}} = (s{width}){r}{{src}}"
    return Form(
        f"movsx{bits}_s{width}",
        o.MOV | o.X | cls,
        Group("base" + bits),
        text,
        text,
        Free.REGISTER,
        Free.REGISTER,
        (width,),
        ZERO,
        cpu=4,
        since="6.6",
    )


def _swap(name: str, opcode: int, width: int, cpu: int = 1, since: str = "3.18") -> Form:
    # 64-bit swaps are base64, the narrower ones base32: RFC 9669, section 4.2.
    group = Group.BASE64 if width == 64 else Group.BASE32
    text = f"r{{dst}} = {name}{width} r{{dst}}"
    return Form(
        f"{name}{width}", opcode, group, text, text, dst=Free.REGISTER, imm=(width,), cpu=cpu, since=since
    )


def _neg(cls: int) -> Form:
    bits, r, cpu = ("64", "r", 1) if cls == o.ALU64 else ("32", "w", 3)
    text = f"{r}{{dst}} = -{r}{{dst}}"
    return Form(f"neg{bits}", o.NEG | o.K | cls, Group("base" + bits), text, text, dst=Free.REGISTER, cpu=cpu)


def _space_cast(imm: int, to: int, origin: int) -> Form:
    text = f"r{{dst}} = addr_space_cast(r{{src}}, {to}, {origin})"
    return Form(
        f"addr_space_cast_{to}_{origin}",
        o.MOV | o.X | o.ALU64,
        Group.KERNEL,
        text,
        text,
        Free.REGISTER,
        Free.REGISTER,
        (1,),
        (imm,),
        cpu=3,
        since="6.9",
    )


FORMS: tuple[Form, ...] = (
    *(f for cls in (o.ALU64, o.ALU) for n, op, s in _BINARY for f in _pair(n, op, s, cls, ZERO, 1, "3.18")),
    *(f for cls in (o.ALU64, o.ALU) for n, op, s in _SIGNED for f in _pair(n, op, s, cls, (1,), 4, "6.6")),
    _neg(o.ALU64), _neg(o.ALU),
    *(_movsx(cls, width) for cls, widths in ((o.ALU64, (8, 16, 32)), (o.ALU, (8, 16))) for width in widths),
    *(_swap(name, o.END | source | o.ALU, width) for name,
      source in (("le", o.K), ("be", o.X)) for width in (16, 32, 64)),
    *(_swap("bswap", o.END | o.K | o.ALU64, width, 4, "6.6") for width in (16, 32, 64)),
    _space_cast(1, 0, 1), _space_cast(1 << 16, 1, 0),
)  # fmt: skip
