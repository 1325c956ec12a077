"""ELF objects handed in: the stages of opening as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator

from ebpf.assembly import listing, with_names
from ebpf.objects import Object, ObjectProgram, OpenStage


def describe_object(opened: Object) -> str:
    """The stages in order, what each found, and every program with its source beside it."""
    file = opened.file
    named = [section for section in file.sections if section.name]
    lines = [f"{opened.name}: opened by the rules of {opened.generation.value}"]
    lines.append(
        f"  {OpenStage.ELF_INIT.value}: {len(named)} sections, {len(file.symbols) - 1} symbols, little-endian"
    )
    version = "" if opened.version is None else f", version {opened.version:#x}"
    lines.append(f"  {OpenStage.COLLECT.value}: {' '.join(section.name for section in named)}")
    lines.append(f"  licence: {opened.license or 'none: not GPL'}{version}")
    lines += [f"  note: {note}" for note in opened.notes]
    lines.append(f"  {OpenStage.BTF.value}: {'none' if opened.btf is None else f'{len(opened.btf)} bytes'}")
    lines += [f"  extern: {each.name} ({each.kind.value})" for each in opened.externs]
    for number, each in enumerate(opened.maps):
        spec = each.spec
        sizes = (
            f"key {spec.key_size}, value {spec.value_size}, {spec.max_entries} entries, flags {spec.flags:#x}"
        )
        lines.append(
            f"  map {number}: {spec.name}: {spec.type.name.lower()}, {sizes}, from {each.origin.value}"
        )
    for program in opened.programs:
        lines += _program(program)
    return "\n".join(lines)


def _program(program: ObjectProgram) -> Iterator[str]:
    attach = f", attach type {program.attach_type.name.lower()}" if program.attach_type is not None else ""
    kind = f"{program.type.name.lower()}{attach}" + (
        f", for {program.attach_to}" if program.attach_to else ""
    )
    yield f"  program {program.section}/{program.name}: {kind}, {len(program.instructions)} slots"
    if program.unsupported:
        yield f"    unsupported: {program.unsupported}"
    for slot, name in program.missing:
        yield f"    no {name} in the kernel's types: slot {slot} is a call of no helper"
    begins = {start: name for name, start in program.functions}
    source = {line.slot: line for line in program.lines}
    shown = ""
    for slot, text in with_names(listing(program.instructions), program.kfuncs):
        if slot in begins and slot:
            yield f"    {begins[slot]}:"
        line = source.get(slot)
        if line is not None and line.text and f"{line.file}:{line.line}" != shown:
            shown = f"{line.file}:{line.line}"
            yield f"    ; {line.text.strip()}    {shown}"
        yield f"    {slot:4}: {text}"
