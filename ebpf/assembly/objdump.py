"""A program from what ``llvm-objdump -d`` prints of one function.

The bytes that it prints are the program; where they are left out (``--no-show-raw-insn``), its text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ebpf.assembly.parser import parse_instruction
from ebpf.assembly.printer import AssemblyDialect, text
from ebpf.errors import InputError
from ebpf.isa.insn import Insn, decode
from ebpf.isa.table import IllegalInsn

_LINE = re.compile(
    r"\s*(\d{1,9}):\s+((?:[0-9a-f]{2} ){7}[0-9a-f]{2}(?: (?:[0-9a-f]{2} ){7}[0-9a-f]{2})?)?\s*(.*)", re.ASCII
)
"""Slot number, bytes, text."""
_HEADING = re.compile(
    r"\s*(?:\S+:\s+file format .*|Disassembly of section .*:|[0-9a-f]{8,} <.*>:|;.*)?\Z", re.ASCII
)
_RELOCATION = re.compile(r"\s*[0-9a-f]+:\s+(R_BPF_\w+)\s+(\S+)", re.ASCII)
_MARKS = re.compile(
    r"^\s*(?:\S+:\s+file format elf64-bpf|Disassembly of section |\d+:\s+(?:[0-9a-f]{2} ){7}[0-9a-f]{2}\s)",
    re.M | re.ASCII,
)


def is_objdump(source: str) -> bool:
    """Whether the text has what only objdump's listings have: headings, or bytes between number and text."""
    return _MARKS.search(source) is not None


def parse_objdump(lines: Sequence[str]) -> tuple[Insn, ...]:
    """The instructions.

    Raises :class:`InputError` naming the line's number (from 1), its text and the reason: also for
    relocations, of which only the object knows the meaning, and for a second function or section.
    """
    insns: list[Insn] = []
    first: int | None = None
    for number, line in enumerate(lines, 1):
        try:
            for slot, insn in _line(line):
                first = slot if first is None else first
                if slot != first + len(insns):
                    raise InputError(f"expected instruction {first + len(insns)}: one function at a time")
                insns.append(insn)
        except InputError as error:
            raise InputError(f"line {number}: {line.strip()!r}: {error}") from None
    return tuple(insns)


def _line(line: str) -> Iterator[tuple[int, Insn]]:
    if relocation := _RELOCATION.match(line):
        raise InputError(f"a relocation ({relocation[1]}): give the object itself")
    if _HEADING.match(line):
        return
    found = _LINE.fullmatch(line)
    if found is None:
        raise InputError("not a line of llvm-objdump")
    slot, raw, words = int(found[1]), found[2], found[3].strip()
    insns = decode(bytes.fromhex(raw)) if raw else parse_instruction(words, AssemblyDialect.LLVM)
    if raw:
        _check(insns, words)
    yield from enumerate(insns, slot)


def _check(insns: tuple[Insn, ...], words: str) -> None:
    """Bytes and text must not contradict each other: somebody may have changed one of them."""
    try:
        said = parse_instruction(words, AssemblyDialect.LLVM)
        shown, meant = (
            text(each[0], each[1] if len(each) > 1 else None, AssemblyDialect.LLVM) for each in (insns, said)
        )
    except (InputError, IllegalInsn):
        return
    if shown != meant:
        raise InputError(f"its bytes are {shown!r}")
