"""The form of a program: what kernels refuse before they follow any path (kernel/bpf/verifier.c, before
do_check)."""

from __future__ import annotations

from ebpf import rules
from ebpf.helper_names import HELPER_NUMBERS
from ebpf.helpers.availability import GPL_COMPATIBLE
from ebpf.isa import opcodes as o
from ebpf.rules import Rule
from oracles.reference.answer import Broken
from oracles.reference.facts import Facts
from oracles.reference.ledger import Ledger

INDIRECT = o.JA | o.X | o.JMP
"""gotox."""
TAIL_CALL = HELPER_NUMBERS["tail_call"]
LEGACY = ((o.LD, o.ABS), (o.LD, o.IND))
"""Class and mode of packet loads."""
ENDS = frozenset({o.EXIT | o.JMP, o.JA | o.JMP, o.JA | o.JMP32})
"""Opcodes a function may end with (kernel/bpf/verifier.c, check_subprogs)."""


def check_form(facts: Facts, ledger: Ledger) -> bool:
    """Record every rule of form that the program breaks; False when its instructions cannot be followed."""
    return _FormCheck(facts, ledger).check()


class _FormCheck:
    def __init__(self, facts: Facts, ledger: Ledger) -> None:
        self.facts = facts
        self.ledger = ledger
        self.code = facts.code
        self.second = facts.forms.second
        self.sound = True

    def break_(self, rule: Rule, at: int, detail: str = "", fatal: bool = True) -> None:
        self.ledger.record(Broken(rule, at, detail))
        self.sound = self.sound and not fatal

    def check(self) -> bool:
        if not self.code:
            self.break_(rules.FALLS_OFF, 0, "no instructions")
            return False
        for broken in self.facts.forms.broken:
            self.ledger.record(broken)
        if not self.facts.forms.sound:
            return False
        self._calls()
        entries = self._entries()
        self._functions(entries)
        if self.sound:
            self._reachable()
        return self.sound

    def _calls(self) -> None:
        """Without CAP_BPF no function may be named, and under another licence no kernel function called, in
        dead code neither (kernel/bpf/verifier.c, add_subprog_and_kfunc, add_kfunc_call, 5.13 to 7.3)."""
        free = self.facts.program.license in GPL_COMPATIBLE
        for at, insn in enumerate(self.code):
            if at in self.second:
                continue
            if not self.facts.capable and (insn.names_subprogram or insn.calls_kernel):
                self.break_(rules.PRIVILEGED_CALL, at, fatal=False)
            if not free and insn.calls_kernel:
                self.break_(rules.KERNEL_FUNCTION_GPL, at, fatal=False)

    def _target(self, at: int) -> int | None:
        """Where the jump at ``at`` goes when it is taken; None for other instructions."""
        insn = self.code[at]
        cls, op = insn.opcode & o.CLASS_MASK, insn.opcode & o.OP_MASK
        if cls not in (o.JMP, o.JMP32) or op in (o.CALL, o.EXIT) or (op == o.JA and insn.opcode & o.X):
            return None
        return at + 1 + (insn.imm if op == o.JA and cls == o.JMP32 else insn.off)

    def _entries(self) -> list[int]:
        entries = {0} if self.facts.handler is None else {0, self.facts.handler}
        for at, insn in enumerate(self.code):
            if at in self.second:
                continue
            if insn.names_subprogram:
                entry = at + 1 + insn.imm
                if not 0 <= entry < len(self.code) or entry in self.second:
                    self.break_(rules.JUMP_OUT_OF_RANGE, at, "a call to no instruction")
                else:
                    entries.add(entry)
        return sorted(entries)

    def _functions(self, entries: list[int]) -> None:
        """Jumps stay inside their function, which ends with an exit or a jump."""
        for first, end in zip(entries, [*entries[1:], len(self.code)], strict=True):
            last = end - 1 if end - 1 not in self.second else end - 2
            if self.code[last].opcode not in ENDS:
                self.break_(rules.FALLS_OFF, last)
            if first and self.facts.program.func_info is None:
                self._untyped(first, end)
            for at in range(first, end):
                goes = None if at in self.second else self._target(at)
                if goes is None:
                    continue
                if not first <= goes < end:
                    self.break_(rules.JUMP_OUT_OF_RANGE, at, f"to {goes}")
                elif goes in self.second:
                    self.break_(rules.JUMP_INTO_IMMEDIATE, at, f"to {goes}")

    def _untyped(self, first: int, end: int) -> None:
        """What a function without types may not do, in dead code neither (check_abnormal_return)."""
        for at in range(first, end):
            insn = self.code[at]
            if (
                insn.calls_helper(TAIL_CALL)
                or (insn.opcode & o.CLASS_MASK, insn.opcode & o.MODE_MASK) in LEGACY
            ):
                self.break_(rules.UNTYPED_FUNCTION, at, fatal=False)
                break

    def _following(self, at: int) -> list[int]:
        insn = self.code[at]
        if insn.opcode == o.EXIT | o.JMP:
            return []
        goes = self._target(at)
        step = at + (2 if insn.opcode == o.LD_IMM64 else 1)
        if insn.opcode in (o.JA | o.JMP, o.JA | o.JMP32):
            return [] if goes is None else [goes]
        if insn.opcode & o.CLASS_MASK == o.JMP and insn.opcode & o.OP_MASK == o.JA:
            # An indirect jump may go to every entry of the jump tables: nothing behind it is called
            # unreachable.
            return list(range(len(self.code)))
        extra = [at + 1 + insn.imm] if insn.names_subprogram else []
        return [step, *extra] if goes is None else [step, goes]

    def _reachable(self) -> None:
        seen: set[int] = set()
        work = [0] if self.facts.handler is None else [0, self.facts.handler]
        while work:
            at = work.pop()
            if at in seen or not 0 <= at < len(self.code):
                continue
            seen.add(at)
            work.extend(self._following(at))
        for at in range(len(self.code)):
            if at not in seen and at not in self.second:
                self.break_(rules.UNREACHABLE, at, fatal=False)
                break
        if not self.facts.privileged:
            self._back_edges()

    def _back_edges(self) -> None:
        """Kernels find back-edges in their own depth-first order; an edge to an instruction on the current
        path is one in every order (kernel/bpf/verifier.c, push_insn)."""
        state: dict[int, int] = {}
        stack: list[tuple[int, list[int]]] = [(0, self._following(0))]
        state[0] = 1
        while stack:
            at, rest = stack[-1]
            if not rest:
                state[at] = 2
                stack.pop()
                continue
            goes = rest.pop()
            if self.code[at].opcode == INDIRECT:
                continue  # where its jump table leads is not known here
            if not 0 <= goes < len(self.code):
                continue
            if state.get(goes) == 1:
                if self.facts.capable:
                    # Allowed, but speculative paths run round it for ever.
                    self.ledger.leave_open("a loop with CAP_BPF alone")
                else:
                    self.break_(rules.BACK_EDGE, at, f"to {goes}", fatal=False)
                return
            if goes not in state:
                state[goes] = 1
                stack.append((goes, self._following(goes)))
