"""Assembly text, both ways: the kernel's dialect (its verifier log) printed and parsed, LLVM's (llvm-objdump)
printed."""

from ebpf.assembly.parser import parse
from ebpf.assembly.printer import AssemblyDialect, listing, text

__all__ = ["AssemblyDialect", "listing", "parse", "text"]
