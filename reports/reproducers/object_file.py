"""An ELF object that veristat and bpftool load."""

from __future__ import annotations

import re
from dataclasses import replace

from ebpf.descriptors import with_descriptors
from ebpf.errors import InputError
from ebpf.objects.parts import Part, Writing
from ebpf.objects.writer import write_object
from ebpf.program import Case
from reports.records import Finding


def program_name(finding: Finding) -> str:
    """What the program is called there."""
    return re.sub(r"\W+", "_", f"veridiff_{finding.kind}_{finding.id}")


def object_file(finding: Finding, case: Case) -> bytes | None:
    """The object; None for a program that none can hold: one that addresses a map both ways, or that is about
    being loaded without privilege, say.

    An object has no load flags and no contents of maps other than global data.
    """
    if case.capabilities is not None:
        return None
    name = program_name(finding)
    maps = tuple(
        replace(spec, name=re.sub(r"[^\w.]", "_", spec.name) or f"m{n}")
        for n, spec in enumerate(case.program.maps)
    )
    program = replace(with_descriptors(case.program), maps=maps)
    try:
        return write_object([Part(name, program)], Writing(license=program.license or None))
    except InputError:
        return None
