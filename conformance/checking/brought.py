"""What a person brings to be checked: programs, each as the kernel that is asked gets it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from conformance.kernel.image import Image
from conformance.objects.attachment import place_of
from conformance.objects.opening import DEFAULT_INPUT, open_any, types_of
from ebpf.objects import Object, ObjectError, ObjectProgram, OpenStage
from ebpf.objects.object import NEEDS_TYPES
from ebpf.program import Case


@dataclass(frozen=True, slots=True)
class Edition:
    """A program as one kernel gets it."""

    case: Case
    missing: tuple[tuple[int, str], ...] = ()
    """As in :class:`ebpf.objects.ObjectProgram`."""
    unsupported: str = ""
    """Why it cannot be made for this kernel; empty where it can."""
    optional_types: bool = False
    """As to libbpf, which loads a program of an object without the types that a kernel refuses."""


class BroughtObject:
    """An ELF object, opened anew for each kernel whose types it asks for."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self._content = content
        self._plain = open_any(content, str(path))
        self._opened: dict[str, Object] = {}

    @property
    def needs_types(self) -> bool:
        """Whether it differs from kernel to kernel."""
        return any(program.unsupported == NEEDS_TYPES for program in self._plain.programs)

    def opened(self, image: Image | None = None) -> Object:
        """For a kernel, or for none in particular."""
        if image is None or not self.needs_types:
            return self._plain
        if image.name not in self._opened:
            self._opened[image.name] = open_any(self._content, str(self.path), types_of(image))
        return self._opened[image.name]


@dataclass(frozen=True, slots=True)
class BroughtProgram:
    """A program under the name that it is shown by: its file's, and what it is called there."""

    name: str
    case: Case
    """As it is before a kernel is chosen."""
    source: BroughtObject | None = None
    number: int = 0
    """Among the object's programs."""
    place: str | None = None
    """Where its section says that it is attached; None: nowhere that is attached to here."""

    def edition(self, image: Image) -> Edition:
        """As one kernel gets it."""
        if self.source is None:
            return Edition(self.case)
        if not self.source.needs_types:
            return Edition(self.case, optional_types=True)
        opened = self.source.opened(image)
        program = opened.programs[self.number]
        if program.unsupported:
            return Edition(self.case, unsupported=program.unsupported)
        made = replace(self.case, program=opened.program(program))
        return Edition(made, program.missing, optional_types=True)


def programs_of(brought: BroughtObject) -> tuple[BroughtProgram, ...]:
    """("file.o:section/function", case) of every program.  Raises :class:`ebpf.errors.InputError`."""
    opened = brought.opened()
    if not opened.programs:
        raise ObjectError(OpenStage.PROGRAMS, "file", "no programs", str(brought.path))
    return tuple(_program(brought, opened, number, each) for number, each in enumerate(opened.programs))


def _program(brought: BroughtObject, opened: Object, number: int, program: ObjectProgram) -> BroughtProgram:
    title = f"{program.section}/{program.name}"
    makeable = replace(program, unsupported="") if program.unsupported == NEEDS_TYPES else program
    try:
        made = opened.program(makeable)
    except ObjectError as error:
        raise error.of(str(brought.path)) from None
    return BroughtProgram(
        f"{brought.path}:{title}",
        Case(made, (DEFAULT_INPUT,), name=title),
        brought,
        number,
        place_of(program, opened.generation),
    )
