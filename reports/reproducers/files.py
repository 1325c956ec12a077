"""The reproducer files of a finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ebpf import casefile
from ebpf.program import Case
from reports.records import Finding
from reports.reproducers.c_program import c_program
from reports.reproducers.hex_file import hex_file
from reports.reproducers.object_file import object_file
from reports.reproducers.patch import patch
from reports.reproducers.selftest import selftest

OBJECT = "object.o"


_WRITERS: dict[str, tuple[str, Callable[[Finding, Case], bytes | None]]] = {
    "case": ("case.json", lambda _, case: casefile.dumps(case) + b"\n"),
    "c": ("reproducer.c", lambda finding, case: c_program(finding, case).encode()),
    "selftest": ("verifier_veridiff.c", selftest),
    "patch": ("selftest.patch", patch),
    "object": ("program.o", object_file),
    "hex": ("program.hex", lambda _, case: hex_file(case)),
}


@dataclass(frozen=True, slots=True)
class Reproducers:
    """The files of a finding, and why others are missing."""

    files: dict[str, str]
    """Kind → file name, as :attr:`Finding.reproducers` wants it."""
    failures: dict[str, str]
    """Kind → one line."""


def write(finding: Finding, directory: Path) -> Reproducers:
    """Write a finding's reproducers into its directory.  One that cannot say what the case is is left out;
    one whose writer fails is left out with the reason.

    Raises :class:`ebpf.errors.InputError` when the finding's case is not one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if finding.object is not None:
        (directory / OBJECT).write_bytes(finding.object.file)
        return Reproducers({"object": OBJECT}, {})
    case = casefile.from_plain(finding.case, f"finding {finding.id}")
    files, failures = {}, {}
    for kind, (name, writer) in _WRITERS.items():
        try:
            content = writer(finding, case)
        except Exception as error:
            failures[kind] = f"{type(error).__name__}: {error}"
            continue
        if content is not None:
            (directory / name).write_bytes(content)
            files[kind] = name
    return Reproducers(files, failures)
