"""Form: opcodes, fields and control flow, refused before anything is walked."""

from __future__ import annotations

from conformance.checking.explanation.need import need

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
    need(r"last insn is not an exit or jmp", "an exit or an unconditional jump at the function's end"),
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
