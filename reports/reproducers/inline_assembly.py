"""A program as naked functions of clang's inline assembly, the way the kernel's verifier tests are written.

LLVM's dialect, since clang assembles it; labels for jumps; a function for each subprogram, since libbpf links
those by symbol.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ebpf.assembly import AssemblyDialect, listing
from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.program import Program

_JUMP = re.compile(r"goto \+?(-?\d+)$")


@dataclass(slots=True)
class NakedFunction:
    """A function in the making: its lines, without the quotes, and the operands they name, each once."""

    name: str
    start: int
    lines: list[str] = field(default_factory=list)
    operands: dict[str, None] = field(default_factory=dict)


def functions(program: Program, name: str) -> list[NakedFunction]:
    """The functions in program order; the first is the entry and called ``name``."""
    instructions = program.instructions
    starts = sorted({0, *filter(lambda target: 0 < target < len(instructions), _entries(instructions))})
    built = [NakedFunction(name if start == 0 else f"{name}_sub{start}", start) for start in starts]
    names = {function.start: function.name for function in built}
    kernel = dict(listing(instructions))
    lines = listing(instructions, AssemblyDialect.LLVM)
    labels = {target for index, text in lines if (target := _target(index, text)) is not None}
    for index, text in lines:
        function = max((one for one in built if one.start <= index), key=lambda one: one.start)
        if index in labels:
            function.lines.append(f"l{index}_%=:")
        function.lines += [
            f"{line};" for line in _lines(program, index, text, kernel[index], names, function)
        ]
    return built


def _entries(instructions: tuple[Insn, ...]) -> list[int]:
    """Where calls and callbacks lead."""
    return [index + 1 + insn.imm for index, insn in enumerate(instructions) if insn.names_subprogram]


def _target(index: int, text: str) -> int | None:
    found = _JUMP.search(text)
    return index + 1 + int(found[1]) if found else None


def _lines(
    program: Program, index: int, text: str, kernel: str, names: dict[int, str], function: NakedFunction
) -> list[str]:
    insn = program.instructions[index]
    target = _target(index, text)
    if target is not None:
        return [f"{_JUMP.sub('', text)}goto l{target}_%="]
    callee = names.get(index + 1 + insn.imm)
    if insn.names_subprogram and callee:
        return [f"r{insn.dst} = {callee} ll" if insn.loads_function else f"call {callee}"]
    if insn.opcode == o.CALL | o.JMP and insn.src == 0 and (helper := re.match(r"call (bpf_\w+)#", kernel)):
        function.operands[f"__imm({helper[1]})"] = None
        return [f"call %[{helper[1]}]"]
    if insn.opcode == o.LD_IMM64 and insn.src == o.PSEUDO_MAP_FD and 0 <= insn.imm < len(program.maps):
        function.operands[f"__imm_addr(m{insn.imm})"] = None
        return [f"r{insn.dst} = %[m{insn.imm}] ll"]
    if insn.opcode == o.LD_IMM64 and insn.src == o.PSEUDO_MAP_VALUE and 0 <= insn.imm < len(program.maps):
        offset = program.instructions[index + 1].imm
        name = f"m{insn.imm}_{offset & 0xFFFF_FFFF}"
        function.operands[f'[{name}]"i"(&m{insn.imm}[{offset}])'] = None
        return [f"r{insn.dst} = %[{name}] ll"]
    if text.startswith(".8byte") or (insn.opcode == o.LD_IMM64 and insn.src != 0):
        slots = program.instructions[index : index + (2 if insn.opcode == o.LD_IMM64 else 1)]
        return [_raw(one, slot, function) for slot, one in enumerate(slots, index)]
    return [text.replace("%", "%%")]


def _raw(insn: Insn, slot: int, function: NakedFunction) -> str:
    """An instruction that the assembler has no text for."""
    fields = f"BPF_RAW_INSN({insn.opcode:#x}, {insn.dst}, {insn.src}, {insn.off}, {insn.imm})"
    function.operands[f"__imm_insn(insn_{slot}, {fields})"] = None
    return f".8byte %[insn_{slot}]"
