"""ELF-64 as the generic ABI lays it out, and what BPF adds: layouts and numbers (include/uapi/linux/elf.h,
Linux 6.12; relocation types from Documentation/bpf/llvm_reloc.rst)."""

from __future__ import annotations

from enum import IntEnum

from ebpf.byte_order import OBJECT_ORDER

MAGIC = b"\x7fELF"
EHDR = OBJECT_ORDER.layout("16sHHIQQQIHHHHHH")
"""e_ident, e_type, e_machine, e_version, e_entry, e_phoff, e_shoff, e_flags, e_ehsize, e_phentsize, e_phnum,
e_shentsize, e_shnum, e_shstrndx."""
SHDR = OBJECT_ORDER.layout("IIQQQQIIQQ")
"""sh_name, sh_type, sh_flags, sh_addr, sh_offset, sh_size, sh_link, sh_info, sh_addralign, sh_entsize."""
SYM = OBJECT_ORDER.layout("IBBHQQ")
"""st_name, st_info, st_other, st_shndx, st_value, st_size."""
REL = OBJECT_ORDER.layout("QQ")
"""r_offset, r_info (symbol << 32 | type)."""

CLASS64, DATA2LSB, DATA2MSB, EV_CURRENT = 2, 1, 2, 1
ET_REL, EM_NONE, EM_BPF = 1, 0, 247

SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR, SHF_MERGE, SHF_STRINGS, SHF_COMPRESSED = 1, 2, 4, 16, 32, 0x800
SHN_UNDEF, SHN_LORESERVE, SHN_XINDEX = 0, 0xFF00, 0xFFFF


class SectionType(IntEnum):
    """``sh_type``."""

    NULL = 0
    PROGBITS = 1
    SYMTAB = 2
    STRTAB = 3
    RELA = 4
    NOBITS = 8
    REL = 9
    LLVM_ADDRSIG = 0x6FFF4C03


class Binding(IntEnum):
    """The high half of ``st_info``."""

    LOCAL = 0
    GLOBAL = 1
    WEAK = 2


class SymbolType(IntEnum):
    """The low half of ``st_info``."""

    NOTYPE = 0
    OBJECT = 1
    FUNC = 2
    SECTION = 3
    FILE = 4


class RelocationType(IntEnum):
    """``r_info``'s type: R_BPF_* (Documentation/bpf/llvm_reloc.rst, Linux 6.12)."""

    R_BPF_NONE = 0
    R_BPF_64_64 = 1
    R_BPF_64_ABS64 = 2
    R_BPF_64_ABS32 = 3
    R_BPF_64_NODYLD32 = 4
    R_BPF_64_32 = 10
