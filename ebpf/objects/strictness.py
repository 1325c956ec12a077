"""Where this reader refuses what libbpf takes, each with its reason.

libbpf trusts compilers; a test suite reads what generators and fuzzers broke on purpose.  In every other
place the two agree, or ours is the one to mend.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stricter:
    """``what`` is refused here; ``reason`` says what libbpf does with it instead, and why that is no guide.
    ``words`` occur in the refusal's message."""

    what: str
    reason: str
    words: str


STRICTER = (
    Stricter(
        "a file of more than 4 MiB",
        "libbpf maps any size; the limit bounds memory",
        "this reader takes up to",
    ),
    Stricter(
        "names that overlap to more than 16 MiB",
        "libelf copies none; the limit bounds time and memory",
        "overlapping",
    ),
    Stricter("e_version other than EV_CURRENT", "libelf looks at e_ident[EI_VERSION] only", "e_version"),
    Stricter("e_shentsize other than 64", "libelf ignores the field and uses its own size", "e_shentsize"),
    Stricter(
        "sections that share bytes of the file",
        "libelf never compares sections; no compiler makes such a file",
        "overlap at",
    ),
    Stricter("a compressed section", "libelf hands out the compressed bytes as they are", "compressed"),
    Stricter(
        "extended section numbering", "no object of ours or of a compiler has 65280 sections", "e_shnum"
    ),
    Stricter("an unused symbol whose name is no string", "libbpf looks at the names it needs", "st_name"),
    Stricter(
        "an entry size that is not the symbol table's or relocation's own",
        "libbpf checks it where it uses the section",
        "sh_entsize",
    ),
    Stricter(
        "a relocation type that is not R_BPF_*",
        "libbpf looks at the instruction, never at the type",
        "is no R_BPF_",
    ),
    Stricter(
        "a relocation beyond its section",
        "libbpf 0.3 looks at 32 bits of r_offset; 1.0 and later refuse it",
        "is no instruction of",
    ),
    Stricter(
        "relocations for a section that does not exist",
        "libbpf 0.3 passes over them; 1.0 and later refuse them",
        "sh_info",
    ),
    Stricter(
        "a .BTF section that is not SHT_PROGBITS",
        "libbpf 0.3 looks at no type; 1.0 and later do",
        "is not SHT_PROGBITS",
    ),
    Stricter("a map in .maps that no symbol names", "libbpf 0.3 looks at BTF only", "no symbol of that name"),
    Stricter(
        "a map in .maps that is not global", "libbpf 0.3 does not look at linkage", "unsupported linkage"
    ),
    Stricter(
        "a map in section maps whose symbol has no name",
        "libbpf 0.3 makes it, nameless",
        "a map without a name",
    ),
    Stricter(
        "a map definition whose end wraps around",
        "libbpf 0.3 reads what lies before the section",
        "wraps around",
    ),
    Stricter(
        "a nameless part of .BTF.ext",
        "libbpf 0.3 refuses it only where it comes before what is looked for",
        "nameless part",
    ),
    Stricter("two relocations of one instruction", "the last one in libbpf's list wins", "relocated twice"),
    Stricter(
        "a call into the middle of a function",
        "libbpf calls the function's start instead",
        "not the start of a function",
    ),
    Stricter("functions that share instructions", "libbpf's search finds one of them", "functions overlap"),
    Stricter(
        "a 64-bit immediate load cut off at a function's end",
        "libbpf patches the next function's first slot",
        "second slot",
    ),
    Stricter("a map type that no Linux has", "the kernel refuses it at creation", "no map type"),
    Stricter(
        "a map definition of more than 32 fields", "libbpf reads the last of each name", "more than 32 fields"
    ),
    Stricter(
        "more than 4,000,000 instructions in all programs", "the limit bounds memory", "instructions in all"
    ),
    Stricter(
        "a BTF name beyond the strings",
        "libbpf checks it since 1.3 (btf.c, btf_validate_str)",
        "is beyond the strings",
    ),
    Stricter(
        "a BTF type that refers to none",
        "libbpf checks it since 1.4 (btf.c, btf_validate_id)",
        "refers to type",
    ),
    Stricter("a chain of BTF types without end", "libbpf 1.1 follows it for ever", "chain of types"),
    Stricter(
        "a data section of 4 GiB or more", "libbpf keeps 32 bits of the size", "does not fit in 32 bits"
    ),
    Stricter(
        "a BTF header longer than its bytes allow",
        "libbpf counts hdr_len as 24 when it bounds the strings",
        "BTF header",
    ),
    Stricter(
        "a program of more than 1,000,000 instructions",
        "the kernel refuses it (BPF_COMPLEXITY_LIMIT_INSNS)",
        "1000000",
    ),
)
