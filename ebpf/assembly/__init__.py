"""Assembly text, both ways: the kernel's dialect (its verifier log) printed and parsed, LLVM's (llvm-objdump)
printed."""

from ebpf.assembly.assembled import Assembled
from ebpf.assembly.parser import assemble, parse
from ebpf.assembly.printer import AssemblyDialect, listing, program_listing, text, with_names

__all__ = [
    "Assembled",
    "AssemblyDialect",
    "assemble",
    "listing",
    "parse",
    "program_listing",
    "text",
    "with_names",
]
