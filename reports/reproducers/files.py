"""The reproducer files of a finding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ebpf import casefile
from ebpf.isa.insn import encode
from ebpf.program import Case
from reports.records import Finding
from reports.reproducers.c_program import c_program
from reports.reproducers.selftest import selftest

_WRITERS: dict[str, tuple[str, Callable[[Finding, Case], bytes]]] = {
    "case": ("case.json", lambda _, case: casefile.dumps(case) + b"\n"),
    "c": ("reproducer.c", lambda finding, case: c_program(finding, case).encode()),
    "selftest": ("verifier_veridiff.c", lambda finding, case: selftest(finding, case).encode()),
    "hex": ("program.hex", lambda _, case: encode(case.program.instructions).hex(" ", 8).replace(" ", "\n").encode() + b"\n"),
}


def write(finding: Finding, directory: Path) -> dict[str, str]:
    """Writes a finding's reproducers into its directory; name → file name, as :attr:`Finding.reproducers` wants it.

    Raises :class:`ebpf.errors.InputError` when the finding's case is not one.
    """
    case = casefile.from_plain(finding.case, f"finding {finding.id}")
    directory.mkdir(parents=True, exist_ok=True)
    for name, writer in _WRITERS.values():
        (directory / name).write_bytes(writer(finding, case))
    return {kind: name for kind, (name, _) in _WRITERS.items()}
