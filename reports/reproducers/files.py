"""The reproducer files of a finding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ebpf import casefile
from ebpf.isa.insn import encode
from ebpf.program import Case
from reports.records import Finding
from reports.reproducers.c_program import c_program
from reports.reproducers.object_file import object_file
from reports.reproducers.selftest import selftest

OBJECT = "object.o"
_WRITERS: dict[str, tuple[str, Callable[[Finding, Case], bytes | None]]] = {
    "case": ("case.json", lambda _, case: casefile.dumps(case) + b"\n"),
    "c": ("reproducer.c", lambda finding, case: c_program(finding, case).encode()),
    "selftest": ("verifier_veridiff.c", lambda finding, case: selftest(finding, case).encode()),
    "object": ("program.o", object_file),
    "hex": (
        "program.hex",
        lambda _, case: encode(case.program.instructions).hex(" ", 8).replace(" ", "\n").encode() + b"\n",
    ),
}


def write(finding: Finding, directory: Path) -> dict[str, str]:
    """Writes a finding's reproducers into its directory; name → file name, as :attr:`Finding.reproducers`
    wants it.

    One that cannot say what the case is is left out.

    Raises :class:`ebpf.errors.InputError` when the finding's case is not one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if finding.object is not None:
        (directory / OBJECT).write_bytes(finding.object.file)
        return {"object": OBJECT}
    case = casefile.from_plain(finding.case, f"finding {finding.id}")
    written = {}
    for kind, (name, writer) in _WRITERS.items():
        content = writer(finding, case)
        if content is not None:
            (directory / name).write_bytes(content)
            written[kind] = name
    return written
