"""The forms of a program's instructions, slot by slot: which no kernel takes, and which came later."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf import rules
from ebpf.isa import opcodes as o
from ebpf.isa.forms import Form
from ebpf.isa.insn import Insn
from ebpf.isa.table import FORMS, IllegalInsn, form_of
from ebpf.program import Program
from oracles.reference.answer import SERIES, Broken

BACKPORTED = frozenset({"gotol"})
"""Forms that late stable kernels of older series know, too (seen: gotol on 6.1.176)."""


@dataclass(frozen=True, slots=True)
class SlotForms:
    """What is known of the slots by themselves."""

    illegal: dict[int, str]
    """Slots with a field that no kernel takes; fields are looked at on the way (do_check), so that where no
    path comes by, no kernel minds."""
    newer: dict[int, tuple[int, int]]
    """Slots with a form of a known opcode, and the first kernel that knows the form."""
    second: frozenset[int]
    """The second halves of 64-bit immediates."""
    broken: tuple[Broken, ...]
    sound: bool
    """Whether the program's instructions can be followed."""


def read_forms(program: Program) -> SlotForms:
    """The forms of every slot of the program."""
    reader = _SlotReader(program)
    at = 0
    while at < len(program.instructions):
        at += reader.read(at)
    return SlotForms(
        reader.illegal, reader.newer, frozenset(reader.second), tuple(reader.broken), reader.sound
    )


class _SlotReader:
    def __init__(self, program: Program) -> None:
        self.code = program.instructions
        self.maps = len(program.maps)
        self.illegal: dict[int, str] = {}
        self.newer: dict[int, tuple[int, int]] = {}
        self.second: set[int] = set()
        self.broken: list[Broken] = []
        self.sound = True

    def read(self, at: int) -> int:
        """Read the instruction at a slot and return how many slots it has."""
        insn = self.code[at]
        try:
            form = form_of(insn, at)
        except IllegalInsn as error:
            if error.field == "opcode":
                self._fatal(Broken(rules.UNKNOWN_OPCODE, at, str(error)))
            self.illegal[at] = str(error)
            return 1
        self._version_of(form, at)
        if form.slots == 2:
            self._immediate(insn, at)
        return form.slots

    def _fatal(self, broken: Broken) -> None:
        self.broken.append(broken)
        self.sound = False

    def _immediate(self, insn: Insn, at: int) -> None:
        following = self.code[at + 1] if at + 1 < len(self.code) else None
        if following is None or (following.opcode, following.dst, following.src, following.off) != (
            0,
            0,
            0,
            0,
        ):
            detail = "the second slot is missing, or holds more than an immediate"
            self._fatal(Broken(rules.IMMEDIATE_HALVES, at, detail))
        elif insn.src in (o.PSEUDO_MAP_FD, o.PSEUDO_MAP_IDX) and following.imm:
            self._fatal(Broken(rules.IMMEDIATE_HALVES, at, "the upper half of a map's descriptor"))
        if insn.src in o.PSEUDO_MAPS and not 0 <= insn.imm < self.maps:
            self._fatal(Broken(rules.NO_SUCH_MAP, at))
        self.second.add(at + 1)

    def _version_of(self, form: Form, at: int) -> None:
        """Older kernels do not know the form: at once where its opcode is new to them, else where a path
        comes by."""
        if not form.since:
            self._fatal(Broken(rules.UNKNOWN_OPCODE, at, form.name))
            return
        since = _version(form.since)
        if since <= SERIES[0] or form.name in BACKPORTED:
            return
        known = [each for each in FORMS if each.opcode == form.opcode and each.since]
        if all(_version(each.since) > SERIES[0] for each in known):
            detail = f"{form.name} came with {form.since}"
            self.broken.append(Broken(rules.UNKNOWN_OPCODE, at, detail, before=since))
        else:
            self.newer[at] = since


def _version(since: str) -> tuple[int, int]:
    major, minor = since.split(".")[:2]
    return int(major), int(minor)
