"""Programs and the whole of what the reference verifier should say of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ebpf.assembly.parser import assemble
from ebpf.btf.functions import function_starts
from ebpf.maps import MapField, MapFieldKind, MapSpec, MapType
from ebpf.program import Case, LoadFlag, Program
from ebpf.program_types import ProgramType
from generators.function_types import function_types
from oracles.reference import Broken, ReferenceAnswer, ReferenceVerdict

READ_ONLY, WRITE_ONLY = 1 << 7, 1 << 8
MAPS = {
    "V": MapSpec(MapType.ARRAY, 4, 8, 1),
    "A": MapSpec(MapType.ARRAY, 4, 8, 4),
    "H": MapSpec(MapType.HASH, 4, 8, 4),
    "H8": MapSpec(MapType.HASH, 8, 16, 4),
    "RO": MapSpec(MapType.ARRAY, 4, 8, 1, flags=READ_ONLY),
    "C": MapSpec(MapType.ARRAY, 4, 8, 1, READ_ONLY, ".rodata", contents=((bytes(4), b"abc\0%d\0z"),)),
    "WO": MapSpec(MapType.ARRAY, 4, 8, 1, flags=WRITE_ONLY),
    "L": MapSpec(MapType.ARRAY, 4, 8, 1, fields=(MapField(0, MapFieldKind.SPIN_LOCK),)),
    "K": MapSpec(
        MapType.ARRAY,
        4,
        24,
        1,
        fields=(
            MapField(8, MapFieldKind.KPTR, "task_struct"),
            MapField(16, MapFieldKind.KPTR_UNTRUSTED, "task_struct"),
        ),
    ),
    "R": MapSpec(MapType.RINGBUF, 0, 0, 4096),
    "Q": MapSpec(MapType.QUEUE, 0, 8, 4),
    "P": MapSpec(MapType.PROG_ARRAY, 4, 4, 2),
    "PE": MapSpec(MapType.PERF_EVENT_ARRAY, 4, 4, 4),
    "S": MapSpec(MapType.SOCKMAP, 4, 4, 4),
    "CS": MapSpec(MapType.CGROUP_STORAGE, 12, 8, 0),
    "X": MapSpec(MapType.XSKMAP, 4, 4, 4),
    "J": MapSpec(MapType.INSN_ARRAY, 4, 16, 1),
    "MM": MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 4),
    "MI": MapSpec(MapType.ARRAY_OF_MAPS, 4, 4, 4, inner=MapSpec(MapType.ARRAY, 4, 8, 2)),
    "MJ": MapSpec(MapType.HASH_OF_MAPS, 4, 4, 4, inner=MapSpec(MapType.HASH, 8, 16, 2)),
}
"""By the names that rows use."""


@dataclass(frozen=True, slots=True)
class Row:
    """``says``: the verdict (with rule and slot when unsafe, the reason when unknown), then each policy rule,
    its slot and its kernels."""

    name: str
    text: str
    says: str
    maps: str = ""
    type_: str = "sched_cls"
    privileged: bool = True
    strict: bool = False
    license: str = "GPL"
    types: bool = False
    """Whether its functions have types."""

    def case(self) -> Case:
        """The program as a case."""
        kind = next(each for each in ProgramType if each.name.lower() == self.type_)
        flags = LoadFlag.STRICT_ALIGNMENT if self.strict else LoadFlag(0)
        if kind is ProgramType.SYSCALL:
            flags |= LoadFlag.SLEEPABLE
        maps = tuple(MAPS[name] for name in self.maps.split())
        assembled = assemble(self.text.split("; "))
        program = Program(
            kind, assembled.instructions, maps, flags=flags, license=self.license, kfuncs=assembled.kfuncs
        )
        if self.types:
            btf, info = function_types(function_starts(program.instructions), objects=False)
            program = replace(program, btf=btf, func_info=info)
        return Case(program, capabilities=None if self.privileged else ())


def said(answer: ReferenceAnswer) -> str:
    """An answer in a row's words."""
    verdict = answer.verdict.value
    if answer.verdict is ReferenceVerdict.UNSAFE:
        verdict = f"unsafe {answer.rule}@{answer.at}"
    elif answer.verdict is ReferenceVerdict.UNKNOWN:
        verdict = f"unknown: {answer.reason}"
    return "; ".join([verdict, *map(_broken, answer.policy)])


def _broken(broken: Broken) -> str:
    since = "" if broken.since == (0, 0) else f" since {broken.since[0]}.{broken.since[1]}"
    before = "" if broken.before is None else f" before {broken.before[0]}.{broken.before[1]}"
    return f"{broken.rule}@{broken.at}{since}{before}"
