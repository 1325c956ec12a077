"""What an object is written from: programs with their places, and the choices a compiler makes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.generation import Generation
from ebpf.objects.object import SourceLine
from ebpf.objects.section_names import SECTION_NAMES, SectionName
from ebpf.program import LoadFlag, Program


class MapStyle(Enum):
    """How maps are declared: ``struct bpf_map_def`` in ``maps``; BTF in ``.maps`` with sizes
    (``__uint(key_size, 4)``), or with types (``__type(key, __u32)``) where an integer has the size."""

    LEGACY = "legacy"
    SIZES = "sizes"
    TYPES = "types"


@dataclass(frozen=True, slots=True)
class Part:
    """A program of an object.  ``section`` empty: the name that libbpf 1 takes for its type.  ``lines``: its
    source, by slot.

    ``names``: of its subprograms, in order; those beyond are numbered.
    """

    name: str
    program: Program
    section: str = ""
    lines: tuple[SourceLine, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The section's name."""
        return self.section or section_for(self.program)

    def subprogram(self, number: int) -> str:
        """The name of subprogram ``number``, from 0."""
        return self.names[number] if number < len(self.names) else f"{self.name}_{number + 1}"


@dataclass(frozen=True, slots=True)
class Writing:
    """Choices beyond the programs.  ``license`` None: no section.  ``debug``: BTF with func_info and
    line_info.

    ``global_functions``: subprograms are global, so that relocations name them; static ones are named by
    section and offset.
    """

    maps: MapStyle = MapStyle.SIZES
    license: str | None = "GPL"
    version: int | None = None
    debug: bool = False
    global_functions: bool = False


NAMED_FLAGS = LoadFlag.SLEEPABLE | LoadFlag.XDP_HAS_FRAGS
"""Those that a section's name stands for."""


def section_for(program: Program) -> str:
    """The first name of libbpf 1 that stands for the program's type, attach type and flags.

    Raises :class:`ebpf.objects.errors.ObjectError` where none does.
    """
    rows = [row for row in SECTION_NAMES[Generation.LIBBPF_1] if row.type is program.type]
    # Load flags that no name stands for (BPF_F_TEST_*) are not written; an attach type that none has is left
    # to its default.
    wanted = (program.attach_type, program.flags & NAMED_FLAGS)

    def misfit(row: SectionName) -> tuple[bool, bool, bool, bool]:
        exact = (row.attach_type, row.flags) == wanted
        return not exact, row.attach_type != wanted[0], row.flags != wanted[1], "/" in row.name

    for row in sorted(rows, key=misfit):
        stem = row.name.rstrip("+")
        return f"{stem}/{program.attach_to}" if program.attach_to and stem != row.name else stem
    refuse(
        OpenStage.PROGRAMS, f"program of type {program.type.name.lower()}", "no section name stands for it"
    )
