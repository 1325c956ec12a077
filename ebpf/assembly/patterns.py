"""How each form of the instruction table looks in each dialect: expressions made from its templates, so that
printing and parsing cannot drift apart."""

from __future__ import annotations

import re
from functools import cache

from ebpf.assembly.printer import AssemblyDialect
from ebpf.isa.forms import Form
from ebpf.isa.table import FORMS

# What begins like a number is matched as one, so that a malformed number is named and not its line alone.
_DIGITS = r"\d\w*"
_SIGNED = rf"[+-]?{_DIGITS}"
_BODIES = {
    AssemblyDialect.KERNEL: {
        "dst": _DIGITS, "src": _DIGITS, "helper": r"\w+",
        # A plain 0x... is the 64-bit load, as the kernel prints it; decimal without "ll" is 32-bit.
        "imm64": rf"[+-]?0x\w*|{_SIGNED}(?=\s+ll)",
    },
    # LLVM sets the sign of a memory offset apart.
    AssemblyDialect.LLVM: {"dst": _DIGITS, "src": _DIGITS, "off": rf"[+-]?\s*{_DIGITS}", "imm64": _SIGNED},
}  # fmt: skip
_FIELD = re.compile(r"\{(\w+)(?::[^}]*)?\}")


@cache
def patterns(dialect: AssemblyDialect) -> tuple[tuple[re.Pattern[str], Form], ...]:
    """(expression, form), those of two slots first.

    LLVM's text of a call or a 64-bit immediate is that of several forms, of which the first is the plain one.
    """
    return tuple(
        (_pattern(template, dialect), form)
        for form in sorted(FORMS, key=lambda form: -form.slots)
        for template in _templates(form, dialect)
    )


def _templates(form: Form, dialect: AssemblyDialect) -> tuple[str, ...]:
    return (form.kernel, *form.aliases) if dialect is AssemblyDialect.KERNEL else (form.llvm, *form.aliases)


def _pattern(template: str, dialect: AssemblyDialect) -> re.Pattern[str]:
    parts: list[str] = []
    position = 0
    seen: set[str] = set()
    for match in _FIELD.finditer(template):
        parts.append(_literal(template[position : match.start()]))
        name = match.group(1)
        body = _BODIES[dialect].get(name, _SIGNED)
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{body})")
        seen.add(name)
        position = match.end()
    parts.append(_literal(template[position:]))
    optional = r"(?:\s+ll)?" if "imm64" in seen and dialect is AssemblyDialect.KERNEL else ""
    return re.compile("".join(parts) + optional, re.ASCII)


def _literal(chunk: str) -> str:
    return re.sub(r"(?:\\ )+", r"\\s*", re.escape(chunk)).replace("pc", "(?:pc)?")
