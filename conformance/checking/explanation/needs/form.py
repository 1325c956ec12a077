"""Form: opcodes, fields and control flow, refused before anything is walked."""

from __future__ import annotations

import re

from conformance.checking.explanation.need import need
from conformance.checking.explanation.refused import Refused
from ebpf.btf.functions import function_starts
from ebpf.isa import opcodes as o

_ENDS = frozenset({o.EXIT | o.JMP, o.JA | o.JMP, o.JA | o.JMP32})
"""What may stand last in a function (kernel/bpf/verifier.c: check_subprogs)."""


def _end(refused: Refused, _: re.Match[str]) -> str:
    """Kernels before 7.3 do not say which function's end it is."""
    code = refused.program.instructions
    ends = [*function_starts(code)[1:], len(code)]
    inside = (end - 1 for end in ends if 0 < end <= len(code))
    falls = next((at for at in inside if code[at].opcode not in _ENDS), None)
    where = "" if falls is None else f": instruction {falls}, the last one of a function, is neither"
    return "an exit or an unconditional jump at the function's end" + where


NEEDS = (
    need(r"unknown opcode (?P<opcode>[0-9a-f]+)", "an opcode that this kernel has: it has no 0x{opcode}"),
    need(
        r"(?P<name>BPF_\w+) uses reserved fields",
        "0 in the fields that {name} does not use (or a newer kernel, which may use them)",
    ),
    need(
        r"(?:invalid|unrecognized) bpf_ld_imm64 insn",
        "two whole slots: the second all 0 but for its imm, the source register of a known kind",
    ),
    need(
        r"jump out of range from insn (?P<source>\d+) to (?P<target>-?\d+)",
        "a target inside the same function: instruction {target} is not",
    ),
    need(r"last insn is not an exit or jmp", _end),
    need(r"unreachable insn (?P<at>\d+)", "a way that leads there, or nothing there: no jump or call does"),
    need(
        r"jump into the middle of ldimm64 insn (?P<at>\d+)",
        "a jump to a whole instruction: this is the second half of the 64-bit load at {at}",
    ),
    need(
        r"addr_space_cast insn can only convert between address space (?P<one>\d+) and (?P<other>\d+)",
        "{one} and {other} as the two address spaces, one of them the arena's",
    ),
    need(r"call to invalid destination", "a call to the first instruction of a function of the program"),
    need(r"direct value offset of (?P<off>\d+) is not allowed", "an offset below 536870912: it is {off}"),
)
