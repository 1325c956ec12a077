"""Maps as the kernel's selftests define them: in ``.maps``, or, where a program addresses the value of one, a
variable in a data section, of which libbpf makes a map."""

from __future__ import annotations

from ebpf.isa import opcodes as o
from ebpf.maps import MapField, MapFieldKind, MapSpec
from ebpf.objects.writer import data_section, is_data
from ebpf.program import Program
from reports.reproducers.text import byte_list, string

_STRUCTS = {
    MapFieldKind.SPIN_LOCK: "bpf_spin_lock",
    MapFieldKind.TIMER: "bpf_timer",
    MapFieldKind.WORKQUEUE: "bpf_wq",
}
"""Of include/uapi/linux/bpf.h; pointers and lists also want types of the kernel."""


class Inexpressible(Exception):
    """No definition says what the map is."""


def definition(program: Program) -> list[str]:
    """The lines that define all of a program's maps, named m0, m1, ..."""
    if program.kfuncs:
        raise Inexpressible("kernel functions have prototypes of their own")
    by_value, by_descriptor = _named(program, o.PSEUDO_MAP_VALUE), _named(program, o.PSEUDO_MAP_FD)
    lines = []
    for index, spec in enumerate(program.maps):
        if index not in by_value | by_descriptor:
            continue
        if index in by_value:
            if index in by_descriptor or not is_data(spec, True):
                raise Inexpressible(f"map {index} is addressed by value")
            lines += _variable(index, spec)
        else:
            if spec.btf_value:
                raise Inexpressible(f"map {index} has types of the program's own")
            lines += _value_type(index, spec)
            lines += [
                "struct {",
                *_attributes(spec, f"struct value_{index}"),
                f'}} m{index} SEC(".maps");',
                "",
            ]
    return lines


def _named(program: Program, how: int) -> set[int]:
    return {insn.imm for insn in program.instructions if insn.opcode == o.LD_IMM64 and insn.src == how}


def _variable(index: int, spec: MapSpec) -> list[str]:
    value = dict(spec.contents).get(bytes(4), bytes(spec.value_size))
    section = data_section(spec)
    kind = "const unsigned char" if section.startswith(".rodata") else "unsigned char"
    return [
        f"{kind} m{index}[{spec.value_size}] __attribute__((aligned(8))) SEC({string(section)}) = {{",
        f"\t{byte_list(value)}",
        "};",
        "",
    ]


def _value_type(index: int, spec: MapSpec) -> list[str]:
    if not spec.fields:
        return []
    lines, at = [f"struct value_{index} {{"], 0
    for member in sorted(spec.fields, key=lambda each: each.offset):
        lines += _padding(at, member.offset)
        lines.append(f"\tstruct {_struct(member)} field_{member.offset};")
        at = member.offset + member.kind.size
    return [*lines, *_padding(at, spec.value_size), "};", ""]


def _struct(member: MapField) -> str:
    if member.kind not in _STRUCTS:
        raise Inexpressible(f"a {member.kind.value} in a map's value")
    return _STRUCTS[member.kind]


def _padding(start: int, end: int) -> list[str]:
    return [f"\tunsigned char bytes_{start}[{end - start}];"] if end > start else []


def _attributes(spec: MapSpec, value: str, indent: str = "\t") -> list[str]:
    lines = [f"__uint(type, BPF_MAP_TYPE_{spec.type.name});"]
    if spec.fields:
        lines += (
            [f"__type(key, unsigned char[{spec.key_size}]);"]
            if spec.key_size != 4
            else ["__type(key, __u32);"]
        )
        lines.append(f"__type(value, {value});")
    else:
        lines += [f"__uint(key_size, {spec.key_size});"] if spec.key_size else []
        lines += [f"__uint(value_size, {spec.value_size});"] if spec.value_size else []
    lines += [f"__uint(max_entries, {spec.max_entries});"] if spec.max_entries else []
    lines += [f"__uint(map_flags, {spec.flags:#x});"] if spec.flags else []
    if spec.inner is not None:
        if spec.inner.fields:
            raise Inexpressible("special fields in an inner map's value")
        lines += ["__array(values, struct {", *_attributes(spec.inner, ""), "});"]
    return [indent + line for line in lines]
