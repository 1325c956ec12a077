"""What holds of a program before any path is followed."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.btf.functions import exception_callback, global_functions, may_be_untrusted
from ebpf.btf.local_types import LocalType, local_types
from ebpf.byte_order import ByteOrder
from ebpf.isa.insn import Insn
from ebpf.map_references import named_maps
from ebpf.maps import MapSpec
from ebpf.program import Case, Program
from ebpf.releases import NEWEST
from ebpf.return_ranges import return_range
from oracles.reference.forms import SlotForms, read_forms
from oracles.reference.map_kinds import every_map, value_region
from oracles.reference.values import RegionKind, SymbolicRegion

PERFMON = {"CAP_PERFMON", "CAP_SYS_ADMIN"}
"""Either makes a program privileged here (include/linux/bpf.h: bpf_allow_ptr_leaks, bpf_allow_uninit_stack).
"""
BPF = {"CAP_BPF", "CAP_SYS_ADMIN"}


@dataclass(frozen=True, slots=True)
class Facts:
    """A case's program, and what its loader may."""

    case: Case
    program: Program
    order: ByteOrder
    code: tuple[Insn, ...]
    forms: SlotForms
    privileged: bool
    capable: bool
    """Whether the loader has CAP_BPF."""
    maps: tuple[MapSpec, ...]
    """The program's, and behind them their inner maps."""
    handles: tuple[SymbolicRegion, ...]
    """By map, what a pointer to it points to."""
    direct: tuple[SymbolicRegion, ...]
    """By map, the value that an immediate points into."""
    named: dict[int, int]
    """The slot that names a map first, by map: of the program's maps, only these are its own to a kernel."""
    types: tuple[LocalType, ...]
    """The structs of its BTF."""
    globals: frozenset[int]
    """The first slots of global functions."""
    untrusted: bool
    """Whether functions may read through arguments that are no pointers."""
    handler: int | None
    """The first slot of the function that handles exceptions."""
    return_range: tuple[int, int] | None


def facts_of(case: Case) -> Facts:
    """The facts of a case."""
    program = case.program
    maps = program.maps
    return Facts(
        case,
        program,
        program.byte_order,
        program.instructions,
        read_forms(program),
        privileged=case.capabilities is None or not PERFMON.isdisjoint(case.capabilities),
        capable=case.capabilities is None or not BPF.isdisjoint(case.capabilities),
        maps=every_map(program),
        handles=tuple(
            SymbolicRegion(RegionKind.MAP, 3 + 2 * n, map=n, writable=False) for n in range(len(maps))
        ),
        direct=tuple(value_region(4 + 2 * n, n, spec) for n, spec in enumerate(maps)),
        named={n: slot for n, slot in named_maps(program.instructions).items() if 0 <= n < len(maps)},
        types=local_types(program.btf),
        globals=global_functions(program),
        untrusted=may_be_untrusted(program),
        handler=exception_callback(program),
        return_range=return_range(program.type, program.attach_type, NEWEST),
    )
