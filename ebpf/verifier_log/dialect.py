"""Which of the three ways of writing a log this one is, and what decides it."""

from __future__ import annotations

import re
from enum import Enum


class LogDialect(Enum):
    """Named after the stock kernel each was sampled from.

    LINUX_6_1 also stands for the mixed kernels up to 6.7: reading omitted bounds and widths of spills weakly
    is right there too.
    """

    LINUX_5_10 = "5.10"
    LINUX_6_1 = "6.1"
    LINUX_6_12 = "6.12"
    LINUX_7_3 = "7.3"

    @property
    def abstains(self) -> str | None:
        """Why no claim can be taken from such a log, or None."""
        return "claims in the 5.10 dialect are not read" if self is LogDialect.LINUX_5_10 else None


# Values named inv and bounds named umax_value went away in 5.19 (kernel/bpf/verifier.c).
_BEFORE_5_19 = re.compile(r"=inv(?:P|\(|-?\d)|u(?:min|max)_value=")
# Only 7.x prints its static analysis and per-subprogram statistics.
_SINCE_7 = re.compile(r"^(?:topo_order\[|Live regs before insn|stack depth max |subprog \d+ \()", re.M)
# Until 6.7 every pointer shows its offset even when it is 0; 32-bit bounds had an underscore, and precision
# walks (6.1) no prefix.
_UNTIL_6_7 = re.compile(r"=[a-z]\w*\((?:[^()\s]*,)?off=0[,)]|^(?:last_idx |regs=)|[su]32_m(?:in|ax)=", re.M)


def detect(text: str) -> LogDialect:
    """The dialect of a log.  A log that shows no state at all reads the same in every dialect, and is called
    6.12."""
    if _SINCE_7.search(text):
        return LogDialect.LINUX_7_3
    if _BEFORE_5_19.search(text):
        return LogDialect.LINUX_5_10
    # The first state shows the context pointer, so that any log with states tells.
    return LogDialect.LINUX_6_1 if _UNTIL_6_7.search(text) else LogDialect.LINUX_6_12
