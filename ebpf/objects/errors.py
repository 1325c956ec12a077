"""The one error of this package: which stage of opening an object failed, where in the file, and why."""

from __future__ import annotations

from enum import Enum
from typing import NoReturn

from ebpf.errors import InputError


class OpenStage(Enum):
    """The stages of ``bpf_object__open`` and ``bpf_object__load`` in their order (tools/lib/bpf/libbpf.c,
    bpf_object_open and bpf_object_load; libbpf 1.4)."""

    ELF_INIT = "elf init"
    ENDIANNESS = "endianness"
    COLLECT = "collect sections"
    BTF = "BTF"
    EXTERNS = "externs"
    MAPS = "maps"
    PROGRAMS = "programs"
    RELOCATIONS = "relocations"
    LOAD = "load"


class ObjectError(InputError):
    """A refusal: ``place`` is a section, symbol or offset."""

    def __init__(self, stage: OpenStage, place: str, reason: str, file: str = "") -> None:
        super().__init__(_one_line(": ".join(part for part in (file, stage.value, place, reason) if part)))
        self.stage, self.place, self.reason = stage, place, reason

    def of(self, file: str) -> ObjectError:
        """The same, said of ``file``."""
        return ObjectError(self.stage, self.place, self.reason, file)


def _one_line(text: str) -> str:
    """Names in an object may hold line feeds and worse."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def refuse(stage: OpenStage, place: str, reason: str) -> NoReturn:
    """Raise :class:`ObjectError`."""
    raise ObjectError(stage, place, reason)
