"""Static executables: what can be run in a guest that has no files of its own."""

from __future__ import annotations

import io
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from conformance.kernel.architecture import Architecture
from ebpf.errors import InputError


def read_static(path: Path, architecture: Architecture) -> bytes:
    """The executable's bytes.  Raises :class:`InputError` for what a guest of that architecture cannot
    run."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    try:
        elf = ELFFile(io.BytesIO(content))
        machine, kind = elf["e_machine"], elf["e_type"]
        needs_loader = any(segment["p_type"] == "PT_INTERP" for segment in elf.iter_segments())
    except ELFError:
        raise InputError(f"{path}: not an ELF executable; scripts have no shell to run them there") from None
    if kind not in ("ET_EXEC", "ET_DYN"):
        raise InputError(f"{path}: not an executable, but an ELF file of type {kind}")
    if machine != architecture.elf_machine:
        raise InputError(f"{path}: for {machine}, and the kernel is for {architecture.name}")
    if needs_loader:
        raise InputError(f"{path}: needs shared libraries, which the guest has not: link it with -static")
    return content
