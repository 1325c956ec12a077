"""Domains: sets of 64-bit values as the kernel's verifier describes them.

A :class:`Tnum` fixes some bits and leaves others open; a :class:`ScalarRange` adds bounds in four views.
They are values to test against (``contains``), intersect and print.  There are no transfer functions here:
each oracle has its own, on purpose.
"""

from ebpf.domains.scalar_range import ScalarRange
from ebpf.domains.tnum import Tnum

__all__ = ["ScalarRange", "Tnum"]
