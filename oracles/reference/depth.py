"""How deep calls go, and how much stack they take together (kernel/bpf/verifier.c, check_max_stack_depth)."""

from __future__ import annotations

from ebpf import rules
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa import opcodes as o
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.program_rules import OWN_STACKS
from ebpf.wording import in_bytes
from oracles.reference.answer import Broken
from oracles.reference.facts import Facts
from oracles.reference.ledger import Ledger

CALL = o.CALL | o.JMP
FASTCALL = frozenset(
    {HELPER_NUMBERS[name] for name in ("get_smp_processor_id", "get_current_task", "get_current_task_btf")}
)
"""Helpers around which kernels since 6.12 remove what spills registers, and the stack it takes
(mark_fastcall_patterns)."""


def check_depth(facts: Facts, ledger: Ledger) -> None:
    """Hold every chain of calls that a path took against the limits."""
    callees: dict[int, set[int]] = {}
    for caller, entry in ledger.calls:
        callees.setdefault(caller, set()).add(entry)

    def size(entry: int) -> int:
        depth = STACK_SIZE - ledger.depths.get(entry, STACK_SIZE)
        return (max(depth, 1) + 15) // 16 * 16

    def walk(entry: int, chain: tuple[int, ...]) -> int:
        if entry in chain:
            ledger.record(Broken(rules.RECURSION, entry))
            return 0
        below = max((walk(each, (*chain, entry)) for each in callees.get(entry, ())), default=0)
        return size(entry) + below

    total = walk(0, ())
    if total > STACK_SIZE and callees:
        before = (6, 13) if facts.program.type in OWN_STACKS else None
        if any(insn.opcode == CALL and insn.src == 0 and insn.imm in FASTCALL for insn in facts.code):
            before = (6, 12)
        ledger.record(Broken(rules.STACK_DEPTH, 0, f"{in_bytes(total)}", before=before))
