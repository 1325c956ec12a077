"""A standalone C program for a finding, which says whether a kernel is right: bpf(2) and nothing else, so
that it builds anywhere and hides nothing.

A frame (``reproducer.c.j2``), parts (``parts/``), and a judge for each thing that a right kernel does
(``judge/``).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import jinja2

from ebpf.assembly import program_listing
from ebpf.btf.machine_order import btf_for, func_info_for
from ebpf.btf.map_types import with_map_types
from ebpf.descriptors import with_descriptors
from ebpf.isa.insn import Insn
from ebpf.maps import MapSpec
from ebpf.program import Case
from ebpf.test_runs import REFUSES_PACKET
from reports.records import Finding
from reports.reproducers.judging import judging, right_of, subject
from reports.reproducers.text import byte_list, comment, string

_PSEUDO_MAP = (1, 2)  # BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE
_LD_IMM64 = 0x18
_CAPABILITIES = {
    "NET_ADMIN": 12,
    "NET_RAW": 13,
    "SYS_ADMIN": 21,
    "SYS_RESOURCE": 24,
    "PERFMON": 38,
    "BPF": 39,
}
"""Those bpf(2) asks for, by number (include/uapi/linux/capability.h)."""


def c_program(finding: Finding, case: Case) -> str:
    """The program's text.  It refuses to run unless told that it runs in a virtual machine: people will start
    it as root."""
    right = right_of(finding)
    case, chosen = subject(right, case, finding.witness)
    program = with_descriptors(with_map_types(case.program))
    program = replace(
        program,
        btf=None if program.btf is None else btf_for(program.byte_order, program.btf),
        func_info=None if program.func_info is None else func_info_for(program.byte_order, program.func_info),
    )
    texts = dict(program_listing(program))
    return (
        _environment()
        .get_template("reproducer.c.j2")
        .render(
            finding=finding,
            right=right,
            judging=judging(right),
            subject=case,
            program=program,
            instructions=[
                (_initializer(insn), texts.get(index, "")) for index, insn in enumerate(program.instructions)
            ],
            maps=list(enumerate(program.maps)),
            map_slots=_map_slots(program.instructions),
            templates=[
                (index, spec.inner) for index, spec in enumerate(program.maps) if spec.inner is not None
            ],
            contents=[
                (index, *pair)
                for index, spec in enumerate(program.maps)
                if not _is_nested(spec)
                for pair in spec.contents
            ],
            # Some types (xdp, socket_filter, sched_cls, ...) want at least an Ethernet header.
            packet=chosen.packet or bytes(14),
            context=chosen.context,
            takes_packet=program.type not in REFUSES_PACKET,
            capabilities=None if case.capabilities is None else _mask(case.capabilities),
            largest_value=max((spec.value_size for spec in program.maps), default=0),
        )
    )


@cache
def _environment() -> jinja2.Environment:
    # Not HTML: what could break out here is a comment or a string, and `comment` and `string` guard those.
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports.reproducers"),
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"comment": comment, "string": string, "bytes": byte_list}
    return environment


def _initializer(insn: Insn) -> str:
    imm = "(-2147483647 - 1)" if insn.imm == -(1 << 31) else str(insn.imm)
    return f"{{ 0x{insn.opcode:02x}, {insn.dst}, {insn.src}, {insn.off}, {imm} }}"


def _map_slots(instructions: tuple[Insn, ...]) -> list[tuple[int, int]]:
    """(slot, map index) of each instruction that names a map; second slots of 64-bit loads are no
    instructions."""
    second = {index + 1 for index, insn in enumerate(instructions) if insn.opcode == _LD_IMM64}
    return [
        (index, insn.imm)
        for index, insn in enumerate(instructions)
        if insn.opcode == _LD_IMM64 and insn.src in _PSEUDO_MAP and index not in second
    ]


def _is_nested(spec: MapSpec) -> bool:
    return spec.inner is not None


def _mask(capabilities: tuple[str, ...]) -> int:
    names = [name.upper().removeprefix("CAP_") for name in capabilities]
    return sum(1 << _CAPABILITIES[name] for name in names if name in _CAPABILITIES)
