"""From a case to files a kernel developer can use without veridiff: a C program, a selftest, an ELF object,
plain hex, the case itself."""

from reports.reproducers.files import write

__all__ = ["write"]
