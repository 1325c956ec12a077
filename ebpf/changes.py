"""Documented changes: what kernels refuse since a release although older ones took it, for a reason that
is no fault of either."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ebpf.isa import opcodes as o
from ebpf.program import Program
from ebpf.program_types import ProgramType
from ebpf.releases import Release, Since
from ebpf.verifier_log.effects import calls_back


@dataclass(frozen=True, slots=True)
class DocumentedChange:
    """A refusal that is right where it is made, and was right not to be made before."""

    message: re.Pattern[str]
    """What the newer kernels say."""
    since: Since
    reason: str
    source: str
    of_pruning: bool = False
    """Whether it explains only what was taken with a path left because another state covered it."""
    type: ProgramType | None = None
    """The type of program that it concerns; None: all."""
    opcodes: frozenset[int] = frozenset()
    """It concerns programs with one of these; empty: all."""

    def concerns(self, program: Program) -> bool:
        """Whether it can be why the program is refused."""
        if self.type not in (None, program.type):
            return False
        return not self.opcodes or any(insn.opcode in self.opcodes for insn in program.instructions)


_BOUNDS = (
    r"R\d+ (?:m(?:ax|in) value is outside of the|unbounded memory access|min value is negative)"
    "|math between .* pointer and|makes .* pointer be out of bounds"
)
"""What kernels say of an access whose bounds they do not know."""
_TESTS_OF_BITS = frozenset(o.JSET | source | cls for source in (o.K, o.X) for cls in (o.JMP, o.JMP32))
_DIVISIONS = frozenset(
    op | source | cls for op in (o.DIV, o.MOD) for source in (o.K, o.X) for cls in (o.ALU, o.ALU64)
)

CHANGES = (
    DocumentedChange(
        re.compile("uses reserved fields|invalid use of reserved fields|reserved field"),
        Since("7.1"),
        "reserved fields are checked before the walk, in dead code too",
        "kernel/bpf/verifier.c, check_and_resolve_insns()",
    ),
    DocumentedChange(
        re.compile(_BOUNDS),
        Since("6.5"),
        "older kernels take two states for equal although what is precise in them has other ids, and leave a "
        "path unwalked",
        "kernel/bpf/verifier.c, regsafe(): check_scalar_ids()",
        of_pruning=True,
    ),
    DocumentedChange(
        re.compile(r"At program exit the register R0 has .* should have been in"),
        Since("6.8"),
        "older kernels do not take what a program returns for precise, and leave a path that returns another "
        "number unwalked",
        "kernel/bpf/verifier.c, check_return_code(): mark_chain_precision()",
        of_pruning=True,
    ),
    DocumentedChange(
        re.compile(r"At program exit the register R0 has .* should have been in"),
        Since("6.12"),
        "a program of an LSM hook returns what the hook may",
        "kernel/bpf/bpf_lsm.c, bpf_lsm_get_retval_range()",
        type=ProgramType.LSM,
    ),
    DocumentedChange(
        re.compile(_BOUNDS + r"|R\d+ invalid mem access '(?:scalar|inv)'"),
        # Linux 6.17, and since 2025 the stable kernels from 6.1 on: 6.1.176 has it, 5.10.223 has not.
        Since("6.1"),
        "where no bit of a mask is set, the ranges are forgotten before the bits are learned",
        "kernel/bpf/verifier.c, reg_set_min_max() or regs_refine_cond_op(): BPF_JSET",
        opcodes=_TESTS_OF_BITS,
    ),
    DocumentedChange(
        re.compile("BPF program is too large|insns processed"),
        Since("7.0"),
        "what a division leaves is known, and a loop that goes on with it is walked round by round",
        "kernel/bpf/verifier.c, scalar_min_max_udiv() and its kin",
        opcodes=_DIVISIONS,
    ),
)


def documented_change(
    message: str, release: str, accepted_by: Release, pruned: bool, program: Program
) -> DocumentedChange | None:
    """The change that explains why a kernel of ``release`` refuses ``program``, which older ones took, the
    newest of them ``accepted_by``, which ``pruned`` or did not; None where none came between."""
    between = (row for row in CHANGES if release in row.since and accepted_by not in row.since)
    fitting = (row for row in between if (pruned or not row.of_pruning) and row.concerns(program))
    return next((row for row in fitting if row.message.search(message)), None)


MANY_ROUNDS = Since("6.7")
"""A callback is walked until nothing new comes of it (commit ab5cfac139ab), once before."""


def costs_more(program: Program, release: str, older: Release) -> bool:
    """Whether a change since ``older`` has kernels of ``release`` walk more of such a program."""
    if release not in MANY_ROUNDS or older in MANY_ROUNDS:
        return False
    return any(calls_back(insn) for insn in program.instructions)
