"""A program from text in whichever dialect it is written."""

from __future__ import annotations

import re

from ebpf.assembly.assembled import Assembled
from ebpf.assembly.objdump import is_objdump, parse_objdump
from ebpf.assembly.parser import assemble
from ebpf.assembly.printer import AssemblyDialect

_KERNEL = re.compile(r"\bpc[+-]\d|\([0-9a-f]{2}\) |#\d|\bmap\[|\.8byte|\(r\d+ *[+-]\d", re.ASCII)
_LLVM = re.compile(
    r"\(r\d+ [+-] \d|\br\d+ [+-] \d|\bll\s*$|\bgoto [+-]\d\w* <|^\s*call -?\w+(?: <.*>)?\s*$", re.M | re.ASCII
)


def parse_source(source: str) -> Assembled:
    """The program in an assembly file: llvm-objdump's listing, LLVM's dialect or the kernel's.

    A file is of one dialect, since ``r1 = 0x0`` is a 64-bit load in the kernel's and a move in LLVM's: of the
    kernel's where anything in it is, or nothing tells.  Raises :class:`ebpf.errors.InputError` naming line,
    text and reason.
    """
    if is_objdump(source):
        return Assembled(parse_objdump(source.splitlines()))
    return assemble(source.splitlines(), dialect_of(source))


def dialect_of(source: str) -> AssemblyDialect:
    """The dialect that an assembly file is written in."""
    code = "\n".join(line.split(";")[0] for line in source.splitlines())
    if _KERNEL.search(code) or not _LLVM.search(code):
        return AssemblyDialect.KERNEL
    return AssemblyDialect.LLVM
