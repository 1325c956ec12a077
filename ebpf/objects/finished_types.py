"""BTF as a loader finishes it: the sizes and offsets of data sections, and linkage by visibility (libbpf 1.1,
libbpf.c: btf_fixup_datasec)."""

from __future__ import annotations

from ebpf.btf import Btf, BtfKind, BtfType
from ebpf.btf import types as t
from ebpf.btf.types import Linkage, SectionVariable
from ebpf.objects.elf import Binding, SymbolType
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.file import ElfFile, Symbol
from ebpf.objects.object import ExternKind

_HIDDEN = (1, 2)
"""STV_INTERNAL, STV_HIDDEN."""


def finished(btf: Btf, file: ElfFile) -> Btf:
    """Compilers leave the size of a DATASEC and its variables' offsets at zero, which the kernel refuses.

    Raises :class:`ebpf.objects.errors.ObjectError` for a variable without a symbol.
    """
    raw = bytearray(btf.raw)
    variables = {
        symbol.name: symbol
        for symbol in reversed(file.symbols)
        if symbol.type == SymbolType.OBJECT and symbol.binding in (Binding.GLOBAL, Binding.WEAK)
    }
    sizes = {section.name: section.size for section in reversed(file.sections)}
    for each in btf:
        if each.kind is BtfKind.DATASEC:
            _finish(each, btf, raw, variables, sizes)
    return Btf(bytes(raw))


def _finish(
    section: BtfType, btf: Btf, raw: bytearray, symbols: dict[str, Symbol], sizes: dict[str, int]
) -> None:
    entries = list(btf.variables(section))
    if section.name not in (ExternKind.KCONFIG.value, ExternKind.KSYM.value):
        fill = section.size_or_type == 0
        if fill:
            size = sizes.get(section.name, 0)
            if not 0 < size < 1 << 32:
                refuse(OpenStage.BTF, f"DATASEC '{section.name}'", f"the file's section has size {size}")
            t.WORD.pack_into(raw, section.at - 4, size)
        entries = [_variable(section, entry, btf, raw, symbols, fill) for entry in entries]
    entries.sort(key=lambda entry: entry.offset)
    for number, entry in enumerate(entries):
        t.VAR_SECINFO.pack_into(
            raw, section.at + number * t.VAR_SECINFO.size, entry.type, entry.offset, entry.size
        )


def _variable(
    section: BtfType, entry: SectionVariable, btf: Btf, raw: bytearray, symbols: dict[str, Symbol], fill: bool
) -> SectionVariable:
    variable = btf.type(entry.type)
    at = f"DATASEC '{section.name}', variable '{variable.name}'"
    if variable.kind is not BtfKind.VAR:
        refuse(OpenStage.BTF, at, f"is a {variable.kind.name.lower()}")
    if btf.linkage(variable) in (Linkage.STATIC, Linkage.EXTERN):
        return entry
    symbol = symbols.get(variable.name)
    if symbol is None:
        refuse(OpenStage.BTF, at, "no symbol of that name")
    if symbol.visibility in _HIDDEN:
        t.WORD.pack_into(raw, variable.at, Linkage.STATIC)
    return SectionVariable(
        entry.type, symbol.value & 0xFFFFFFFF if fill else entry.offset, entry.size, entry.at
    )
