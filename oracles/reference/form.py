"""The form of a program: what kernels refuse before they follow any path (kernel/bpf/verifier.c, before
do_check)."""

from __future__ import annotations

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form
from ebpf.isa.table import FORMS, IllegalInsn, form_of
from ebpf.rules import Rule
from oracles.reference.answer import SERIES, Broken
from oracles.reference.explorer import Explorer

ENDS = frozenset({o.EXIT | o.JMP, o.JA | o.JMP, o.JA | o.JMP32})
"""Opcodes a function may end with (kernel/bpf/verifier.c, check_subprogs)."""

BACKPORTED = frozenset({"gotol"})
"""Forms that late stable kernels of older series know, too (seen: gotol on 6.1.176)."""


def check_form(x: Explorer) -> bool:
    """Record every rule of form that the program breaks; False when its instructions cannot be followed."""
    return _Form(x).check()


class _Form:
    def __init__(self, x: Explorer) -> None:
        self.x = x
        self.code = x.code
        self.second: set[int] = set()
        self.sound = True

    def break_(
        self, rule: Rule, at: int, detail: str = "", since: tuple[int, int] = (0, 0), fatal: bool = True
    ) -> None:
        self.x.broken.setdefault((rule.name, at, since), Broken(rule, at, detail, since))
        self.sound = self.sound and not fatal

    def check(self) -> bool:
        if not self.code:
            self.break_(rules.FALLS_OFF, 0, "no instructions")
            return False
        self._instructions()
        if not self.sound:
            return False
        entries = self._entries()
        self._functions(entries)
        if self.sound:
            self._reachable()
        return self.sound

    def _instructions(self) -> None:
        at = 0
        while at < len(self.code):
            insn = self.code[at]
            try:
                form = form_of(insn, at)
            except IllegalInsn as error:
                if error.field == "opcode":
                    self.break_(rules.UNKNOWN_OPCODE, at, str(error))
                # Fields are looked at on the way (do_check): where no path comes by, no kernel minds.
                self.x.illegal[at] = str(error)
                at += 1
                continue
            self._version_of(form, at)
            if form.slots == 2:
                following = self.code[at + 1] if at + 1 < len(self.code) else None
                if following is None or (following.opcode, following.dst, following.src, following.off) != (
                    0,
                    0,
                    0,
                    0,
                ):
                    self.break_(
                        rules.IMMEDIATE_HALVES,
                        at,
                        "the second slot is missing, or holds more than an immediate",
                    )
                elif insn.src == o.PSEUDO_MAP_FD and following.imm:
                    self.break_(rules.IMMEDIATE_HALVES, at, "the upper half of a map's descriptor")
                if insn.src in (o.PSEUDO_MAP_FD, o.PSEUDO_MAP_VALUE) and not 0 <= insn.imm < len(
                    self.x.program.maps
                ):
                    self.break_(rules.NO_SUCH_MAP, at)
                self.second.add(at + 1)
            at += form.slots

    def _version_of(self, form: Form, at: int) -> None:
        """Older kernels do not know the form: at once where its opcode is new to them, else where a path
        comes by."""
        if not form.since:
            self.break_(rules.UNKNOWN_OPCODE, at, form.name)
            return
        since = self._version(form.since)
        if since <= SERIES[0] or form.name in BACKPORTED:
            return
        if all(
            self._version(each.since) > SERIES[0]
            for each in FORMS
            if each.opcode == form.opcode and each.since
        ):
            key = (rules.UNKNOWN_OPCODE.name, at, (0, 0))
            self.x.broken.setdefault(
                key, Broken(rules.UNKNOWN_OPCODE, at, f"{form.name} came with {form.since}", before=since)
            )
        else:
            self.x.newer[at] = since

    @staticmethod
    def _version(since: str) -> tuple[int, int]:
        major, minor = since.split(".")[:2]
        return int(major), int(minor)

    def _target(self, at: int) -> int | None:
        """Where the jump at ``at`` goes when it is taken; None for other instructions."""
        insn = self.code[at]
        cls, op = insn.opcode & 7, insn.opcode & o.OP_MASK
        if cls not in (o.JMP, o.JMP32) or op in (o.CALL, o.EXIT) or (op == o.JA and insn.opcode & o.X):
            return None
        return at + 1 + (insn.imm if op == o.JA and cls == o.JMP32 else insn.off)

    def _entries(self) -> list[int]:
        entries = {0}
        for at, insn in enumerate(self.code):
            if at in self.second:
                continue
            local = insn.opcode == o.CALL | o.JMP and insn.src == o.CALL_LOCAL
            if local or (insn.opcode == o.LD_IMM64 and insn.src == o.PSEUDO_FUNC):
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
            for at in range(first, end):
                goes = None if at in self.second else self._target(at)
                if goes is None:
                    continue
                if not first <= goes < end:
                    self.break_(rules.JUMP_OUT_OF_RANGE, at, f"to {goes}")
                elif goes in self.second:
                    self.break_(rules.JUMP_INTO_IMMEDIATE, at, f"to {goes}")

    def _following(self, at: int) -> list[int]:
        insn = self.code[at]
        if insn.opcode == o.EXIT | o.JMP:
            return []
        goes = self._target(at)
        step = at + (2 if insn.opcode == o.LD_IMM64 else 1)
        if insn.opcode in (o.JA | o.JMP, o.JA | o.JMP32):
            return [] if goes is None else [goes]
        if insn.opcode & 7 == o.JMP and insn.opcode & o.OP_MASK == o.JA:
            # An indirect jump may go to every entry of the jump tables: nothing behind it is called
            # unreachable.
            return list(range(len(self.code)))
        extra = (
            [at + 1 + insn.imm]
            if (insn.opcode == o.CALL | o.JMP and insn.src == o.CALL_LOCAL)
            or (insn.opcode == o.LD_IMM64 and insn.src == o.PSEUDO_FUNC)
            else []
        )
        return [step, *extra] if goes is None else [step, goes]

    def _reachable(self) -> None:
        seen: set[int] = set()
        work = [0]
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
        if not self.x.privileged:
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
            if not 0 <= goes < len(self.code):
                continue
            if state.get(goes) == 1:
                if self.x.capable:
                    self.x.unknown["a loop with CAP_BPF alone"] = (
                        None  # allowed, but speculative paths run round it for ever
                    )
                else:
                    self.break_(rules.BACK_EDGE, at, f"to {goes}", fatal=False)
                return
            if goes not in state:
                state[goes] = 1
                stack.append((goes, self._following(goes)))
