"""Symbols that an object leaves to its loader (libbpf 1.4, libbpf.c: bpf_object__collect_externs)."""

from __future__ import annotations

from ebpf.btf import Btf, BtfKind, BtfType
from ebpf.btf.types import Linkage
from ebpf.objects.elf import SHN_UNDEF, Binding, SymbolType
from ebpf.objects.errors import OpenStage, refuse
from ebpf.objects.file import ElfFile, Symbol
from ebpf.objects.generation import Generation
from ebpf.objects.object import Extern, ExternKind


def is_extern(symbol: Symbol) -> bool:
    """``sym_is_extern``."""
    bound = symbol.binding in (Binding.GLOBAL, Binding.WEAK)
    return symbol.section == SHN_UNDEF and bound and symbol.type == SymbolType.NOTYPE


def externs(file: ElfFile, btf: Btf | None, generation: Generation) -> list[Extern]:
    """Each has a type in BTF, and a DATASEC that says what answers it.  Raises
    :class:`ebpf.objects.errors.ObjectError`."""
    wanted = [symbol for symbol in file.symbols if symbol.name and is_extern(symbol)]
    if not wanted:
        return []
    if btf is None:
        refuse(OpenStage.EXTERNS, str(wanted[0]), "an extern, and no BTF that says what it is")
    named: dict[str, BtfType] = {}
    homes: dict[int, str] = {}
    for each in btf:
        if each.kind is BtfKind.VAR or (each.kind is BtfKind.FUNC and generation.function_externs):
            named.setdefault(each.name, each)
        elif each.kind is BtfKind.DATASEC:
            for variable in btf.variables(each):
                homes.setdefault(variable.type, each.name)
    return [_extern(symbol, btf, named.get(symbol.name), homes) for symbol in wanted]


def _extern(symbol: Symbol, btf: Btf, kind: BtfType | None, homes: dict[int, str]) -> Extern:
    if kind is None:
        refuse(OpenStage.EXTERNS, str(symbol), "failed to find BTF for extern")
    if btf.linkage(kind) != Linkage.EXTERN:
        refuse(OpenStage.EXTERNS, str(symbol), "undefined, yet its BTF is not that of an extern")
    home = homes.get(kind.id)
    if home is None:
        refuse(OpenStage.EXTERNS, str(symbol), "its BTF is in no section")
    if home not in (each.value for each in ExternKind):
        refuse(OpenStage.EXTERNS, str(symbol), f"unrecognized extern section '{home}'")
    function = kind.kind is BtfKind.FUNC
    if function and home == ExternKind.KCONFIG.value:
        refuse(OpenStage.EXTERNS, str(symbol), "extern functions are unsupported under .kconfig section")
    if home == ExternKind.KCONFIG.value:
        btf.size(kind.size_or_type)
    return Extern(symbol.name, ExternKind(home), symbol.index, symbol.binding == Binding.WEAK, function)
