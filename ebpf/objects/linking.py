"""One program made whole: maps by index, subprograms appended, calls rewritten (libbpf 1.4, libbpf.c:
bpf_object__reloc_code, bpf_object__relocate_data)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ebpf.isa import opcodes as o
from ebpf.isa.insn import Insn
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.functions import Functions, ObjectFunction
from ebpf.objects.generation import Generation
from ebpf.objects.object import Extern, ExternKind
from ebpf.objects.relocations import CALL, Reference, References, Target
from ebpf.program_rules import COMPLEXITY_LIMIT

_WORD = 1 << 32


@dataclass(slots=True)
class Linked:
    """``placed``: each function with its first slot, in order.  ``unsupported``: why no kernel of ours can be
    given it."""

    insns: list[Insn] = field(default_factory=list)
    placed: list[tuple[ObjectFunction, int]] = field(default_factory=list)
    kfuncs: list[tuple[int, str]] = field(default_factory=list)
    unsupported: str = ""


def link(
    main: ObjectFunction,
    functions: Functions,
    references: References,
    externs: list[Extern],
    generation: Generation,
) -> Linked:
    """Subprograms follow in the order in which calls first reach them, the callees of one before those of the
    next call."""
    linker = _Linker(functions, references, externs, generation)
    linker.run(main)
    return linker.out


class _Linker:
    def __init__(
        self, functions: Functions, references: References, externs: list[Extern], generation: Generation
    ) -> None:
        self.functions, self.references, self.externs = functions, references, externs
        self.of_functions = frozenset({o.PSEUDO_FUNC} if generation.function_addresses else ())
        self.out = Linked()
        self.starts: dict[tuple[int, int], int] = {}

    def run(self, main: ObjectFunction) -> None:
        """Depth first, as libbpf's recursion, with a stack of our own: a chain of calls may be as long as the
        object."""
        stack = [(main, self._append(main), 0)]
        while stack:
            function, base, slot = stack.pop()
            while slot < len(function.instructions):
                callee = self._patch(function, base, slot)
                slot += 2 if function.instructions[slot].opcode == o.LD_IMM64 else 1
                if callee is not None:
                    stack += [(function, base, slot), (callee, self.starts[callee.section, callee.start], 0)]
                    break

    def _append(self, function: ObjectFunction) -> int:
        start = len(self.out.insns)
        if start + len(function.instructions) > COMPLEXITY_LIMIT:
            refuse(
                OpenStage.RELOCATIONS,
                f"function '{function.name}'",
                f"with its subprograms it has more than {COMPLEXITY_LIMIT} instructions",
            )
        self.starts[function.section, function.start] = start
        self.out.insns += function.instructions
        self.out.placed.append((function, start))
        return start

    def _patch(self, function: ObjectFunction, base: int, slot: int) -> ObjectFunction | None:
        """Patches one instruction; a subprogram that this appended has yet to be patched itself."""
        insn = function.instructions[slot]
        reference = self.references.get((function.section, function.start + slot))
        at = f"function '{function.name}', instruction {slot}"
        if insn.opcode == CALL and (insn.src == o.CALL_LOCAL or reference is not None):
            if reference is not None and reference.target is Target.EXTERN:
                self._extern(base + slot, insn, self.externs[reference.index])
                return None
            if insn.dst or insn.off:
                return None  # which libbpf takes for no call of a subprogram (insn_is_subprog_call)
            return self._call(insn, function, base, slot, reference, at)
        if insn.opcode != o.LD_IMM64:
            return None
        if slot + 1 >= len(function.instructions):
            refuse(OpenStage.RELOCATIONS, at, "a 64-bit load whose second slot is missing")
        if reference is None:
            if insn.src in self.of_functions:
                refuse(OpenStage.RELOCATIONS, at, "missing subprogram address relocation")
            if insn.src in (o.PSEUDO_MAP_FD, o.PSEUDO_MAP_VALUE):
                # libbpf passes the number through as a descriptor; here it would be taken for a map's index.
                self.out.unsupported = "a load of a map's address without a relocation"
            return None
        return self._load(insn, function, base, slot, reference, at)

    def _load(
        self, insn: Insn, function: ObjectFunction, base: int, slot: int, reference: Reference, at: str
    ) -> ObjectFunction | None:
        out = self.out.insns
        match reference.target:
            case _ if insn.src in self.of_functions and reference.target is not Target.FUNCTION_ADDRESS:
                refuse(
                    OpenStage.RELOCATIONS,
                    at,
                    f"a function's address with a relocation against {reference.target.value}",
                )
            case Target.MAP:
                out[base + slot] = replace(insn, src=o.PSEUDO_MAP_FD, imm=reference.index)
            case Target.DATA:
                offset = (insn.imm + reference.offset) % _WORD
                out[base + slot] = replace(insn, src=o.PSEUDO_MAP_VALUE, imm=reference.index)
                out[base + slot + 1] = replace(
                    out[base + slot + 1], imm=offset - _WORD if offset >> 31 else offset
                )
            case Target.EXTERN:
                self._extern(base + slot, insn, self.externs[reference.index])
            case Target.FUNCTION_ADDRESS:
                out[base + slot] = replace(insn, src=o.PSEUDO_FUNC)
                return self._call(out[base + slot], function, base, slot, reference, at)
            case Target.CALL:
                refuse(OpenStage.RELOCATIONS, at, "a call's relocation at a load")
        return None

    def _call(
        self, insn: Insn, function: ObjectFunction, base: int, slot: int, reference: Reference | None, at: str
    ) -> ObjectFunction | None:
        """Patches a call, or the load of a function's address.  Against a symbol, imm counts from it; without
        relocation, from here."""
        if reference is None:
            goal = function.start + slot + insn.imm + 1
        elif reference.target is Target.CALL:
            goal = reference.offset // 8 + insn.imm + 1
        else:
            goal = reference.offset // 8 + insn.imm // 8
        if not self.functions.text:
            refuse(OpenStage.RELOCATIONS, at, "a subprogram call, and no .text section")
        callee = self.functions.at(self.functions.text, goal)
        if callee is None or callee.start != goal:
            refuse(
                OpenStage.RELOCATIONS,
                at,
                f"refers to slot {goal} of .text, which is not the start of a function",
            )
        fresh = (callee.section, callee.start) not in self.starts
        start = self._append(callee) if fresh else self.starts[callee.section, callee.start]
        self.out.insns[base + slot] = replace(insn, imm=start - (base + slot) - 1)
        return callee if fresh else None

    def _extern(self, slot: int, insn: Insn, extern: Extern) -> None:
        """Functions of the kernel are called by name; its variables and configuration are not looked up."""
        if extern.kind is ExternKind.KSYM and extern.function and insn.opcode == CALL:
            self.out.insns[slot] = replace(insn, src=o.CALL_KFUNC, imm=0, off=0)
            self.out.kfuncs.append((slot, extern.name))
        else:
            self.out.unsupported = f"extern '{extern.name}' of {extern.kind.value}"
