"""What an instruction's effect depends on besides the state."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec
from ebpf.program_types import ProgramType
from generators.state import GenerationState


class World(Protocol):
    """The program around an instruction."""

    @property
    def type(self) -> ProgramType:
        """The program's type."""

    @property
    def attach_to(self) -> str | None:
        """What of the kernel's it is loaded for."""

    @property
    def maps(self) -> Sequence[MapSpec]:
        """The program's maps, which instructions name by index."""

    @property
    def kfuncs(self) -> Sequence[tuple[int, str]]:
        """Slots and names of the kernel functions called, which calls name by index."""

    def fresh(self) -> int:
        """A number that no pointer or resource has yet."""


Handler = Callable[[GenerationState, Insn, World], None]
