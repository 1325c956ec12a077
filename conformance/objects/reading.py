"""What our reader makes of an object, by one generation's rules."""

from __future__ import annotations

from dataclasses import dataclass

from ebpf.objects import Generation, Object, ObjectError, ObjectProgram, open_object
from ebpf.program import Program

NAMELESS = "x"
"""What errors call an object here; the peer calls it so too."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What our reader made of an object: it, or the refusal.  ``at_load``: programs that it cannot make, and
    why."""

    opened: Object | None
    refusal: str = ""
    programs: tuple[tuple[ObjectProgram, Program | None, str], ...] = ()


def read(data: bytes, generation: Generation) -> Reading:
    """Open it, and make a program of each that is loaded without being asked."""
    try:
        opened = open_object(data, NAMELESS, generation)
    except ObjectError as error:
        return Reading(None, str(error).removeprefix(f"{NAMELESS}: "))
    programs: list[tuple[ObjectProgram, Program | None, str]] = []
    for each in opened.programs:
        if each.autoload:
            try:
                programs.append((each, opened.program(each), ""))
            except ObjectError as error:
                programs.append((each, None, str(error).removeprefix(f"{NAMELESS}: ")))
    return Reading(opened, programs=tuple(programs))
