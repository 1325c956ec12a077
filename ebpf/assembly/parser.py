"""Instructions from text in the kernel's dialect.

Takes what :func:`ebpf.assembly.listing` prints and what the verifier log prints: an optional ``12:`` and an
optional ``(b7)`` before each instruction, ``;`` comments after it, and jumps written as ``pc+3`` or ``+3``.
Register 10 is written ``r10``.  The matching expressions are made from the instruction
table's templates, so that both ways cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from ebpf.errors import InputError
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form
from ebpf.isa.insn import Insn, decode
from ebpf.isa.table import FORMS

# What begins like a number is matched as one, so that a malformed number is named and not its line alone.
_DIGITS = r"\d\w*"
_BODIES = {
    "dst": _DIGITS, "src": _DIGITS, "helper": r"\w+",
    # A plain 0x... is the 64-bit load, as the kernel prints it; decimal without "ll" is the 32-bit immediate.
    "imm64": rf"[+-]?0x\w*|[+-]?{_DIGITS}(?=\s+ll)",
}  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:0x[0-9a-fA-F]+|0|[1-9][0-9]*)")
_LONGEST_NUMBER = 40
_PREFIX = re.compile(r"^\s*(?:\d+:\s*)?(?:\([0-9a-f]{2}\)\s*)?", re.ASCII)
_FIELD = re.compile(r"\{(\w+)(?::[^}]*)?\}")


def _pattern(template: str) -> re.Pattern[str]:
    parts: list[str] = []
    position = 0
    seen: set[str] = set()
    for match in _FIELD.finditer(template):
        parts.append(_literal(template[position : match.start()]))
        name = match.group(1)
        body = _BODIES.get(name, f"[+-]?{_DIGITS}")
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{body})")
        seen.add(name)
        position = match.end()
    parts.append(_literal(template[position:]))
    return re.compile("".join(parts) + (r"(?:\s+ll)?" if "imm64" in seen else ""), re.ASCII)


def _literal(chunk: str) -> str:
    return re.sub(r"(?:\\ )+", r"\\s*", re.escape(chunk)).replace("pc", "(?:pc)?")


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Form], ...]:
    return tuple(
        (_pattern(template), form)
        for form in sorted(FORMS, key=lambda form: -form.slots)
        for template in (form.kernel, *form.aliases)
    )


def parse(lines: Iterable[str]) -> tuple[Insn, ...]:
    """Slots from lines; empty lines and ``;`` comments are skipped.

    Raises :class:`InputError` naming the line's number (from 1), its text and the reason.
    """
    insns: list[Insn] = []
    for number, line in enumerate(lines, 1):
        body = _PREFIX.sub("", line.split(";")[0]).strip()
        if body:
            try:
                insns.extend(_instruction(body))
            except InputError as error:
                raise InputError(f"line {number}: {line.strip()!r}: {error}") from None
    return tuple(insns)


def _instruction(body: str) -> tuple[Insn, ...]:
    if body.startswith(".8byte "):
        digits = body.removeprefix(".8byte ").strip()
        if not re.fullmatch("[0-9a-fA-F]{16}", digits):
            raise InputError("an instruction is eight bytes, in hexadecimal")
        return decode(bytes.fromhex(digits))
    for pattern, form in _patterns():
        match = pattern.fullmatch(body)
        if match:
            return _build(form, {k: v for k, v in match.groupdict().items() if v is not None})
    raise InputError("not an instruction in the kernel's dialect")


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


def _number(digits: str) -> int:
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
