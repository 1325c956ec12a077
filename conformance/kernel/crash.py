"""Where a kernel went down, by what its console says."""

from __future__ import annotations

import re

_BEGINS = re.compile(
    r"BUG: |kernel BUG at|Oops|general protection fault|invalid opcode:|divide error:|double fault:"
    r"|Unable to handle"
)
"""How the report of what a kernel does not survive begins; a warning has a place too, and comes before."""
_PLACE = re.compile(
    r"(?:RIP: [0-9a-f]{4}:|\bpc : |\bepc : |NIP \[[0-9a-f]+\] |Krnl PSW : \w+ \w+ \()"
    r"(?P<function>[A-Za-z_][\w.]*)\+0x"
)
"""The function in which it was, as show_regs() writes it for x86-64, arm64, riscv64, ppc64 and s390x."""
_PROGRAM = re.compile(r"bpf_prog_[0-9a-f]{16}")
_SUFFIX = re.compile(r"\.(?:isra|constprop|part|cold).*")
"""Of what a compiler made of a function."""


def crash_site(console: str) -> str:
    """The kernel's function that it went down in, ``program`` where that was a program's own code; empty
    where the console does not say."""
    begins = _BEGINS.search(console)
    place = _PLACE.search(console, begins.start() if begins else 0)
    if place is None:
        return ""
    function = _SUFFIX.sub("", place["function"])
    return "program" if _PROGRAM.match(function) else function
