"""How deep calls go, and how much stack they take together (kernel/bpf/verifier.c, check_max_stack_depth)."""

from __future__ import annotations

from itertools import pairwise

from ebpf import rules
from ebpf.btf.functions import function_starts
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.isa.opcodes import STACK_SIZE
from ebpf.program_rules import OWN_STACKS
from ebpf.wording import in_bytes
from oracles.reference.answer import Broken
from oracles.reference.facts import Facts
from oracles.reference.ledger import Ledger

TAIL_CALL = HELPER_NUMBERS["tail_call"]
FASTCALL = tuple(
    HELPER_NUMBERS[name] for name in ("get_smp_processor_id", "get_current_task", "get_current_task_btf")
)
"""Helpers around which kernels since 6.12 remove what spills registers, and the stack it takes
(mark_fastcall_patterns)."""


MOST_ABOVE_TAIL_CALL = 256
"""Bytes of stack below which the callers of a function that makes a tail call must stay together: what that
leads to has as much stack again, and theirs stays (check_max_stack_depth_subprog, 5.10 to 7.3)."""


def check_depth(facts: Facts, ledger: Ledger) -> None:
    """Hold every chain of calls that a path took against the limits."""
    _DepthCheck(facts, ledger).check()


class _DepthCheck:
    def __init__(self, facts: Facts, ledger: Ledger) -> None:
        self.ledger = ledger
        self.callees: dict[int, set[int]] = {}
        for caller, entry in ledger.calls:
            self.callees.setdefault(caller, set()).add(entry)
        self.tail_calls = _tail_calls(facts)
        self.before = self._before(facts)

    def _before(self, facts: Facts) -> tuple[int, int] | None:
        """The first kernel that may count less than all frames of a chain."""
        if any(insn.calls_helper(*FASTCALL) for insn in facts.code):
            return (6, 12)
        # No function has a stack of its own where one of them makes a tail call (check_max_stack_depth).
        return (6, 13) if facts.program.type in OWN_STACKS and not self.tail_calls else None

    def check(self) -> None:
        # What is called later does not count for whoever set it.
        total = max(self._walk(root, (), 0) for root in (0, *sorted(self.ledger.later)))
        if total > STACK_SIZE and self.callees:
            self.ledger.record(Broken(rules.STACK_DEPTH, 0, f"{in_bytes(total)}", before=self.before))

    def _size(self, entry: int) -> int:
        """What a frame counts for: with a JIT a multiple of 16 since 6.8, else of 32."""
        depth = STACK_SIZE - self.ledger.depths.get(entry, STACK_SIZE)
        return (max(depth, 1) + 15) // 16 * 16

    def _walk(self, entry: int, chain: tuple[int, ...], above: int) -> int:
        """The deepest that the function and all below it go, in bytes; ``above``: its callers."""
        if entry in chain:
            self.ledger.record(Broken(rules.RECURSION, entry))
            return 0
        at = self.tail_calls.get(entry)
        if chain and at is not None and above >= MOST_ABOVE_TAIL_CALL:
            self.ledger.record(Broken(rules.TAIL_CALL_STACK, at, in_bytes(above), before=self.before))
        size = self._size(entry)
        below = (self._walk(each, (*chain, entry), above + size) for each in self.callees.get(entry, ()))
        return size + max(below, default=0)


def _tail_calls(facts: Facts) -> dict[int, int]:
    """By the first slot of each function that makes a tail call, in dead code too, that call's slot."""
    found: dict[int, int] = {}
    for entry, end in pairwise((*function_starts(facts.code), len(facts.code))):
        at = next((at for at in range(entry, end) if facts.code[at].calls_helper(TAIL_CALL)), None)
        if at is not None:
            found[entry] = at
    return found
