"""Instructions from text, in the kernel's dialect or in LLVM's.

Takes what :func:`ebpf.assembly.listing` prints and what the verifier log prints: an optional ``12:`` and an
optional ``(b7)`` before each instruction, ``;`` comments after it, and jumps written as ``pc+3`` or ``+3``.
Register 10 is written ``r10``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from ebpf.assembly.assembled import Assembled
from ebpf.assembly.patterns import patterns
from ebpf.assembly.printer import AssemblyDialect
from ebpf.errors import InputError
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form
from ebpf.isa.insn import Insn, decode

_NUMBER = re.compile(r"[+-]?(?:0x[0-9a-fA-F]+|0|[1-9][0-9]*)")
_LONGEST_NUMBER = 40
_OWNERS = {AssemblyDialect.KERNEL: "the kernel's", AssemblyDialect.LLVM: "LLVM's"}
_PREFIX = re.compile(r"^\s*(?:\d+:\s*)?(?:\([0-9a-f]{2}\)\s*)?", re.ASCII)
_SPACE_CAST = re.compile(r"r(\d\w*)\s*=\s*addr_space_cast\(\s*r(\d\w*),\s*(\d\w*),\s*(\d\w*)\s*\)", re.ASCII)
"""The kernel prints any two numbers, of which only 0 and 1 in either order are an instruction."""
_KFUNC = re.compile(r"call\s+kfunc\s+([A-Za-z_]\w*)", re.ASCII)
_LABEL = re.compile(r"\s*<[^<>]*>$")
"""What llvm-objdump shows behind a jump's or call's distance."""


def parse(lines: Iterable[str], dialect: AssemblyDialect = AssemblyDialect.KERNEL) -> tuple[Insn, ...]:
    """The slots that :func:`assemble` gives, for text that calls no kernel function by name."""
    assembled = assemble(lines, dialect)
    if assembled.kfuncs:
        raise InputError(f"kernel functions by name ({assembled.kfuncs[0][1]}) need a case file")
    return assembled.instructions


def assemble(lines: Iterable[str], dialect: AssemblyDialect = AssemblyDialect.KERNEL) -> Assembled:
    """Slots from lines; empty lines and ``;`` comments are skipped.

    A kernel function is called by its number (``call kfunc#77+0``) or, which holds on every kernel, by its
    name (``call kfunc bpf_iter_num_new``).

    LLVM's dialect tells a call of a function from a helper's by its sign or the label behind it, and loads of
    addresses not at all: they are taken for loads of numbers.  Raises :class:`InputError` naming the
    line's number (from 1), its text and the reason.
    """
    insns: list[Insn] = []
    kfuncs: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        body = _PREFIX.sub("", line.split(";")[0]).strip()
        if body:
            if kfunc := _KFUNC.fullmatch(body):
                kfuncs.append((len(insns), kfunc[1]))
                body = "call kfunc#0+0"
            try:
                insns.extend(parse_instruction(body, dialect))
            except InputError as error:
                raise InputError(f"line {number}: {line.strip()!r}: {error}") from None
    return Assembled(tuple(insns), tuple(kfuncs))


def parse_instruction(body: str, dialect: AssemblyDialect) -> tuple[Insn, ...]:
    """One instruction, alone on its line.  Raises :class:`InputError` with nothing but the reason."""
    if body.startswith(".8byte "):
        digits = body.removeprefix(".8byte ").strip()
        if not re.fullmatch("[0-9a-fA-F]{16}", digits):
            raise InputError("an instruction is eight bytes, in hexadecimal")
        return decode(bytes.fromhex(digits))
    if cast := _SPACE_CAST.fullmatch(body):
        return _space_cast(*map(_number, cast.groups()))
    label = _LABEL.search(body) if dialect is AssemblyDialect.LLVM else None
    text = body[: label.start()] if label else body
    for pattern, form in patterns(dialect):
        match = pattern.fullmatch(text)
        if match:
            fields = {k: v for k, v in match.groupdict().items() if v is not None}
            insns = _build(form, fields)
            llvm_call = form.name == "call_helper" and dialect is AssemblyDialect.LLVM
            local = llvm_call and (label is not None or fields["imm"][0] in "+-")
            return (replace(insns[0], src=o.CALL_LOCAL),) if local else insns
    raise InputError(f"not an instruction in {_OWNERS[dialect]} dialect")


def _space_cast(dst: int, src: int, to: int, origin: int) -> tuple[Insn, ...]:
    for name, register in (("dst", dst), ("src", src)):
        _fit(name, register, 0, o.REGISTERS - 1)
    for space in (to, origin):
        _fit("address space", space, 0, (1 << 16) - 1)
    return (Insn(o.MOV | o.X | o.ALU64, dst, src, 1, _signed(to << 16 | origin, 32)),)


def _build(form: Form, fields: dict[str, str]) -> tuple[Insn, ...]:
    values = {name: _number(value) for name, value in fields.items() if name != "helper"}
    known = fields.get("helper", "").removeprefix("bpf_")
    if known in HELPER_NUMBERS and HELPER_NUMBERS[known] != values["imm"]:
        raise InputError(f"helper {fields['helper']} is number {HELPER_NUMBERS[known]}, not {values['imm']}")
    wide = values.pop("imm64", None)
    following = values.pop("next", 0)
    if wide is not None:
        _fit("imm64", wide, -(1 << 63), (1 << 64) - 1)
        values["imm"], following = _signed(wide, 32), _signed(wide >> 32, 32)
    for name in ("dst", "src", "off", "imm"):
        allowed = getattr(form, name)
        if name not in values and isinstance(allowed, tuple):
            values[name] = allowed[0]
    for name, bound in (("dst", o.REGISTERS), ("src", o.REGISTERS)):
        _fit(name, values.get(name, 0), 0, bound - 1)
    _fit("off", values.get("off", 0), -(1 << 15), (1 << 15) - 1)
    _fit("imm", values.get("imm", 0), -(1 << 31), (1 << 32) - 1)
    values["imm"] = _signed(values.get("imm", 0), 32)
    first = Insn(form.opcode, **values)
    return (first, Insn(0, imm=_signed(following, 32))) if form.slots == 2 else (first,)


def _number(text: str) -> int:
    digits = re.sub(r"\s", "", text)
    if len(digits) > _LONGEST_NUMBER:
        raise InputError(f"{digits[:_LONGEST_NUMBER]}... has more than 64 bits")
    if not _NUMBER.fullmatch(digits):
        raise InputError(
            f"{digits} is not a number: decimal without leading zeros, or 0x and hexadecimal digits"
        )
    return int(digits, 0)


def _fit(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InputError(f"{name} = {value} is not in {low}..{high}")


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value
